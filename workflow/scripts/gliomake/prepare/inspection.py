"""What readers raise, put in order: a case refused, a file that could not be read, or a fault.

Whatever opens a data set or reads a case does it through this module. So one odd case never costs
the results of the others, and what this machine could not read is never taken for damage.
"""

import errno
import fcntl
import os
import stat
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import Any, TypeVar

from gliomake.datasets import CaseError, CaseReport, Dataset, Problem, Volume, open_dataset
from gliomake.datasets.root import AccessError

MACHINE = frozenset(
    getattr(errno, name)
    for name in (
        "EACCES", "EPERM", "EAGAIN", "EWOULDBLOCK", "EBUSY", "EIO", "EREMOTEIO", "ESTALE", "ENOSPC",
        "EDQUOT", "ENOMEM", "EMFILE", "ENFILE", "ETIMEDOUT", "EHOSTDOWN", "EHOSTUNREACH",
        "ENETDOWN", "ENETUNREACH", "ENOTCONN", "ECONNRESET", "ECONNABORTED", "ECONNREFUSED",
        "EINTR", "ENODEV", "ENXIO", "ENOLCK", "EDEADLK", "ETXTBSY", "ENOKEY", "EKEYEXPIRED",
    )
    if hasattr(errno, name)
)  # fmt: skip
"""Errors of the machine; others, such as a missing file or a name too long, are the data's."""

SHOWN = 20
Found = TypeVar("Found")


class BadDataError(ValueError):
    """A data set, or cases of it, that cannot be used; the message lists what and why."""


class UnreadFilesError(AccessError):
    """Several files that this machine could not read.

    Parameters
    ----------
    errors : sequence of AccessError
        One a file.
    """

    def __init__(self, errors: Sequence[AccessError]) -> None:
        super().__init__(errors[0].file, errors[0].reason)
        self.errors = list(errors)
        lines = [f"{len(errors)} files could not be read:"]
        for reason in dict.fromkeys(error.reason for error in errors):
            first, *others = [error for error in errors if error.reason == reason]
            lines.append(f"  {first}")
            if others:
                more = len(others) - SHOWN
                rest = f" and {more} more; the log lists them all" if more > 0 else ""
                named = ", ".join(error.file for error in others[:SHOWN])
                lines.append(f"  likewise {named}{rest}")
        self.args = ("\n".join(lines),)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.errors,)


def machine_error(error: BaseException | None, file: object) -> AccessError | None:
    """Return what an error says of the machine, itself or as the cause of another.

    Parameters
    ----------
    error : BaseException or None
        What a reader raised.
    file : path-like
        The file or folder that was read, where the error names none.

    Returns
    -------
    AccessError or None
        None where the error is not the machine's.
    """
    while error is not None:
        if isinstance(error, AccessError):
            return error
        if isinstance(error, MemoryError):
            return AccessError(file, "not enough memory")
        if isinstance(error, ImportError):
            return AccessError(file, f"{error}, which reading it needs")
        if isinstance(error, OSError) and error.errno in MACHINE:
            named = error.filename if isinstance(error.filename, str | bytes) else file
            return AccessError(
                os.fsdecode(named) if isinstance(named, bytes) else named,
                error.strerror or str(error),
            )
        error = error.__cause__
    return None


@contextmanager
def reading(dataset: str, root: object, doing: str) -> Iterator[None]:
    """Give what a reader raises about a whole data set one of two forms.

    Parameters
    ----------
    dataset : str
        The data set's name.
    root : path-like
        Its root.
    doing : str
        What the reader does, for the message.

    Raises
    ------
    AccessError
        The machine could not read something.
    BadDataError
        Anything else.
    """
    try:
        yield
    except Exception as error:
        if access := machine_error(error, root):
            raise access from error
        if isinstance(error, BadDataError):
            raise
        raise BadDataError(
            f"data set {dataset}: {doing} failed: {_words(error)}\n"
            "This concerns the whole data set: leaving out cases does not help."
        ) from error


def open_data(name: str, root: str | Path, options: dict[str, Any]) -> Dataset:
    """Open a data set.

    Parameters
    ----------
    name : str
        A key of `gliomake.datasets.DATASETS`.
    root : path-like
        Its folder.
    options : dict
        The reader's options.

    Returns
    -------
    Dataset
        The reader; `Dataset.cases` works.

    Raises
    ------
    AccessError
        The machine could not read something.
    BadDataError
        This is no such data set.
    """
    with reading(name, root, f"opening {root}"):
        dataset = open_dataset(name, root, **options)
        dataset.cases()
    return dataset


def load_case(
    dataset: Dataset, case: str, channels: Sequence[str] | None = None, index: str = ""
) -> Volume:
    """Load a case that the index accepted.

    Parameters
    ----------
    dataset : Dataset
        The opened data set.
    case : str
        The case.
    channels : sequence of str, optional
        Which channels; all by default.
    index : str
        The file in which the index accepted it, for the message.

    Returns
    -------
    Volume
        The case.

    Raises
    ------
    AccessError
        The machine could not read something.
    BadDataError
        The reader refuses it now.
    """
    try:
        return dataset.load(case, channels)
    except Exception as error:
        if access := machine_error(error, _place(dataset, case)):
            raise access from error
        again = f": delete {index} and start again" if index else ""
        raise BadDataError(
            f"case {case} of data set {dataset.name}: {_words(error)}\n"
            "The index accepted this case, so its files changed since. Start again: files of "
            "another size or time are looked at anew. If these words come again, size and time "
            f"are those of before{again}"
        ) from error


