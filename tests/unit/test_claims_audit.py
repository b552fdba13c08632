"""The audit of a study and its reproduced values, on made-up results."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest
from claims_results import (
    CLAIMS,
    ROOT,
    audit,
    make_encoders,
    make_multiclass,
    metrics_rows,
    study_at,
)

from changed_study import replaced
from gliomake.claims import reproduce
from gliomake.claims.artefacts import Artefacts
from gliomake.claims.audit import COLUMNS, audit_study, study_findings, write_audit
from gliomake.claims.reproduce import convergence, plateau
from gliomake.claims.table import load_claims
from gliomake.files.tsv import read_tsv, write_tsv
from gliomake.report import verdicts
from gliomake.report.keys import ScoreKey
from gliomake.report.scores import StaleTableError

STUDIES = sorted(path.stem for path in (ROOT / "config" / "studies").glob("*.yaml"))
CONTRACT = "claim quantity class reported reproduced ci_low ci_high convention run verdict check"
HEADER = "claim study model subset quantity class epoch value approximate where aggregation note"


@pytest.fixture
def encoders(tmp_path):
    return make_encoders(tmp_path)


@pytest.fixture
def multiclass(tmp_path):
    return make_multiclass(tmp_path)


@pytest.mark.parametrize("name", STUDIES)
def test_without_any_run_every_claim_has_a_verdict_and_the_arithmetic_stands(name, tmp_path):
    study = study_at(name, "demo")
    table = audit_study(study, CLAIMS, Artefacts(study, tmp_path), "phantom", "demo")
    assert list(table.columns) == COLUMNS
    assert " ".join(COLUMNS).startswith(CONTRACT)
    assert list(table["claim"]) == [c.claim for c in load_claims(CLAIMS, study=name)]
    for row in table.itertuples():
        assert row.verdict.endswith(".")
        assert "\n" not in row.verdict
        copied = row.verdict.startswith("Set as published: the configuration")
        assert copied == (row.outcome == "set as published")
        assert copied or "ot comparable: " in row.verdict
        assert ("inconsistent" in row.check) == row.verdict.startswith("Inconsistent: ")


def test_the_studies_together_are_all_claims(tmp_path):
    tables = [
        audit_study(study, CLAIMS, Artefacts(study, tmp_path), "phantom", "demo")
        for study in (study_at(name, "demo") for name in STUDIES)
    ]
    assert sorted(claim for table in tables for claim in table["claim"]) == sorted(
        claim.claim for claim in load_claims(CLAIMS)
    )


def test_findings_need_no_run_and_involve_the_study():
    study = study_at("lgg-two-stage", "demo")
    findings = study_findings(study, CLAIMS)
    assert {finding.check for finding in findings} >= {"confusion-matrix", "ranking"}
    for finding in findings:
        assert any(claim.startswith("lgg-two-stage.") for claim in finding.claims)


def test_sizes_are_counted_in_the_kind_of_split_that_they_show(encoders):
    table = audit(*encoders)
    sizes = table.loc[["lgg-encoders.001", "lgg-encoders.002", "lgg-encoders.003"]]
    assert list(sizes["reproduced"]) == [2828, 708, 393]
    assert set(sizes["run"]) == {"slice-f0-s0"}
    assert set(sizes["outcome"]) == {"holds"}
    assert table.loc["lgg-encoders.004", "reproduced"] == 110
    assert "slices of one patient on both sides" in table.loc["lgg-encoders.001", "verdict"]


def test_an_epoch_is_read_from_the_history_under_the_implied_convention(multiclass):
    row = audit(*multiclass).loc["brats2020-multiclass.005"]  # dice ED, epoch 1, 0.41
    assert (row["convention"], row["reproduced"]) == ("slice-empty1", 0.41)
    assert (row["nearest_convention"], row["nearest_value"]) == ("slice-empty1", 0.41)
    assert row["verdict"].startswith("Inconsistent: ")
    assert "holds: reproduced as 0.41 under slice-empty1" in row["verdict"]


def test_an_undefined_value_names_the_nearest_that_is_defined(multiclass):
    row = audit(*multiclass).loc["brats2020-multiclass.008"]  # precision ED, epoch 1, 0.22
    assert row["convention"] == "slice-empty0"
    assert pd.isna(row["reproduced"])
    assert (row["nearest_convention"], row["nearest_value"]) == ("pooled", 0.2)


def test_an_epoch_that_was_not_trained_is_null_and_says_so(multiclass):
    row = audit(*multiclass).loc["brats2020-multiclass.123"]  # epoch 50
    assert pd.isna(row["reproduced"])
    assert row["outcome"] == "not reproducible"
    assert "ended at epoch 8" in row["verdict"]


def test_a_final_score_has_the_interval_of_the_best_weights(multiclass):
    row = audit(*multiclass).loc["brats2020-multiclass.137"]  # mean Dice 0.581
    assert row["reproduced"] == 0.585
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((0.565, 0.605))
    assert row["outcome"] == "holds"
    assert "the last epoch scores 0.41" in row["note"]
    far = audit(*multiclass).loc["brats2020-multiclass.135"]  # dice ED 0.45 against 0.585
    assert far["outcome"] == "differs"
    assert (
        "0.45 lies below ours, 0.585 (0.565 to 0.605) under slice-empty1" in far["verdict"].lower()
    )


def test_scores_of_the_cleaned_masks_are_taken_where_the_study_cleans_up(tmp_path):
    study = study_at("coco-unet", "paper")
    folder = tmp_path / "coco-unet" / "unet"
    folder.mkdir(parents=True)
    values = {("val", "dice", "slice-empty1"): 0.6, ("val", "iou", "pooled"): 0.5}
    raw = metrics_rows(values, run="predefined-f0-s0")
    clean = [row | {"postprocess": True, "value": row["value"] + 0.1} for row in raw]
    (folder / "metrics.json").write_text(json.dumps(raw + clean))
    table = audit(study, Artefacts(study, tmp_path))
    assert table.loc["coco-unet.001", "reproduced"] == 0.7
    # The IoU is implied to be a mean over images, which was not scored; pooled comes nearest.
    row = table.loc["coco-unet.002"]
    assert pd.isna(row["reproduced"])
    assert (row["nearest_convention"], row["nearest_value"]) == ("pooled", 0.6)


def test_a_convention_that_nothing_tells_is_assumed_and_says_so(tmp_path, encoders):
    study = study_at("coco-unet", "paper")
    folder = tmp_path / "coco-unet" / "unet"
    folder.mkdir(parents=True)
    values = {"pooled": 0.53, "slice-empty1": 0.9, "slice-empty0": 0.3, "slice-tumour": 0.6}
    rows = [
        row
        for metric in ("dice", "iou", "accuracy")
        for row in metrics_rows(
            {("val", metric, each): value for each, value in values.items()},
            run="predefined-f0-s0",
            postprocess=True,
        )
    ]
    (folder / "metrics.json").write_text(json.dumps(rows))
    table = audit(study, Artefacts(study, tmp_path))
    # Dice 0.53 and IoU 0.50 are means over images: of these, not of all, the nearest is taken.
    for claim in ("coco-unet.001", "coco-unet.002"):
        assert list(table.loc[claim, ["convention", "assumed"]]) == ["slice-tumour", "yes"]
        assert "under slice-tumour (assumed)" in table.loc[claim, "verdict"]
    assert list(table.loc["coco-unet.003", ["convention", "assumed"]]) == ["pooled", "yes"]
    # A split's size is counted.
    assert audit(*encoders).loc["lgg-encoders.001", "assumed"] == "no"


def test_a_convention_that_the_numbers_tell_is_not_assumed(multiclass):
    assert audit(*multiclass).loc["brats2020-multiclass.005", "assumed"] == "no"


def test_the_share_of_background_is_taken_from_real_data_only(tmp_path):
    study = study_at("coco-unet", "paper")
    folder = tmp_path / "coco-unet" / "all-background"
    folder.mkdir(parents=True)
    rows = metrics_rows({("val", "accuracy", "pooled"): 0.9634}, run="predefined-f0-s0")
    (folder / "metrics.json").write_text(json.dumps(rows))
    for data, expected in (("real", "0.963 in the data"), ("phantom", "not from one pooled count")):
        findings = study_findings(study, CLAIMS, Artefacts(study, tmp_path), data)
        (found,) = [f for f in findings if f.check == "all-background-accuracy"]
        assert expected in found.sentence


def test_a_confusion_matrix_is_counted_from_images(tmp_path):
    study = study_at("lgg-two-stage", "paper")
    cells = {"tp": [1, 0, 0], "fp": [0, 1, 1], "fn": [0] * 3, "tn": [0] * 3}
    counts = pd.DataFrame(
        {"patient": list("abc"), "slice": 1, "subset": ["test", "test", "val"]}
        | {"class": "tumour", "postprocess": False}
        | cells
    )
    run = tmp_path / "lgg-two-stage" / "resnet50-classifier" / "patient-f0-s0"
    write_tsv(counts, run / "counts.tsv")
    table = audit(study, Artefacts(study, tmp_path))
    assert list(table.loc[[f"lgg-two-stage.00{n}" for n in (2, 3, 4, 5)], "reproduced"]) == [
        0,
        1,
        0,
        1,
    ]


def test_tversky_takes_the_weights_of_the_models_loss(tmp_path):
    study = study_at("lgg-two-stage", "paper")
    folder = tmp_path / "lgg-two-stage" / "vgg19-unet"
    folder.mkdir(parents=True)
    rows = metrics_rows({("test", "tversky-a0.3-b0.7", "pooled"): 0.9})
    (folder / "metrics.json").write_text(json.dumps(rows))
    row = audit(study, Artefacts(study, tmp_path)).loc["lgg-two-stage.011"]
    assert (row["reproduced"], row["convention"]) == (0.9, "pooled")


def test_plateau_and_convergence():
    history = pd.DataFrame(
        {
            "epoch": [1, 2, 3, 4],
            "val_loss": [1.0, 0.3, 0.18, 0.1],
            "val_iou_tumour@pooled": [0.1, 0.7, 0.73, 0.8],
        }
    )
    assert plateau(history) == 3  # at most 1.0 - 0.9 * 0.9 = 0.19
    assert convergence(history, "tumour") == 3  # at least 0.9 * 0.8 = 0.72


def test_made_up_claims_of_a_study_are_audited(encoders, tmp_path):
    rows = [
        "x.1|lgg-encoders|unet|val|dice|tumour||0.82|no|table||",
        "x.2|lgg-encoders|unet|val|iou|tumour||0.70|no|table||",
        "x.3|lgg-encoders|unet|val|loss|tumour|2|0.30|no|table||",
    ]
    lines = [HEADER.replace(" ", "\t"), *(row.replace("|", "\t") for row in rows)]
    path = tmp_path / "made-up.tsv"
    path.write_text("".join(f"{line}\n" for line in lines))
    table = audit(*encoders, claims=path)
    assert list(table["outcome"]) == ["holds", "not reproducible", "holds"]
    assert list(table["check"]) == ["dice-against-iou: consistent"] * 2 + [""]


def test_both_files_are_written_and_read_back(encoders, tmp_path):
    study, artefacts = encoders
    table, findings = tmp_path / "claims.tsv", tmp_path / "findings.json"
    write_audit(study, CLAIMS, artefacts, "real", "paper", table, findings)
    assert len(read_tsv(table)) == 10
    entries = json.loads(findings.read_text())
    assert {"check", "level", "claims", "sentence", "numbers"} <= set(entries[0])


def test_a_claim_leads_to_the_masks_that_were_audited():
    scores = [
        {"model": "unet", "run": "patient-f0-s0", "subset": "val", "class": "tumour"}
        | {"metric": "dice", "convention": "pooled", "postprocess": cleaned, "value": 0.6}
        for cleaned in (False, True)
    ]
    claim = {"claim": "a.1", "model": "unet", "run": "patient-f0-s0", "subset": "val", "class": ""}
    claim |= {"quantity": "dice"}
    for postprocess in (None, {"min_area": 0.1}):
        study = replaced(study_at("lgg-encoders", "demo"), postprocess=postprocess)
        by_key = {ScoreKey.of(row): row for row in scores}
        inputs = SimpleNamespace(scores_by_key=by_key, study=study, claims="claims.tsv")
        row = verdicts._score_of(inputs, claim, "pooled", 0.6)
        assert row["postprocess"] == bool(postprocess)
        assert verdicts._score_of(inputs, claim, "patient", 0.6) is None
        with pytest.raises(StaleTableError, match=r"claim a\.1 has 0\.61 .*says 0\.6.*again"):
            verdicts._score_of(inputs, claim, "pooled", 0.61)


def test_no_verdict_hangs_on_the_words_of_a_detail(encoders, monkeypatch):
    """Reworded in any way, the sentences change and the outcomes do not."""
    before = audit(*encoders)

    def reworded(function):
        return lambda *given: replace(function(*given), detail="Anders gesagt")

    for name, function in reproduce.OTHERS.items():
        monkeypatch.setitem(reproduce.OTHERS, name, reworded(function))
    after = audit(*encoders)
    assert (before["verdict"] != after["verdict"]).any()
    (faster,) = after.loc[after["quantity"] == "converges_before", "verdict"]
    assert "Anders gesagt" in faster
    unworded = ["verdict", "note"]
    pd.testing.assert_frame_equal(before.drop(columns=unworded), after.drop(columns=unworded))
