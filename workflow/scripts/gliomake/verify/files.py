"""The files behind a report, compared with their hashes, and the figures drawn from them."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gliomake.files.provenance import file_sha256, listing_sha256
from gliomake.verify.difference import Difference

LARGE = (".h5", ".safetensors")


class ReportFiles:
    """The files that a report rests on.

    Parameters
    ----------
    content : dict
        Of ``numbers.json``.
    root : Path
        The folder that its paths start from.
    deep : bool
        Whether all large files are hashed. Otherwise only those that a figure was drawn from, and
        these may be absent: results can be passed on without them.

    Attributes
    ----------
    passed_over : list of str
        Files that were not compared, once `changed` is gone through.
    """

    def __init__(self, content: dict[str, Any], root: Path, deep: bool) -> None:
        self.files: dict[str, str] = content["files"]
        self.studies: dict[str, dict[str, Any]] = content["studies"]
        self.root = root
        self.deep = deep
        self.passed_over: list[str] = []
        self._no_data: set[str] = set()
        self._figures: dict[str, list[str]] = defaultdict(list)
        for study, entry in self.studies.items():
            for figure, of in entry["figures"].items():
                for name in (*of["files"], *of["inputs"]):
                    self._figures[name].append(f"{study}/{figure}")

    def changed(self) -> Iterator[Difference]:
        """Compare each file with its hash.

        Yields
        ------
        Difference
            One a file; it names the figures that show the file or were drawn from it.
        """
        for name, digest in self.files.items():
            path = self.root / name
            # Hashing gigabytes is what --deep is for.
            spared = name.endswith(LARGE) and not self.deep
            if spared and not (name in self._figures and path.is_file()):
                self.passed_over.append(name)
                continue
            found = file_sha256(path) if path.is_file() else "missing"
            if found != digest:
                yield Difference(
                    name, self._what("sha256", self._figures.get(name, [])), digest, found
                )

    def changed_listings(self) -> Iterator[Difference]:
        """Compare names, sizes and times of the raw data that figures were drawn from.

        Yields
        ------
        Difference
            One a data set's folder.
        """
        compared = set()
        for study, entry in self.studies.items():
            raw = [f"{study}/{figure}" for figure, of in entry["figures"].items() if of["raw"]]
            name = entry["root"]
            if not raw or not entry["listing"] or name in compared:
                continue
            compared.add(name)
            folder = self.root / name
            if not folder.is_dir() and not self.deep:
                self._no_data.add(name)
                continue
            # Past its cache: the folder may have changed since.
            found = listing_sha256.__wrapped__(str(folder)) if folder.is_dir() else "missing"
            if found != entry["listing"]:
                what = self._what("names, sizes and times of its files", raw)
                yield Difference(name, what, entry["listing"], found)

    @staticmethod
    def _what(what: str, figures: list[str]) -> str:
        if not figures:
            return what
        return f"{what} (figure{'s' if len(figures) > 1 else ''} {', '.join(figures)})"

    def remarks(self) -> list[str]:
        """Describe what was not compared."""
        remarks = []
        if self.passed_over:
            remarks.append(
                f"{len(self.passed_over)} files of weights, predictions and slices were not "
                "compared: make verify DEEP=1 compares them and begins with the predictions"
            )
        remarks += [
            f"{name} is not there: the raw data that figures were drawn from were not compared"
            for name in sorted(self._no_data)
        ]
        return remarks
