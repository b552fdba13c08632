"""Masks that contradict what masks are, seen over all cases; tables worked by hand."""

from gliomake.datasets.base import CaseReport
from gliomake.prepare.truth import has_tumour, truth_findings

CLASSES = ("ED", "ET")


def case(name, *slices):
    """A case of slices of 2x5 pixels with so many pixels of each class."""
    rows = [
        {"slice": n, "height": 2, "width": 5, "ED": ed, "ET": et}
        for n, (ed, et) in enumerate(slices)
    ]
    return CaseReport(name, name, rows)


def kinds(*reports):
    return {finding.kind: finding.cases for finding in truth_findings(reports, CLASSES)}


def test_ordinary_cases_give_no_finding():
    assert kinds(case("A", (3, 1), (0, 0)), case("B", (2, 2), (5, 0)), case("C", (1, 0))) == {}


def test_more_than_half_tumour():
    # 11 of 20 pixels, then 10 of 20.
    assert kinds(case("A", (6, 4), (1, 0)), case("B", (6, 4), (0, 0))) == {"mostly-tumour": ("A",)}


def test_cases_without_tumour():
    assert kinds(case("A", (1, 1)), case("B", (0, 0)), case("C")) == {"no-tumour": ("B", "C")}


def test_one_truth_for_all():
    same = [case(name, (1, 2), (0, 3)) for name in "ABC"]
    assert kinds(*same) == {"equal-truths": ("A", "B", "C")}
    assert kinds(*same[:2]) == {}, "two may be alike by chance"
    assert kinds(*same, case("D", (1, 2), (3, 0))) == {}


def test_a_class_that_never_occurs():
    [finding] = truth_findings([case("A", (1, 0)), case("B", (2, 0))], CLASSES)
    assert (finding.kind, finding.message) == ("unused-class", "no case has a pixel of ET")


def test_nothing_at_all():
    assert truth_findings([], CLASSES) == []
    assert not has_tumour([], CLASSES)
    assert not has_tumour([case("A", (0, 0)), case("B")], CLASSES)
    assert has_tumour([case("A", (0, 0)), case("B", (0, 1))], CLASSES)
