"""Reproduced values and verdicts, on made-up results of a study."""

import json
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from gliomake.claims import Artefacts, audit_study, load_claims, study_findings, write_audit
from gliomake.claims.audit import COLUMNS
from gliomake.claims.reproduce import convergence, plateau
from gliomake.config import load_study
from gliomake.report import verdicts
from gliomake.tsv import read_tsv, write_tsv

ROOT = Path(__file__).parents[2]
CLAIMS = ROOT / "config" / "claims.tsv"
STUDIES = sorted(path.stem for path in (ROOT / "config" / "studies").glob("*.yaml"))
CONTRACT = "claim quantity class reported reproduced ci_low ci_high convention run verdict check"
HEADER = "claim study model subset quantity class epoch value approximate where aggregation note"


def study_at(name, scale):
    return load_study(ROOT / "config" / "studies" / f"{name}.yaml", scale)


def metrics_rows(values, run="patient-f0-s0", class_="tumour", **fixed):
    """Rows of metrics.json from {(subset, metric, convention): value}, interval +-0.02."""
    shared = {"run": run, "class": class_, "postprocess": False, "n": 10}
    return [
        {**shared, "subset": subset, "metric": metric, "convention": convention, "value": value}
        | {"ci_low": value - 0.02, "ci_high": value + 0.02}
        | fixed
        for (subset, metric, convention), value in values.items()
    ]


@pytest.fixture
def encoders(tmp_path):
    """Results of lgg-encoders: four models, one run, and the split of slices."""
    study = study_at("lgg-encoders", "paper")
    folder = tmp_path / study["id"]
    dice = {"unet": 0.81, "unet-vgg16": 0.84, "unet-resnet50": 0.90, "unet-resnet50-frozen": 0.70}
    iou = {"unet": [0.1, 0.5, 0.9, 1.0], "unet-resnet50": [0.2, 0.92, 0.95, 1.0]}
    for model, value in dice.items():
        (folder / model).mkdir(parents=True)
        rows = metrics_rows({("val", "dice", "pooled"): value})
        (folder / model / "metrics.json").write_text(json.dumps(rows))
        history = pd.DataFrame(
            {
                "epoch": [1, 2, 3, 4],
                "train_loss": [0.9, 0.5, 0.3, 0.2],
                "val_loss": [1.0, 0.3, 0.12, 0.1],
                "val_iou_tumour@pooled": iou.get(model, [0.5] * 4),
            }
        )
        write_tsv(history, folder / model / "patient-f0-s0" / "history.tsv")
    subsets = ["train"] * 2828 + ["val"] * 708 + ["test"] * 393
    split = pd.DataFrame({"patient": [f"P{n % 110}" for n in range(3929)], "slice": range(3929)})
    write_tsv(split.assign(subset=subsets), folder / "split" / "slice-f0.tsv")
    # By patient: nobody stands in two subsets, and the sizes are others.
    apart = split.assign(subset=subsets[::-1])
    apart["patient"] = apart["subset"] + apart["patient"]
    write_tsv(apart, folder / "split" / "patient-f0.tsv")
    write_tsv(split, tmp_path / "data" / "lgg" / "slices.tsv")
    pair = {"run": "patient-f0-s0", "subset": "val", "class": "tumour", "metric": "dice"}
    pair |= {"convention": "pooled", "postprocess": False, "n": 10, "patients_to_settle": 30}
    comparisons = [
        pair | {"model_a": "unet", "model_b": "unet-vgg16", "difference": -0.03}
        | {"ci_low": -0.08, "ci_high": 0.02},
        pair | {"model_a": "unet", "model_b": "unet-resnet50", "difference": -0.09}
        | {"ci_low": -0.15, "ci_high": -0.02},
    ]  # fmt: skip
    write_tsv(pd.DataFrame(comparisons), folder / "comparisons.tsv")
    return study, Artefacts(study, tmp_path)


def audit(study, artefacts, data="real", scale="paper", claims=CLAIMS):
    return audit_study(study, claims, artefacts, data, scale).set_index("claim")


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


def test_the_five_studies_together_are_197_claims(tmp_path):
    tables = [
        audit_study(study, CLAIMS, Artefacts(study, tmp_path), "phantom", "demo")
        for study in (study_at(name, "demo") for name in STUDIES)
    ]
    assert sum(map(len, tables)) == 197


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


RANKS = [f"lgg-encoders.00{number}" for number in (5, 6, 7, 8)]
MODELS = ("unet-resnet50", "unet-vgg16", "unet", "unet-resnet50-frozen")  # the best first


def rank_by(encoders, clear, n=10):
    """Audit with every pair compared; those of `clear` are told apart, the others are not."""
    study, artefacts = encoders
    pair = {"run": "patient-f0-s0", "subset": "val", "class": "tumour", "metric": "dice"}
    pair |= {"convention": "pooled", "postprocess": False, "n": n, "difference": 0.1}
    rows = [
        pair | {"model_a": a, "model_b": b, "ci_high": 0.2}
        | {"ci_low": 0.05 if (a, b) in clear else -0.05}
        for a, b in combinations(MODELS, 2)
    ]  # fmt: skip
    write_tsv(pd.DataFrame(rows), artefacts.folder / "comparisons.tsv")
    table = audit(study, Artefacts(study, artefacts.results))
    assert list(table.loc[RANKS, "reproduced"]) == [1, 3, 2, 4]
    return table.loc[RANKS]


