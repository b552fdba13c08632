"""What readers have in common whose files a page describes."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from gliomake.datasets import patterns
from gliomake.datasets.base import CaseError, CaseReport, Finding, Problem, Volume, channel_indices
from gliomake.datasets.root import AccessError, DataRoot, Limits
from gliomake.datasets.strata import Strata


class PagedDataset:
    """Cases found by patterns; a reader adds how one case is read.

    Parameters
    ----------
    root : path-like
        The folder at which the patterns start.
    channels, classes : mapping
        Of the page, in its order.
    patient : str, optional
        A regular expression on the case's id, whose first group is the patient.
    strata : str or mapping, optional
        By what splits are balanced, see `Strata`.
    links, limits
        See `DataRoot`.
    """

    name = ""

    def __init__(
        self,
        root: str | Path | DataRoot,
        channels: Mapping[str, str],
        classes: Mapping[str, Sequence[int]],
        patient: str | None = None,
        strata: str | Mapping[str, str] | None = None,
        links: str = "inside",
        limits: Limits | dict[str, int] | None = None,
    ):
        self._disk = DataRoot.open(root, limits, links)
        self.root = self._disk.path
        self.channels, self.classes = tuple(channels), tuple(classes)
        self._pattern = patient
        self._strata = Strata(self._disk, strata)
        self._cases: dict[str, patterns.Files] = {}

    def _find(
        self, folder: Path, files: str | None, mask: str | None, texts: Mapping[str, str]
    ) -> None:
        """Find the cases below a folder, their patients and where their slices' numbers begin."""
        self._cases = patterns.find_cases(self._disk, folder, files, mask, texts)
        self._patients = patterns.patients_of(self._cases, self._pattern)
        self._first = patterns.first_numbers(self._patients)

    def cases(self) -> list[str]:
        """List the case ids, sorted, without reading a pixel."""
        return list(self._cases)

    def load(self, case: str, channels: Sequence[str] | None = None) -> Volume:
        """Load a case; where each channel is a file, only the wanted ones are opened.

        Raises
        ------
        CaseError
            A file is missing, doubled or damaged, does not fit the others, or holds values that it
            should not.
        AccessError
            The machine could not read it, or has too little memory for it.
        """
        wanted = [self.channels[index] for index in channel_indices(self.channels, channels)]
        try:
            return self._read(case, wanted)[0]
        except MemoryError as error:
            raise AccessError(self.root / case, "not enough memory") from error

    def inspect(self, case: str, channels: Sequence[str] | None = None) -> CaseReport:
        """Load and check a case; what is wrong with it becomes its ``problems``."""
        report = CaseReport(case, self._patients[case])
        wanted = [self.channels[index] for index in channel_indices(self.channels, channels)]
        report.problems = [error.problem for error in self._check(case)]
        if report.problems:
            return report
        try:
            volume, facts = self._read(case, wanted)
        except CaseError as error:
            report.problems.append(error.problem)
            return report
        except MemoryError as error:
            raise AccessError(self.root / case, "not enough memory") from error
        self._describe(report, volume, facts, wanted)
        return report

    def check_root(self) -> list[Problem]:
        """Check the table of strata; all else belongs to a case."""
        return self._strata.problems

    def metadata(self) -> dict[str, dict[str, Any]]:
        """Describe each case: ``stratum`` and ``folder``."""
        return {
            case: {"stratum": self._strata.of(case, self._patients[case]), "folder": ""}
            for case in self._cases
        }

    def compare(self, reports: Sequence[CaseReport]) -> list[Finding]:
        """Say what was passed over and what the table of strata lacks."""
        folders = tuple(self._disk.passed_over)
        message = f"could not be opened, and were passed over: {', '.join(folders[:5])}"
        passed = [Finding("passed-over", message, files=folders)] if folders else []
        return [*passed, *self._strata.absent(self._patients)]

    def _check(self, case: str) -> list[CaseError]:
        """Check a case without reading a pixel."""
        return patterns.patient_error(case, self._patients[case], self.root, self._pattern)

    def _read(self, case: str, channels: Sequence[str]) -> tuple[Volume, dict[str, Any]]:
        """Read a case, and say what is to be known of it."""
        raise NotImplementedError

    def _describe(
        self, report: CaseReport, volume: Volume, facts: dict[str, Any], channels: Sequence[str]
    ) -> None:
        """Enter slices and facts into a report."""
        raise NotImplementedError

    @cached_property
    def _several_scans(self) -> set[str]:
        """Patients with more than one case."""
        return {self._patients[case] for case, first in self._first.items() if first}

    def _numbered(self, case: str, numbers: Sequence[int], path: object) -> list[int]:
        """Give slice numbers that no other case of the patient has.

        Raises
        ------
        CaseError
            There are too many for that.
        """
        patient = self._patients[case]
        if patient in self._several_scans and max(numbers, default=0) >= patterns.STRIDE:
            found = f"a slice {max(numbers)} in one of several scans of patient {patient}"
            advice = "make each scan a patient of its own (`patient`), or leave it out"
            raise CaseError(case, path, found, f"numbers below {patterns.STRIDE}", advice)
        return [number + self._first[case] for number in numbers]
