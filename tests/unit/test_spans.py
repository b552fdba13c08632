from gliomake.datasets.spans import gaps, runs, written


def test_runs_by_hand():
    assert runs([]) == []
    assert runs([4]) == [[4, 4]]
    assert runs([1, 2, 3, 7, 9, 10]) == [[1, 3], [7, 7], [9, 10]]


def test_gaps_by_hand():
    assert gaps([]) == []
    assert gaps([1, 2, 3]) == []
    assert gaps([2, 3]) == [[1, 1]]
    assert gaps([1, 3, 6, 10**9]) == [[2, 2], [4, 5], [7, 10**9 - 1]]


def test_runs_in_words():
    assert written([]) == ""
    assert written([[1, 1], [3, 9]]) == "1, 3 to 9"
    assert written([[1, 1], [3, 3], [5, 5]], most=2) == "1, 3 and 1 more"
