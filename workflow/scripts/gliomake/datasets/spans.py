"""Runs of slice numbers: found, counted and written without a list of each of them."""

from collections.abc import Sequence


def runs(numbers: Sequence[int]) -> list[list[int]]:
    """Return the first and last of each run of ascending numbers."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found


def gaps(numbers: Sequence[int]) -> list[list[int]]:
    """Return the first and last of each run of numbers from 1 on that are not there.

    Parameters
    ----------
    numbers : sequence of int
        Ascending, from 1 on.
    """
    before = [0, *numbers]
    return [[a + 1, b - 1] for a, b in zip(before, numbers, strict=False) if b > a + 1]


def written(found: Sequence[Sequence[int]], most: int = 5) -> str:
    """Return runs in words, ``1, 3 to 9``, the first `most` of them."""
    words = [f"{first}" if first == last else f"{first} to {last}" for first, last in found[:most]]
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(words) + more
