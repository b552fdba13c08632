"""The report: what its pages say, how numbers are printed, and what it refuses."""

import json
import re
from dataclasses import asdict, replace
from html.parser import HTMLParser
from itertools import pairwise

import pandas as pd
import pytest

from changed_study import changed, replaced
from gliomake.claims.checks import CHECKS, TOPICS
from gliomake.report import (
    build_index,
    build_report,
    build_study_page,
    evidence,
    leaks,
    lesions,
    targets,
    verdicts,
)
from gliomake.report import render as rendering
from gliomake.report.cards import card, card_pages
from gliomake.report.findings import read_findings
from gliomake.report.numbers import NumberBook
from gliomake.report.page import summary
from gliomake.report.render import script_json
from gliomake.report.scores import headline
from gliomake.report.sections import study_sections
from report_study import make_small_study


class Reader(HTMLParser):
    """Collect the tags, ids, addresses and texts of a page."""

    VOID = frozenset({"meta", "link", "img", "input", "br"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def values(self, attribute: str) -> list[str]:
        return [given[attribute] for _, given in self.tags if given.get(attribute)]


@pytest.fixture
def small(small_report):
    return small_report


@pytest.fixture
def inside(small, monkeypatch):
    monkeypatch.chdir(small.root)
    return small


@pytest.fixture
def page(small):
    return (small.root / "reports/build/small.html").read_text()


# Numbers


# The viewer


# Verdicts, tables, warnings


def test_the_findings_against_a_claim_come_first(inside):
    answer = verdicts.answer(inside.inputs())
    assert sum(answer.counts.values()) == answer.total == 7
    assert "cannot come from the same pooled counts" in answer.open[0].sentence
    assert answer.findings[: len(answer.open)] == answer.open
    assert verdicts.Answer.from_dict(json.loads(json.dumps(asdict(answer)))) == answer


def written_findings(path, *entries):
    names = ("check", "level", "claims", "sentence")
    path.write_text(json.dumps([dict(zip(names, entry, strict=True)) for entry in entries]))
    return path


def test_every_check_has_a_topic():
    assert set(TOPICS) == set(CHECKS)


def test_findings_of_one_check_and_model_are_one_line_of_the_last_epoch(tmp_path):
    check = "dice-against-precision-recall"
    path = written_findings(
        tmp_path / "findings.json",
        ("mean-of-classes", "consistent", ["1"], "A mean."),
        ("split-sizes", "note", ["4"], "A split of slices."),
        (check, "inconsistent", ["1"], "Epoch 9."),
        (check, "inconsistent", ["2"], "Epoch 50."),
        (check, "inconsistent", ["3"], "Epoch 6."),
        (check, "inconsistent", ["5"], "Another model."),
        ("accuracy-and-prevalence", "consistent", ["1"], "Prevalence 2.73 %."),
    )
    epochs, models = ("9", "50", "6", "", "1"), ("a", "a", "a", "", "b")
    claims = [
        {"claim": str(place), "model": model, "epoch": epoch}
        for place, (model, epoch) in enumerate(zip(models, epochs, strict=True), 1)
    ]
    found = read_findings(path, claims)
    told = [(finding.sentence, finding.others, finding.is_open) for finding in found]
    assert told == [
        ("Epoch 50.", ("Epoch 9.", "Epoch 6."), True),
        ("Another model.", (), True),
        ("A split of slices.", (), True),
        ("Prevalence 2.73 %.", (), True),
        ("A mean.", (), False),
    ]


def test_what_a_reader_should_know_stands_open_on_both_pages(inside, tmp_path):
    told = "2828/708/393 slices are exactly two nested splits."
    path = written_findings(tmp_path / "f.json", ("split-sizes", "note", ["small.006"], told))
    build_report([replace(inside.inputs(), findings=path)], tmp_path)
    for page in ("small.html", "index.html"):
        html = re.sub(r"<details.*?</details>", "", (tmp_path / page).read_text(), flags=re.DOTALL)
        assert told in html


def test_lesions_missed_and_made_up_are_told_apart(inside, page, tmp_path):
    files = inside.inputs().run_files("unet", "patient-f0-s0")
    distances, counts = (pd.read_csv(path, sep="\t") for path in (files.distances, files.counts))
    missed, made_up = sorted(set(distances.loc[distances["subset"] == "test", "patient"]))[:2]
    # Whole columns for two patients: one whose lesion is not found, one who has none.
    distances["missed"] = distances["patient"].isin([missed, made_up])
    distances.loc[distances["missed"], "hd95"] = 57.5
    counts.loc[counts["patient"] == made_up, ["tp", "fn"]] = 0
    paths = {name: tmp_path / f"{name}.tsv" for name in ("distances", "counts")}
    distances.to_csv(paths["distances"], sep="\t", index=False)
    counts.to_csv(paths["counts"], sep="\t", index=False)
    inputs = replace(inside.inputs(), runs=(replace(files, **paths),))
    table = lesions.lesions_table(inputs)
    rows = {tuple(cell.text for cell in row[:4]) for row in table.rows}
    assert rows == {("unet", missed, "missed", "57.5 mm"), ("unet", made_up, "spurious", "57.5 mm")}
    for words in ("95 % of one surface", "within 1 mm", "the diagonal of the patient's volume"):
        assert words in page.replace("&#39;", "'")


def test_the_split_of_slices_stands_beside_that_by_patient(inside, page):
    table = leaks.protocol_table(inside.inputs(), NumberBook("small.html"))
    assert [column.title for column in table.columns[1:]] == [
        "slice-f0-s0, with leakage",
        "patient-f0-s0",
    ]
    assert {"unet", "attention-unet"} <= {row[0].text for row in table.rows}
    assert all(
        cell.number.measured.convention == "patient" for row in table.rows for cell in row[1:]
    )
    section = page[page.index('id="leakage"') : page.index('id="leakage-table"')]
    assert "Split slice-f0 leaks" in section and 'id="protocols"' in section


def test_leaks_boxes_and_refusals_are_warned_of(inside):
    leak, boxes, refused = evidence.warnings(inside.inputs())
    split = pd.read_csv("results/small/split/slice-f0.tsv", sep="\t")
    of = split.groupby("subset")["patient"].agg(set)
    assert f"{len(of['test'] & of['train'])} of its {len(of['test'])} test patients" in leak
    assert "boxes" in boxes
    assert "1 file was rejected" in refused


# Pages


def test_a_page_needs_nothing_else(page):
    reader = Reader(page)
    assert not reader.open
    assert all(source.startswith("data:") for source in reader.values("src"))
    assert [given.get("href") for tag, given in reader.tags if tag == "link"] == ["data:,"]
    assert not re.search(r"(?<![\w.])(?:https?:)?//[a-z]+\.", page)


def test_a_page_can_be_read_by_all(page):
    reader = Reader(page)
    assert {"main", "nav", "header", "footer", "h1"} <= {tag for tag, _ in reader.tags}
    assert dict(reader.tags)["html"]["lang"] == "en-GB"
    assert all(given.get("alt") is not None for tag, given in reader.tags if tag == "img")
    ids = reader.values("id")
    assert len(ids) == len(set(ids))
    inner = {link.removeprefix("#") for link in reader.values("href") if link.startswith("#")}
    labels = {id_ for value in reader.values("aria-labelledby") for id_ in value.split()}
    assert inner | labels <= set(ids)
    levels = [int(tag[1]) for tag, _ in reader.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(deeper - level <= 1 for level, deeper in pairwise(levels))


def test_text_of_others_is_escaped(page):
    assert "Small tumours &amp; where to find them" in page
    assert "A document &lt;of one page&gt;" in page
    assert script_json("</script>") == '"\\u003c/script>"'


def test_every_number_has_its_trail(small, page):
    trail = json.loads(re.search(r'id="trail">(.*?)</script>', page)[1])
    shown = set(Reader(page).values("data-number"))
    assert len(shown) > 500
    assert shown <= set(trail["numbers"])
    for value, low, high, _n, counts, others, _measured in (trail["numbers"][id_] for id_ in shown):
        assert value is None or low is None or low - 1e-9 <= value <= high + 1e-9
        assert counts in trail["runs"] or "results/small/claims.tsv" in others
        assert all(len(trail["files"][path]) == 64 for path in others)
    run = trail["runs"]["results/small/unet/patient-f0-s0/counts.tsv"]
    names = {name for name, _, digest in run["files"] if len(digest) == 64}
    expected = {"counts", "distances", "calibration", "predictions", "weights", "history", "train"}
    assert names == {*expected, "split"}
    assert dict(run["hashes"])["data"] == "data" * 4


def test_a_trail_says_what_was_measured_on_what(page):
    trail = json.loads(re.search(r'id="trail">(.*?)</script>', page)[1])
    told = {id_: entry[6] for id_, entry in trail["numbers"].items()}
    claim = told["claim/small.007/reproduced"]
    assert (claim["claim"], claim["model"], claim["run"]) == ("small.007", "unet", "patient-f0-s0")
    assert (claim["metric"], claim["subset"], claim["class"]) == ("Dice", "val", "tumour")
    assert all("run" in entry for id_, entry in told.items() if id_.startswith("score/"))
    assert {entry["leak"] for entry in told.values() if "leak" in entry} == {"leak100"}
    # Every training behind a leak, not the leaky ones alone.
    leak = next(entry for id_, entry in trail["numbers"].items() if id_.startswith("leakage/"))
    runs = [trail["runs"][path]["run"] for path in (leak[4], *leak[5]) if path in trail["runs"]]
    assert sorted(runs) == [f"leak{share}-f0-s{seed}" for share in (0, 100) for seed in (0, 1)]


def test_numbers_json_holds_what_the_pages_print(small, page):
    content = json.loads((small.root / "reports/build/numbers.json").read_text())
    of_page = {entry["id"]: entry for entry in content["numbers"] if entry["page"] == "small.html"}
    metrics = json.loads((small.root / "results/small/unet/metrics.json").read_text())
    row = next(row for row in metrics if row["convention"] == "pooled" and row["metric"] == "dice")
    id_ = f"score/unet/{row['run']}/{row['subset']}/tumour/dice/pooled/raw"
    assert of_page[id_]["value"] == row["value"]
    assert of_page[id_]["counts_sha256"] == content["files"][of_page[id_]["counts"]]
    assert {entry["page"] for entry in content["numbers"]} >= {
        "index.html",
        "cards/small/unet.html",
    }
    kinds = {entry["kind"] for entry in content["numbers"]}
    assert kinds == {"score", "slice", "comparison", "leakage", "spread", "claim"}


def test_what_is_no_result_says_so(inside, page):
    assert "Not a result." in page
    assert "Not a result." in (inside.root / "reports/build/index.html").read_text()
    assert "**Not a result**" in (inside.root / "reports/build/cards/small/unet.md").read_text()
    assert "Not a result." in build_study_page(inside.inputs("real", "demo"))
    assert "Not a result." not in build_study_page(inside.inputs("real", "paper"))


def test_what_overrides_change_stands_on_every_page(inside):
    changes = [{"key": "models.unet.epochs", "old": 10, "new": 2}]
    study = replaced(inside.study, overrides=changes)
    options = "--config experiment=short 'overrides={small: {models: {unet: {epochs: 2}}}}'"
    inputs = replace(inside.inputs("real", "paper"), study=study, options=options)
    page = build_study_page(inputs)
    entry = "<code>models.unet.epochs</code>: 10 → 2"
    assert "Changed by overrides." in page and entry in page
    assert "make verify" not in page and "snakemake --cores 1 verify --config experiment" in page
    assert "reports/build/small.html --config experiment=short" in page
    cards = card_pages(inputs)
    for model in ("unet", "all-background"):
        assert entry in cards[f"cards/small/{model}.html"][0]
        assert "- models.unet.epochs: 10 -> 2" in cards[f"cards/small/{model}.md"][0]
    limit = "overrides change models.unet.epochs 10 -&gt; 2"
    assert limit in cards["cards/small/unet.html"][0]
    told = summary(inputs, study_sections(inputs)) | {"headline": [], "best": {}}
    content = {"numbers": [], "studies": {"small": {"summary": told}}}
    index = build_index([content], options=options)
    assert entry in index and "snakemake --cores 2 all --config experiment=short" in index
    plain = build_study_page(inside.inputs("real", "paper"))
    assert "Changed by overrides." not in plain


def test_a_page_is_built_the_same_twice(inside, page):
    assert build_study_page(inside.inputs()) == page


def test_every_claim_stands_beside_what_was_reproduced(inside):
    table = verdicts.claims_table(inside.inputs(), NumberBook("small.html"))
    titles = [column.title for column in table.columns]
    rows = [dict(zip(titles, row, strict=True)) for row in table.rows]
    assert [row["Claim"].text for row in rows] == [f"00{n}" for n in range(1, 8)]
    dice, iou, accuracy, loss, epochs, patients, early = rows
    assert iou["Reported"].text == "0.50"
    assert dice["Verdict"].kind == iou["Verdict"].kind == "contradicted"
    assert accuracy["Reproduced"].number.key.kind == "score"
    assert accuracy["Reproduced"].number.measured.metric == "accuracy"
    assert (loss["Epoch"].text, loss["Reproduced"].number.value) == ("2", 0.4)
    assert (epochs["Verdict"].kind, epochs["Reproduced"].text) == ("set", "2")
    assert patients["Reproduced"].number.value == 12
    assert early["Reproduced"].number.key.kind == "claim"


@pytest.mark.parametrize("channel", ["flair", "t1"])
def test_the_threshold_is_on_the_channel_that_the_data_set_shows(inside, channel):
    study = changed(inside.study, data={"channel": channel})
    text = " ".join(build_study_page(replace(inside.inputs(), study=study)).split())
    assert f"brightness of the channel {channel}, fitted on the training set" in text


def test_the_baselines_stand_beside_the_models(inside, page):
    (block,) = headline(inside.inputs(), NumberBook("small.html"))
    kinds = {row["model"]: row["kind"] for row in block["rows"]}
    assert kinds["all-background"] == kinds["flair-threshold"] == "baseline"
    assert kinds["unet"] == "model"
    tags = {row["model"]: row["tag"] for row in block["rows"]}
    assert tags["flair-threshold"] == "baseline: threshold on flair"
    assert tags["all-background"] == "baseline: empty mask" and not tags["unet"]
    assert [name for name, _ in block["rules"][:2]] == ["Pooled pixels", "Mean per patient"]
    assert block["sample"] == "25 slices of 5 patients"
    assert block["warning"] == "no interval and no verdict under 6 patients"


def test_the_card_says_what_the_model_is_for_and_not_for(small):
    card = (small.root / "reports/build/cards/small/unet.md").read_text()
    for head in ("The model", "Training", "Data and split", "Intended use", "Limits", "Scores"):
        assert f"\n## {head}\n" in card
    assert "it has seen no MRI of a patient" in card
    table = [line for line in card.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in table}) == 1
    # Five patients: no interval.
    assert any(re.match(r"\| Dice \| tumour \| 0\.\d{3} ", line) for line in table)


def test_the_card_counts_the_patients_that_were_trained_on(inside):
    study = changed(inside.study, models={"unet": {"training": {"train_fraction": 0.4}}})
    inputs = replace(inside.inputs(), study=study)
    [files] = [run for run in inputs.runs if (run.model, run.run) == ("unet", inputs.main_run)]
    data = dict(card(inputs, files, NumberBook("card"))["data"])
    # 12 patients of 5 slices: 5 test, 2 validate, and 0.4 of the other 5 are trained on.
    assert data["Train"] == "10 slices of 2 patients"
    assert data["Test"] == "25 slices of 5 patients"


def test_captions_say_which_masks_where_some_are_cleaned_up(inside, page):
    assert ", masks " not in page
    inputs = inside.inputs()
    study = replaced(inputs.study, postprocess={"min_area": 0.001, "fill_holes": True})
    html = build_study_page(replace(inputs, study=study))
    assert "test set, 25 slices of 5 patients, masks as predicted." in html
    assert "beside ours, masks post-processed</caption>" in html
    assert ">Metrics, masks as predicted</caption>" in html


def test_several_classes_have_a_mean(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = make_small_study(tmp_path, "multi", ("NEC", "ED", "ET"))
    html = build_study_page(study.inputs())
    assert "Dice, mean over classes, test set" in html
    assert 'id="viewer-class"' in html
    assert "score/unet/patient-f0-s0/test/mean/dice/pooled/raw" in html


# What is refused


def test_an_undefined_score_is_no_number(inside):
    inputs = inside.inputs()
    inputs.scores.loc[:, ["value", "ci_low", "ci_high"]] = None
    (block,) = headline(inputs, NumberBook("small.html"))
    assert {entry.printed for row in block["rows"] for entry in row["numbers"]} == {"undefined"}


def test_a_table_built_from_other_scores_is_refused(inside, tmp_path):
    score = inside.inputs().scores.iloc[0]
    row = {key: score[key] for key in targets.KEYS} | {"value": 0.12345}
    pd.DataFrame([row]).to_csv(tmp_path / "metrics.csv", index=False)
    inputs = inside.inputs()
    inputs.tables["metrics"] = tmp_path / "metrics.csv"
    with pytest.raises(targets.StaleTableError, match=r"metrics\.csv: value is 0\.12345 .*delete"):
        targets.target_tables(inputs, NumberBook("small.html"))


def test_a_score_of_a_run_without_files_is_refused(inside):
    with pytest.raises(KeyError, match="unet/patient-f9-s0"):
        inside.inputs().run_files("unet", "patient-f9-s0")


def test_a_page_that_is_too_large_is_refused(inside, monkeypatch):
    monkeypatch.setattr(rendering, "PAGE_BYTES", 1000)
    with pytest.raises(rendering.PageSizeError, match=r"small\.html: \d\.\d MB"):
        build_study_page(inside.inputs())