def inspect_case(dataset: Dataset, case: str, channels: Sequence[str] | None = None) -> CaseReport:
    """Inspect a case; a fault of the reader refuses the case as well.

    Parameters
    ----------
    dataset : Dataset
        The opened data set.
    case : str
        The case.
    channels : sequence of str, optional
        As in `Dataset.inspect`.

    Returns
    -------
    CaseReport
        What was found.

    Raises
    ------
    AccessError
        The machine could not read something: nothing is known of the case.
    """
    place = _place(dataset, case)
    try:
        report = dataset.inspect(case, channels)
    except Exception as error:
        if access := machine_error(error, place):
            raise_unread([access, *_closed_beside(access.file, case)])
        report = CaseReport(case, case, problems=[_refusal(error, case, place)])
    check_readable(problem.file for problem in report.problems)
    return report


def check_root(dataset: Dataset) -> list[Problem]:
    """Check what belongs to no single case, as `Dataset.check_root` does, its faults included.

    Raises
    ------
    AccessError
        The machine could not read something.
    """
    found, fault = _whole(dataset, dataset.check_root)
    problems = fault or found or []
    check_readable(problem.file for problem in problems)
    return problems


def metadata(dataset: Dataset) -> tuple[dict[str, dict[str, Any]], list[Problem]]:
    """Describe the cases, as `Dataset.metadata` does; what it raises becomes a problem.

    Raises
    ------
    AccessError
        The machine could not read something.
    """
    found, fault = _whole(dataset, dataset.metadata)
    return found or {}, fault


def _whole(dataset: Dataset, ask: Callable[[], Found]) -> tuple[Found | None, list[Problem]]:
    """Ask a reader about its whole data set; what it raises is a problem of that."""
    root = getattr(dataset, "root", dataset.name)
    try:
        return ask(), []
    except Exception as error:
        if access := machine_error(error, root):
            raise access from error
        return None, [_refusal(error, "", root)]


def check_readable(files: Iterable[str]) -> None:
    """Check that refused files can be read at all: a reader may have taken a lock for damage.

    Parameters
    ----------
    files : iterable of str
        Files or folders; nothing is said of those that are not there.

    Raises
    ------
    AccessError
        One may not be read now, or another program has it locked.
    """
    unread = [error for file in dict.fromkeys(files) if (error := _closed(file))]
    raise_unread(unread)


def raise_unread(errors: Sequence[AccessError]) -> None:
    """Raise what could not be read, all of it in one error; nothing where there is none."""
    files: dict[str, AccessError] = {}
    for entry in errors:
        for error in single_errors(entry):
            files.setdefault(error.file, error)
    if files:
        each = list(files.values())
        raise each[0] if len(each) == 1 else UnreadFilesError(each)


def single_errors(error: AccessError) -> list[AccessError]:
    """Return the errors of single files that an error holds, or itself."""
    return error.errors if isinstance(error, UnreadFilesError) else [error]


def _closed_beside(file: str, case: str) -> list[AccessError]:
    """List what else of a case cannot be read: a reader stops at the first file."""
    folder, name = Path(file).parent, PurePath(case).name
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208 (names alone)
    except (OSError, ValueError):
        return []
    paths = [str(folder / entry) for entry in names if name in f"{folder.name}/{entry}"]
    return [error for path in paths if path != file and (error := _closed(path))]


def _closed(file: str) -> AccessError | None:
    try:
        mode = Path(file).stat().st_mode
        if stat.S_ISDIR(mode):
            os.listdir(file)  # noqa: PTH208 (only whether it can be listed)
        elif stat.S_ISREG(mode):
            handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
            try:
                os.read(handle, 1)
                # HDF5 and others lock what they write.
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            finally:
                os.close(handle)
    except (OSError, ValueError) as error:
        # A file system without locks says nothing of the file.
        return None if getattr(error, "errno", 0) == errno.ENOLCK else machine_error(error, file)
    return None


def _refusal(error: Exception, case: str, place: object) -> Problem:
    """Give the problem that an error of a reader is; the traceback of a fault goes to the log."""
    if isinstance(error, CaseError):
        return Problem(case, error.file, str(error))
    traceback.print_exc()
    return Problem(case, str(place), f"{place}: {_fault(error)}")


def _words(error: Exception) -> str:
    # A plain ValueError is how readers refuse an option.
    known = isinstance(error, CaseError) or type(error) is ValueError
    return str(error) if known else _fault(error)


def _fault(error: Exception) -> str:
    return (
        f"the reader failed on this ({type(error).__name__}: {error}); this is a fault of gliomake "
        "or of the file. The traceback stands in the log"
    )


def _place(dataset: Dataset, case: str) -> Path | str:
    """Where a case lies, as far as its name says; else the root."""
    root = getattr(dataset, "root", None)
    if root is None:
        return case
    try:
        inside = Path(root) / case
        return inside if inside.exists() else Path(root)
    except (OSError, ValueError):
        return Path(root)
