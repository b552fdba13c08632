"""How often the intervals of scores hold the true score, as it was measured.

``benchmarks/coverage.py`` draws samples of patients from published scores whose mean is known
(docs/intervals.md). What it found for the method used here stands below, so that it can be printed
beside each interval; a test holds the table against that script's results.
"""

from gliomake.scoring.registry import is_share

MEAN = "patient"
METHOD = "studentised bootstrap"
"""Of the intervals of scores."""
SHARE = {6: 0.929, 8: 0.915, 11: 0.913, 22: 0.921, 50: 0.939, 110: 0.947}
DISTANCE = {6: 0.862, 8: 0.844, 11: 0.869, 22: 0.866, 50: 0.914, 110: 0.951}
"""By the number of patients: how many of the 95 % intervals held the truth, for means of Dice and
of the Hausdorff distance; the lower of two networks."""


def measured_coverage(metric: str, units: int, convention: str = MEAN) -> float | None:
    """Return how many of the 95 % intervals of so many patients held the true score.

    Parameters
    ----------
    metric : str
        Scores that are shares go by Dice, distances and all else by the Hausdorff distance.
    units : int
        Patients; taken is the largest number measured that is not above it.
    convention : str
        Of the score; measured were means over patients alone.

    Returns
    -------
    float or None
        A share of samples; None for fewer patients than have an interval, and for scores of
        another convention.

    Examples
    --------
    >>> measured_coverage("dice", 15), measured_coverage("hd95", 15), measured_coverage("dice", 4)
    (0.913, 0.869, None)
    """
    if convention != MEAN:
        return None
    table = SHARE if is_share(metric) else DISTANCE
    return next((table[n] for n in sorted(table, reverse=True) if n <= units), None)


def describe_intervals(units: int, *, images: bool = False, distances: bool = False) -> str:
    """Say how the intervals beside scores were made, and how far they can be trusted.

    Parameters
    ----------
    units : int
        Patients or images that were drawn.
    images : bool
        Whether they are images.
    distances : bool
        Whether distances are among the scores.

    Returns
    -------
    str
        Two sentences.
    """
    noun = ("image" if images else "patient") + ("" if units == 1 else "s")
    held = measured_coverage("dice", units)
    if held is None:
        return f"No intervals: {units} {noun} are too few for one that holds what it says."
    shares = [f"Dice in {100 * held:.0f} %"]
    if distances:
        held = measured_coverage("hd95", units) or 0
        shares.append(f"Hausdorff distance in {100 * held:.0f} %")
    return (
        f"Intervals of 95 %: {METHOD} over {units} {noun}. Drawn from published scores of so many "
        f"patients or fewer, such intervals held the true mean {', the mean '.join(shares)} of "
        "samples; scores averaged otherwise were not measured so (docs/intervals.md)."
    )