def test_ranks_hold_where_every_pair_is_told_apart(encoders):
    table = rank_by(encoders, set(combinations(MODELS, 2)))
    # Claimed 1, about 2, 3, 4; ours 1, 3, 2, 4.
    assert list(table["outcome"]) == ["holds", "holds", "differs", "holds"]
    assert "its intervals leave rank 2" in table.loc[RANKS[2], "verdict"]


def test_a_rank_equal_by_chance_is_open(encoders):
    table = rank_by(encoders, set())
    assert set(table["outcome"]) == {"open"}
    assert table["verdict"].str.contains("its intervals leave ranks 1 to 4").all()


def test_a_rank_is_refuted_though_one_pair_is_not_told_apart(encoders):
    # The last two are clearly worse than the first two: the one claimed third is first or second.
    clear = {(a, b) for a in MODELS[:2] for b in MODELS[2:]}
    table = rank_by(encoders, clear)
    assert list(table["outcome"]) == ["open", "open", "differs", "open"]
    assert "its intervals leave ranks 1 to 2" in table.loc[RANKS[2], "verdict"]
    assert set(rank_by(encoders, clear, n=5)["outcome"]) == {"open"}


def test_without_comparisons_a_rank_is_open(encoders):
    study, artefacts = encoders
    (artefacts.folder / "comparisons.tsv").unlink()
    again = audit(study, Artefacts(study, artefacts.results))
    assert set(again.loc[RANKS, "outcome"]) == {"open"}


def test_convergence_is_compared_between_models(encoders):
    row = audit(*encoders).loc["lgg-encoders.009"]
    assert row["reproduced"] == 2
    assert row["outcome"] == "holds"
    assert "at epoch 2, unet at 3" in row["verdict"]


def test_phantoms_and_demo_scale_are_not_comparable_but_protocols_are(encoders):
    for data, scale, reason in [
        ("phantom", "paper", "built on phantoms"),
        ("phantom", "demo", "built on phantoms at demo scale"),
        ("real", "demo", "trained at demo scale"),
    ]:
        table = audit(*encoders, data=data, scale=scale)
        row = table.loc["lgg-encoders.005"]
        assert row["verdict"].startswith(f"Not comparable: {reason};")
        assert row["reproduced"] == 1  # our value stands beside it all the same
        assert table.loc["lgg-encoders.010", "outcome"] == "set as published"
    # How many patients real data hold depends on no scale.
    assert table.loc["lgg-encoders.004", "outcome"] == "holds"


def test_a_part_of_the_set_refutes_nothing(encoders):
    study, artefacts = encoders
    path = artefacts.results / "data/lgg/slices.tsv"
    slices = read_tsv(path)
    write_tsv(slices[slices["patient"].isin(slices["patient"].unique()[:10])], path)
    row = audit(study, Artefacts(study, artefacts.results)).loc["lgg-encoders.004"]
    assert (row["outcome"], row["reproduced"]) == ("open", 10)
    assert "a part of the set" in row["verdict"]


def test_protocol_is_held_against_the_configuration():
    study = study_at("coco-unet", "demo")
    study["models"]["unet"]["training"]["epochs"] = 6
    artefacts = Artefacts(study, Path("nowhere"))
    demo = audit(study, artefacts, "phantom", "demo").loc["coco-unet.005"]
    assert demo["verdict"] == "Not comparable: the demo scale sets 6, the document 25."
    study["models"]["unet"]["training"]["epochs"] = 25
    copied = audit(study, artefacts, "real", "paper").loc["coco-unet.005"]
    assert copied["outcome"] == "set as published"
    study["models"]["unet"]["training"]["epochs"] = 30
    paper = audit(study, artefacts, "real", "paper").loc["coco-unet.005"]
    assert (paper["outcome"], paper["reproduced"]) == ("differs", 30)


@pytest.fixture
def multiclass(tmp_path):
    """One model of brats2020, trained for eight epochs only."""
    study = study_at("brats2020-multiclass", "paper")
    folder = tmp_path / study["id"] / "unet-v1"
    columns = {"epoch": range(1, 9), "train_loss": [0.9] * 8, "val_loss": [0.8] * 8}
    for metric, pooled, empty1 in (("dice", 0.1, 0.41), ("precision", 0.2, 0.7)):
        for class_ in ("NEC", "ED", "ET", "mean"):
            columns[f"val_{metric}_{class_}@pooled"] = [pooled] * 8
            columns[f"val_{metric}_{class_}@slice-empty1"] = [empty1] * 8
            columns[f"val_{metric}_{class_}@slice-empty0"] = [None] * 8
    write_tsv(pd.DataFrame(columns), folder / "patient-f0-s0" / "history.tsv")
    facts = {"seconds": 7200, "parameters": 123, "device": "NVIDIA T4"}
    (folder / "patient-f0-s0" / "train.json").write_text(json.dumps(facts))
    values = {("val", "dice", c): v for c, v in (("pooled", 0.7), ("slice-empty1", 0.585))}
    rows = [row for c in ("NEC", "ED", "ET", "mean") for row in metrics_rows(values, class_=c)]
    (folder / "metrics.json").write_text(json.dumps(rows))
    return study, Artefacts(study, tmp_path)


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


