"""Pairs of images that are there twice or look alike, to be looked at."""

from typing import Any

import pandas as pd

from gliomake.figures.images import upright
from gliomake.files.shards import load_arrays
from gliomake.files.tsv import read_tsv
from gliomake.report.inputs import StudyInputs, records
from gliomake.report.table import Column, Table, plain, text
from gliomake.report.viewer import image_url, shown_channel
from gliomake.study.run import split_name

SHOWN = 6
"""Pairs on the page; the file has all."""


def pairs_table(inputs: StudyInputs) -> Table | None:
    """List the pairs that a page shows.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.

    Returns
    -------
    Table or None
        `SHOWN` pairs at most, across folders first; None where there are none. Only images that
        the study uses, which its shards hold.
    """
    shown = _shown(inputs)
    if not shown:
        return None
    found = len(_pairs(inputs))
    columns = [
        Column("Image"),
        Column("The other image"),
        Column("Correlation", numeric=True),
        Column("Found as"),
    ]
    rows = [
        [
            text(row["case_a"]),
            text(row["case_b"]),
            plain(row["correlation"], whole=False),
            text(_what(row)),
        ]
        for row, _ in shown
    ]
    caption = f"{len(rows)} of {found:,} pairs, those in different folders first"
    return Table("duplicate-pairs", caption, columns, rows)


def pair_images(inputs: StudyInputs) -> list[tuple[str, str]]:
    """Draw the pairs of `pairs_table`.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.

    Returns
    -------
    list of (str, str)
        A ``data:`` address for each image of a pair; from the preprocessed slices, so that it works
        where the raw data are gone. Empty without shards.

    Raises
    ------
    ShardError
        A shard is damaged, or lacks a slice that the study's split has.
    """
    shown = _shown(inputs)
    if not shown or not inputs.shards:
        return []
    keys = [key for _, pair in shown for key in pair]
    # An image may stand in several pairs, and is read once.
    single = list(dict.fromkeys(keys))
    loaded = load_arrays(inputs.shards, pd.DataFrame(single, columns=["patient", "slice"]))
    channel, turned = shown_channel(inputs), inputs.study.data.transposed
    urls = {
        key: image_url(upright(image[channel], turned))
        for key, image in zip(single, loaded.image, strict=True)
    }
    return [(urls[first], urls[second]) for _, (first, second) in shown]


def _shown(inputs: StudyInputs) -> list[tuple[dict[str, Any], list[tuple[str, int]]]]:
    """Choose pairs of the study's own images, with patient and slice of both."""
    pairs = _pairs(inputs)
    if pairs.empty:
        return []
    cases = read_tsv(inputs.cases)
    places = zip(cases["patient"], cases["first_slice"].astype(int), strict=True)
    key_of = dict(zip(cases["case"], places, strict=True))
    split = inputs.split_tables[split_name(inputs.main_run)]
    used = set(zip(split["patient"], split["slice"], strict=True))
    chosen = []
    for row in records(pairs):
        keys = [key_of[row["case_a"]], key_of[row["case_b"]]]
        if used.issuperset(keys):
            chosen.append((row, keys))
        if len(chosen) == SHOWN:
            break
    return chosen


def _pairs(inputs: StudyInputs) -> pd.DataFrame:
    """Read all pairs as text: an image may be called 007."""
    if not inputs.duplicates:
        return pd.DataFrame()
    return pd.read_csv(inputs.duplicates, sep="\t", dtype=str, keep_default_na=False)


def _what(row: dict[str, Any]) -> str:
    kind = "identical pixels" if row["kind"] == "exact" else "alike"
    if row["across_folders"] == "true":
        return f"{kind}, in different folders: {row['folder_a']} and {row['folder_b']}"
    return f"{kind}, in one folder: {row['folder_a']}" if row["folder_a"] else kind
