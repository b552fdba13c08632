"""Sections about what stands behind the numbers: data, runs, commands."""

import json
from functools import cached_property
from typing import ClassVar

from gliomake.report import duplicates, evidence
from gliomake.report.downloads import data_url, download
from gliomake.report.sections.base import Section, given
from gliomake.report.table import Table

# Letters of a finding, and cases behind it, that stand on the page; the file has all.
LONG, FEW = 200, 3


class Data(Section):
    """The data set and its splits."""

    id: ClassVar[str] = "data"
    title: ClassVar[str] = "Data and split"
    template: ClassVar[str] = "sections/data.html.j2"

    @cached_property
    def splits(self) -> Table:
        """Patients and slices of each split."""
        return evidence.split_table(self.inputs)

    @cached_property
    def fingerprint(self) -> Table:
        """The data set in numbers."""
        return evidence.fingerprint_table(self.inputs)

    @cached_property
    def _pairs(self) -> duplicates.Pairs:
        return duplicates.choose_pairs(self.inputs)

    @cached_property
    def pairs(self) -> Table | None:
        """Some pairs of images that are there twice or look alike."""
        return duplicates.pairs_table(self._pairs)

    @cached_property
    def pair_images(self) -> list[tuple[str, str]]:
        """The images of these pairs."""
        return duplicates.pair_images(self.inputs, self._pairs)

    @property
    def pairs_file(self) -> dict[str, str] | None:
        """All pairs, as a download."""
        path = self.inputs.duplicates
        name = f"{self.inputs.study.dataset}-duplicates.tsv"
        return download(path, "text/tab-separated-values", name) if path else None

    @property
    def findings(self) -> list[dict[str, str]]:
        """What the checks of the data found: ``topic``, ``gist``, and ``rest`` where it is long."""
        alike: dict[tuple[str, str], list[str]] = {}
        for found in self.inputs.checks.get("findings", []):
            cases = alike.setdefault((found["kind"], found["message"]), [])
            cases.extend(found.get("cases", []))
        return [_finding(*what, cases) for what, cases in alike.items()]

    @property
    def file(self) -> dict[str, str]:
        """All findings and rejected cases, as a download."""
        names = ("findings", "refused")
        content = {name: self.inputs.checks.get(name, []) for name in names}
        raw = json.dumps(content, indent=1, ensure_ascii=False).encode()
        name = f"{self.inputs.study.dataset}-findings.json"
        return {"name": name, "href": data_url("application/json", raw)}

    def tables(self) -> list[Table]:
        """List the splits, the statistics, and pairs of images where there are any."""
        return given(self.splits, self.fingerprint, self.pairs)


def _finding(kind: str, message: str, cases: list[str]) -> dict[str, str]:
    kind = kind.replace("-", " ")
    gist, _, listed = message.partition(": ")
    if len(message) <= LONG:
        gist, listed = message, ""
    if cases:
        more = f" and {len(cases) - FEW:,} more" if len(cases) > FEW else ""
        gist += f" ({', '.join(cases[:FEW])}{more})"
    return {"topic": kind[:1].upper() + kind[1:], "gist": gist, "rest": listed}


class Provenance(Section):
    """Facts, files and hashes of every run."""

    id: ClassVar[str] = "provenance"
    title: ClassVar[str] = "Provenance"
    template: ClassVar[str] = "sections/provenance.html.j2"

    @cached_property
    def runs(self) -> Table | None:
        """Facts of every training."""
        return evidence.runs_table(self.inputs)

    @property
    def is_shown(self) -> bool:
        """Every page has it: nothing trained is a fact as well."""
        return True

    def tables(self) -> list[Table]:
        """List the trainings, where there are any."""
        return given(self.runs)


class Rebuild(Section):
    """The command of every target."""

    id: ClassVar[str] = "rebuild"
    title: ClassVar[str] = "Reproduce"
    template: ClassVar[str] = "sections/rebuild.html.j2"
    # Its commands hold paths from the folder in which the report was built.
    unverified: ClassVar[tuple[str, ...]] = ("rebuild-table",)

    @cached_property
    def commands(self) -> Table:
        """The commands."""
        return evidence.rebuild_table(self.inputs)

    @property
    def is_shown(self) -> bool:
        """Every page has it."""
        return True
