"""The pairs of images that are there twice or look alike, one a row: behind what the index finds.

The index says in a sentence how many there are, and names a few. Here are all of them, from the
same reports on the cases, so that they can be looked at.
"""

from collections import defaultdict
from collections.abc import Sequence

import pandas as pd

from gliomake.datasets.base import CaseReport
from gliomake.datasets.duplicates import near_pairs

COLUMNS = ["kind", "across_folders", "correlation", "case_a", "folder_a", "case_b", "folder_b"]
EXACT, NEAR = "exact", "near"


def duplicate_pairs(reports: Sequence[CaseReport]) -> pd.DataFrame:
    """List pairs of images with identical pixels, and of images whose edges correlate.

    Parameters
    ----------
    reports : sequence of CaseReport
        Of the cases that are kept; those without the facts ``folder``, ``sha256`` and ``thumbnail``
        are left out: data sets of volumes have none.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`; ``correlation`` from `gliomake.datasets.duplicates.near_pairs`, 1 where
        all pixels are the same. Pairs across folders first, then by correlation, the strongest
        first. Of exact copies one image stands for all in near pairs.
    """
    images = sorted(
        (each for each in reports if "thumbnail" in each.facts), key=lambda each: each.case
    )
    copies: dict[str, list[CaseReport]] = defaultdict(list)
    for image in images:
        copies[image.facts["sha256"]].append(image)
    single = [group[0] for group in copies.values()]
    pairs = [(EXACT, 1.0, group[0], each) for group in copies.values() for each in group[1:]]
    pairs += [
        (NEAR, r, single[first], single[second])
        for r, first, second in near_pairs([each.facts["thumbnail"] for each in single])
    ]
    rows = [
        (kind, a.facts["folder"] != b.facts["folder"], round(r, 4),
         a.case, a.facts["folder"], b.case, b.facts["folder"])
        for kind, r, a, b in pairs
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=COLUMNS)
    order = ["across_folders", "correlation", "case_a", "case_b"]
    return table.sort_values(order, ascending=[False, False, True, True], ignore_index=True)
