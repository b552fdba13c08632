"""Digests kept between starts: as long as no file of the code changes, none is computed again.

They are a third of what a dry run costs. The file lies in Snakemake's own folder, is named by all
code that a digest can come from, and can be deleted at any time.
"""

import hashlib
from contextlib import suppress
from pathlib import Path

FOLDER = Path(".snakemake") / "digests"
_LINE = 64 + 1 + 64


class KeptDigests:
    """The digests that were computed from the code of a folder.

    Parameters
    ----------
    code : Path
        The folder of the scripts and the package.
    folder : Path
        Where they are kept. One that cannot be read or written keeps nothing.
    """

    def __init__(self, code: Path, folder: Path = FOLDER) -> None:
        self.file = folder / f"{_code_sha256(code)}.txt"
        self._found: dict[str, str] = {}
        with suppress(OSError, UnicodeDecodeError):
            for line in self.file.read_text(encoding="ascii").splitlines():
                if len(line) == _LINE:  # one that was cut short is computed again
                    key, _, digest = line.partition(" ")
                    self._found[key] = digest

    def get(self, wanted: tuple) -> str | None:
        """Return the digest of what is asked for; None where it has to be computed."""
        return self._found.get(_key(wanted))

    def add(self, wanted: tuple, digest: str) -> None:
        """Keep a digest. Jobs that run side by side each append whole lines."""
        self._found[_key(wanted)] = digest
        with suppress(OSError):
            if not self.file.exists():
                self.file.parent.mkdir(parents=True, exist_ok=True)
                for other in self.file.parent.glob("*.txt"):  # of code that was here before
                    other.unlink(missing_ok=True)
            with self.file.open("a", encoding="ascii") as file:
                file.write(f"\n{_key(wanted)} {digest}\n")


def _key(wanted: tuple) -> str:
    return hashlib.sha256(repr(wanted).encode()).hexdigest()


def _code_sha256(code: Path) -> str:
    total = hashlib.sha256()
    for path in sorted(code.rglob("*.py")):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.relative_to(code).as_posix()} {content}\n".encode())
    return total.hexdigest()
