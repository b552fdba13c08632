"""Pairs of duplicate images: the same as the finding counts, and shown with their thumbnails."""

import base64
import io
import json
import re
from contextlib import chdir
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from coco_files import Maker, pixels
from PIL import Image

from gliomake.datasets.base import CaseReport
from gliomake.datasets.coco import CocoDataset
from gliomake.datasets.duplicates import image_duplicates, thumbnail
from gliomake.files.tsv import read_tsv, write_tsv
from gliomake.prepare.duplicate_pairs import COLUMNS, duplicate_pairs
from gliomake.report import build_report
from gliomake.report.duplicates import SHOWN
from gliomake.verify.check import VerificationError, verify
from report_study import make_small_study

REAL = Path(__file__).parents[2] / "../shared/data/coco"
PAGE = "reports/build/small.html"


def report(case, grey, sha256=""):
    facts = {"folder": case.split("/")[0], "sha256": sha256 or case, "thumbnail": thumbnail(grey)}
    return CaseReport(case, "", facts=facts)


def counted(findings):
    """Pairs by kind, as the finding's sentence counts them."""
    of_pairs = [each for each in findings if " pairs of images" in each.message]
    return {each.kind: int(each.message.split(" pairs")[0]) for each in of_pairs}


def listed(pairs):
    """The same from the rows."""
    found = {}
    for kind, across in zip(pairs["kind"], pairs["across_folders"], strict=True):
        name = f"{kind}-duplicates{'-across-folders' if across else ''}"
        found[name] = found.get(name, 0) + 1
    return found


def test_copies_and_likenesses_are_pairs_those_across_folders_first():
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 255, (64, 64), np.uint8)
    alike = np.clip(grey + rng.integers(0, 9, grey.shape), 0, 255).astype(np.uint8)
    reports = [
        report("train/a.png", grey, "one"),
        report("train/b.png", grey, "one"),
        report("valid/c.png", alike),
        report("valid/d.png", rng.integers(0, 255, (64, 64), np.uint8)),
        CaseReport("volume", "P1"),
    ]
    pairs = duplicate_pairs(reports[::-1])
    assert list(pairs.columns) == COLUMNS
    shown = pairs[["kind", "across_folders", "case_a", "case_b"]].to_numpy().tolist()
    assert shown == [
        ["near", True, "train/a.png", "valid/c.png"],
        ["exact", False, "train/a.png", "train/b.png"],
    ]
    assert pairs["correlation"][1] == 1 and 0.75 <= pairs["correlation"][0] < 1
    assert listed(pairs) == counted(image_duplicates(reports))


def test_volumes_have_no_pairs(tmp_path):
    pairs = duplicate_pairs([CaseReport("a", "a"), CaseReport("b", "b")])
    write_tsv(pairs, tmp_path / "duplicates.tsv")
    assert read_tsv(tmp_path / "duplicates.tsv").empty and list(pairs.columns) == COLUMNS


def test_the_pairs_of_a_reader_are_those_that_it_counts(tmp_path):
    maker = Maker(tmp_path / "set")
    Image.fromarray(pixels(0)).save(maker.root / "valid" / "a.png")
    dataset = maker.open()
    reports = [dataset.inspect(case) for case in dataset.cases()]
    pairs = duplicate_pairs(reports)
    assert listed(pairs) == counted(dataset.compare(reports))
    assert ("exact", True) in set(zip(pairs["kind"], pairs["across_folders"], strict=True))


@pytest.mark.skipif(not REAL.is_dir(), reason="the real COCO images are not here")
def test_the_pairs_of_the_real_set_are_those_that_the_index_counts():
    dataset = CocoDataset(REAL)
    reports = [dataset.inspect(case) for case in dataset.cases()]
    pairs = duplicate_pairs(reports)
    assert listed(pairs) == counted(dataset.compare(reports))
    assert pairs["across_folders"][:SHOWN].all()


@pytest.fixture
def root(tmp_path):
    """A small study whose data set has eight pairs, one of them of an image that it leaves out."""
    with chdir(tmp_path):
        study = make_small_study(tmp_path)
        cases = read_tsv("results/data/lgg/cases.tsv")
        # The study has five slices of each patient: of P00 another one stands in a pair.
        first = [99 if name == "P00" else 2 for name in cases["case"]]
        write_tsv(cases.assign(first_slice=first), "results/data/lgg/cases.tsv")
        names = [f"P{number:02}" for number in range(9)]
        rows = [
            ("near", n < 3, round(0.99 - n / 100, 4), a, "train", b, "test")
            for n, (a, b) in enumerate(pairwise(names))
        ]
        write_tsv(pd.DataFrame(rows, columns=COLUMNS), "results/data/lgg/duplicates.tsv")
        build_report([study.inputs()], "reports/build")
    return tmp_path


def differences(root):
    with pytest.raises(VerificationError) as caught:
        verify(root / "reports/build/numbers.json", root=root)
    return {(each.file, each.number) for each in caught.value.differences}


def test_six_pairs_are_shown_with_their_images(root):
    text = (root / PAGE).read_text()
    (part,) = re.findall(r'<div class="pairs".*?</div>', text, re.S)
    assert "6 of 8 pairs, those in different folders first" in part
    # P00 is not among the study's slices: its pair is passed over.
    assert re.findall(r">(P\d+)</t", part)[:4] == ["P01", "P02", "P02", "P03"]
    sources = re.findall(r'<img src="data:image/jpeg;base64,([^"]+)"', part)
    assert len(sources) == 2 * SHOWN
    assert sources[1] == sources[2] != sources[0]
    for source in sources:
        image = Image.open(io.BytesIO(base64.b64decode(source)))
        assert image.size == (32, 32) and np.ptp(np.asarray(image)) > 50
    assert re.findall(r"r = </span>([\d.]+)<", part)[0] == "0.980"
    assert verify(root / "reports/build/numbers.json", root=root)


def test_without_shards_the_pairs_are_named_and_verified(root):
    for shard in root.rglob("*.h5"):
        if "shards" in shard.parts:
            shard.unlink()
    assert "were not compared" in str(verify(root / "reports/build/numbers.json", root=root))


@pytest.mark.parametrize("old", ["0.980", ">P01<"])
def test_an_altered_pair_fails_the_verification(root, old):
    path = root / PAGE
    start = path.read_text().index('<div class="pairs"')
    text = path.read_text()
    path.write_text(text[:start] + text[start:].replace(old, old.replace("0", "9", 1), 1))
    column = "Correlation" if old == "0.980" else "Image"
    assert ("small.html", f"duplicate-pairs, row 1, {column}") in differences(root)


def test_a_changed_file_of_pairs_fails_the_verification(root):
    path = root / "results/data/lgg/duplicates.tsv"
    path.write_text(path.read_text().replace("0.98", "0.97"))
    content = json.loads((root / "reports/build/numbers.json").read_text())
    assert "results/data/lgg/duplicates.tsv" in content["files"]
    found = differences(root)
    assert ("results/data/lgg/duplicates.tsv", "sha256") in found
    assert ("small.html", "duplicate-pairs, row 1, Correlation") in found
