"""Many refusals, read in a minute."""

from gliomake.datasets.base import CaseError, Problem
from gliomake.prepare.refusal_text import bad_data_message, problem_lines


def problems(count, found="value 7", first=1):
    return [
        CaseError(
            f"C{n}", f"set/C{n}/C{n}_seg.nii", f"{found} in {n} voxels", "0 to 3", "see"
        ).problem
        for n in range(first, first + count)
    ]


def test_those_of_a_kind_are_one_with_three_examples():
    assert problem_lines(problems(369)) == [
        "  369 problems of the kind: found value 7 in 1 voxels, expected 0 to 3; see",
        "    in set/C1/C1_seg.nii, set/C2/C2_seg.nii, set/C3/C3_seg.nii and 366 more",
    ]


def test_few_are_listed_each():
    assert problem_lines(problems(2)) == [
        "  set/C1/C1_seg.nii: found value 7 in 1 voxels, expected 0 to 3; see",
        "  set/C2/C2_seg.nii: found value 7 in 2 voxels, expected 0 to 3; see",
    ]


def test_each_kind_is_shown_beside_a_frequent_one():
    lines = problem_lines([*problems(40), *problems(1, "a damaged file", 50)])
    assert len(lines) == 3 and "C50: " not in lines[2] and "a damaged file" in lines[2]


def test_of_many_kinds_the_rest_is_counted():
    many = [Problem(f"C{n}", f"{n}.tif", f"{n}.tif: odd {chr(97 + n)}") for n in range(25)]
    lines = problem_lines(many)
    assert len(lines) == 21 and lines[-1] == "  ... and 5 more"


def text(refused, kept, on_bad_case="fail"):
    return bad_data_message("lgg", refused, kept, "failed.json", on_bad_case)


def test_skip_is_proposed_where_it_helps():
    of_all = [Problem("", "data.csv", "data.csv: found nothing")]
    assert "on_bad_case to skip" in text(problems(1), kept=5)
    assert "on_bad_case" not in text(problems(5), kept=0)
    assert "on_bad_case" not in text(of_all, kept=5)
    assert "on_bad_case" not in text([*problems(1), *of_all], kept=5)
    assert "on_bad_case" not in text(problems(5), kept=0, on_bad_case="skip")
    assert text(problems(1), kept=5).startswith(
        "data set lgg: 1 problem, 5 cases can be used. All are listed in failed.json.\n"
    )
