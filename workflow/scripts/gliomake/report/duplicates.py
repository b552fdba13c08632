"""Pairs of images that are there twice or look alike, to be looked at."""

from itertools import islice
from typing import Any, NamedTuple

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


class Pairs(NamedTuple):
    """Pairs of images.

    Attributes
    ----------
    found : int
        How many there are in the data set.
    shown : list of (dict, list of (str, int))
        `SHOWN` rows of ``duplicates.tsv`` at most, across folders first, each with patient and
        slice of both images; only images that the study uses, which its shards hold.
    """

    found: int
    shown: list[tuple[dict[str, Any], list[tuple[str, int]]]]


def pairs_table(pairs: Pairs) -> Table | None:
    """List the pairs that a page shows.

    Parameters
    ----------
    pairs : Pairs
        Of `choose_pairs`.

    Returns
    -------
    Table or None
        None where there are none.
    """
    if not pairs.shown:
        return None
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
        for row, _ in pairs.shown
    ]
    caption = f"{len(rows)} of {pairs.found:,} pairs, those in different folders first"
    return Table("duplicate-pairs", caption, columns, rows)


def pair_images(inputs: StudyInputs, pairs: Pairs) -> list[tuple[str, str]]:
    """Draw the pairs of `pairs_table`.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.
    pairs : Pairs
        Of `choose_pairs`.

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
    if not pairs.shown or not inputs.shards:
        return []
    keys = [key for _, pair in pairs.shown for key in pair]
    # An image may stand in several pairs, and is read once.
    single = list(dict.fromkeys(keys))
    loaded = load_arrays(inputs.shards, pd.DataFrame(single, columns=["patient", "slice"]))
    channel, turned = shown_channel(inputs), inputs.study.data.transposed
    urls = {
        key: image_url(upright(image[channel], turned))
        for key, image in zip(single, loaded.image, strict=True)
    }
    return [(urls[first], urls[second]) for _, (first, second) in pairs.shown]


def choose_pairs(inputs: StudyInputs) -> Pairs:
    """Choose the pairs that a page shows.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.

    Returns
    -------
    Pairs
        Empty for data sets of volumes.
    """
    if not inputs.duplicates:
        return Pairs(0, [])
    # As text: an image may be called 007.
    pairs = pd.read_csv(inputs.duplicates, sep="\t", dtype=str, keep_default_na=False)
    cases = read_tsv(inputs.cases)
    places = zip(cases["patient"], cases["first_slice"].astype(int), strict=True)
    key_of = dict(zip(cases["case"], places, strict=True))
    split = inputs.split_tables[split_name(inputs.main_run)]
    used = set(zip(split["patient"], split["slice"], strict=True))
    chosen = ((row, [key_of[row["case_a"]], key_of[row["case_b"]]]) for row in records(pairs))
    own = (each for each in chosen if used.issuperset(each[1]))
    return Pairs(len(pairs), list(islice(own, SHOWN)))


def _what(row: dict[str, Any]) -> str:
    kind = "identical pixels" if row["kind"] == "exact" else "alike"
    if row["across_folders"] == "true":
        return f"{kind}, in different folders: {row['folder_a']} and {row['folder_b']}"
    return f"{kind}, in one folder: {row['folder_a']}" if row["folder_a"] else kind