@pytest.mark.parametrize(("patients", "outcome"), [(5, "open"), (6, "differs")])
def test_too_few_patients_refute_no_score(multiclass, patients, outcome):
    study, artefacts = multiclass
    split = pd.DataFrame({"patient": [f"P{n % patients}" for n in range(20)], "slice": range(20)})
    write_tsv(split.assign(subset="val"), artefacts.folder / "split" / "patient-f0.tsv")
    row = audit(study, Artefacts(study, artefacts.results)).loc["brats2020-multiclass.135"]
    assert row["outcome"] == outcome
    assert ("too few patients to tell, 5; ours is 0.585" in row["verdict"]) == (outcome == "open")


@pytest.mark.parametrize(("patients", "outcome"), [(5, "open"), (6, "holds")])
def test_too_few_patients_make_no_model_better(multiclass, patients, outcome):
    study, artefacts = multiclass
    folder = artefacts.folder / "attention-unet-v2"
    folder.mkdir()
    rows = metrics_rows({("val", "dice", "pooled"): 0.8}, class_="mean")
    (folder / "metrics.json").write_text(json.dumps(rows))
    pair = {"model_a": "unet-v1", "model_b": "attention-unet-v2", "run": "patient-f0-s0"}
    pair |= {"subset": "val", "class": "mean", "metric": "dice", "convention": "pooled"}
    pair |= {"postprocess": False, "difference": -0.1, "ci_low": -0.2, "ci_high": -0.05}
    write_tsv(pd.DataFrame([pair | {"n": patients}]), artefacts.folder / "comparisons.tsv")
    row = audit(study, Artefacts(study, artefacts.results)).loc["brats2020-multiclass.143"]
    assert row["outcome"] == outcome
    assert ("too few patients to tell, 5" in row["verdict"]) == (outcome == "open")


def test_a_constraint_holds_where_it_is_kept(multiclass):
    row = audit(*multiclass).loc["brats2020-multiclass.141"]
    assert (row["reproduced"], row["outcome"]) == (2, "holds")


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
        0, 1, 0, 1,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("parameters", "outcome"), [(20_900_000, "holds"), (29_058_370, "differs")]
)
def test_a_parameter_count_is_exact_whatever_the_data(tmp_path, parameters, outcome):
    study = study_at("lgg-two-stage", "paper")
    run = tmp_path / "lgg-two-stage" / "vgg19-unet" / "patient-f0-s0"
    run.mkdir(parents=True)
    (run / "train.json").write_text(json.dumps({"parameters": parameters}))
    for data in ("phantom", "real"):
        row = audit(study, Artefacts(study, tmp_path), data).loc["lgg-two-stage.015"]
        assert (row["quantity"], row["outcome"]) == ("parameters", outcome)  # about 20 million
    demo = audit(study, Artefacts(study, tmp_path), "phantom", "demo").loc["lgg-two-stage.015"]
    assert demo["verdict"] == "Not comparable: trained at demo scale."


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


def test_paths_name_what_the_audit_reads(encoders):
    artefacts = encoders[1]
    names = {path.relative_to(artefacts.results).as_posix() for path in artefacts.paths()}
    assert names >= {
        "data/lgg/slices.tsv",
        "lgg-encoders/split/slice-f0.tsv",
        "lgg-encoders/unet/metrics.json",
        "lgg-encoders/unet/patient-f0-s0/history.tsv",
        "lgg-encoders/all-background/metrics.json",
    }
    assert "lgg-encoders/all-background/patient-f0-s0/train.json" not in names


def test_a_claim_leads_to_the_masks_that_were_audited():
    scores = pd.DataFrame(
        [
            {"model": "unet", "run": "patient-f0-s0", "subset": "val", "class": "tumour"}
            | {"metric": "dice", "convention": "pooled", "postprocess": cleaned, "value": 0.6}
            for cleaned in (False, True)
        ]
    )
    claim = {"model": "unet", "run": "patient-f0-s0", "subset": "val", "class": ""}
    claim |= {"quantity": "dice"}
    for postprocess in (None, {"min_area": 0.1}):
        study = {"classes": ["tumour"], "postprocess": postprocess}
        inputs = SimpleNamespace(scores=scores, study=study)
        row = verdicts._score_of(inputs, claim, "pooled", 0.6)
        assert row["postprocess"] == bool(postprocess)
