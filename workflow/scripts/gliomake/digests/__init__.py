"""The digest of a job's code: of the definitions that its script reaches, and of nothing else.

A job takes the digest as a parameter, so it runs again when code changes that its result comes
from. The digest begins at the job's script and follows names: from a function to the functions,
classes and constants that it uses, through the library's imports. What is not reached does not
count, so a new reader, model, loss or metric trains nothing again.

**What does not count**, because no result can change by it: comments, docstrings, layout;
annotations (but those of a class's fields, and of decorated functions); the words of errors that
are raised; what is printed or logged; in which module a definition stands; and `OBSERVERS`.

**Registries are cut.** A job that trains with one loss reaches the table of all. With
``entries={"study.losses.LOSSES": "dice"}`` only that entry of the table counts, and what it
reaches.

**In doubt code counts.** A module that is used as a value (``getattr(module, name)``), a star
import, or a name that a module does not define counts the whole module; an import whose name is
computed, ``eval`` and the like count the whole library. What runs when a module is imported counts
for all that import it: statements, and decorators and bases that may register what they meet.
"""

from functools import cache
from pathlib import Path

from gliomake.digests.kept import KeptDigests
from gliomake.digests.reach import Entries, Library
from gliomake.digests.spelling import OBSERVERS

__all__ = ["LIBRARY", "OBSERVERS", "Library", "code_digest"]

LIBRARY = Path(__file__).parents[1]


def code_digest(script: str, entries: Entries | None = None) -> str:
    """Hash the code that a script's result comes from.

    Parameters
    ----------
    script : str
        A script's name without its suffix, for example ``train``.
    entries : mapping, optional
        Of a registry, by its dotted name below ``gliomake``, the key or keys that the job uses. A
        function may be named as well: without keys it is one that the job does not call.

    Returns
    -------
    str
        64 hexadecimal digits, the same in every version of Python.

    Raises
    ------
    FileNotFoundError
        There is no such script.
    """
    return _library(LIBRARY).digest(script, entries)


@cache
def _library(folder: Path) -> "Library":
    return Library(folder, KeptDigests(folder.parent))
