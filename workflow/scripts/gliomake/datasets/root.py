"""The folder of a data set, and what may be read under it: regular files, inside, of bounded size.

Every reader opens its files through `DataRoot`, so that what is refused, and in which words, is the
same for all of them. A file that is wrong is a `CaseError`, which ``on_bad_case: skip`` leaves out.
A file that this machine could not read just now (a lock, a permission, a failing disk) is an
`AccessError`: it says nothing about the data, no case is left out for it, nothing is kept of it.
"""

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from gliomake.datasets.base import CaseError
from gliomake.files.listing import is_data

LINKS = ("inside", "anywhere")


class AccessError(OSError):
    """A file that this machine could not read; it tells nothing about the data.

    Parameters
    ----------
    file : path-like
        The file or folder.
    reason : str
        What the machine said.
    """

    def __init__(self, file: object, reason: str) -> None:
        self.file = str(file)
        self.reason = reason
        super().__init__(
            f"{self.file}: could not be read ({reason}). This is no damage of the data: "
            f"{_remedy(reason)}, then start again; no case was left out"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.file, self.reason)


def _remedy(reason: str) -> str:
    lower = reason.lower()
    if "permission" in lower or "not permitted" in lower:
        return "give yourself the right to read it (chmod, or ask its owner)"
    if "lock" in lower or "temporarily unavailable" in lower:
        return "wait until the program that has it open is done"
    if "memory" in lower:
        return "give the job more memory, or set `limits` so low that the file is refused"
    if "space" in lower or "quota" in lower:
        return "make room on the disk"
    if "no module" in lower:
        return "install the package"
    if "open files" in lower:
        return "allow more open files (ulimit -n)"
    return "check the disk or the connection to it"


@dataclass(frozen=True)
class Limits:
    """What one file may hold at most; checked before memory is taken for it.

    The defaults are far above every published brain data set.

    Attributes
    ----------
    slice_pixels : int
        Height times width of a slice or image.
    volume_voxels : int
        Voxels of one volume (one channel).
    file_bytes : int
        Bytes of one file, as it lies on disk and after decompression.
    polygon_points : int
        Points of one polygon.
    name_length : int
        Characters of a file name that a table or JSON gives.
    """

    slice_pixels: int = 4096 * 4096
    volume_voxels: int = 512**3
    file_bytes: int = 2 * 1024**3
    polygon_points: int = 100_000
    name_length: int = 200

    @classmethod
    def of(cls, values: "Limits | dict[str, int] | None") -> "Limits":
        """Give limits from a configuration's block; what it leaves out has its default.

        Raises
        ------
        ValueError
            The block has a key that is no limit.
        """
        if isinstance(values, Limits):
            return values
        known = {entry.name for entry in fields(cls)}
        if unknown := sorted(set(values or {}) - known):
            raise ValueError(f"limits: {unknown}; expected {', '.join(sorted(known))}")
        return cls(**(values or {}))


@dataclass(frozen=True)
class DataRoot:
    """The folder of a data set.

    Attributes
    ----------
    path : Path
        The folder; it may be a link itself.
    limits : Limits
        What one file may hold.
    links : {"inside", "anywhere"}
        ``inside``: a link that leads out of the folder is refused. ``anywhere``: it is followed.
    passed_over : list of str
        Folders that could not be opened and hold no case, as `walk` met them.
    """

    path: Path
    limits: Limits = field(default_factory=Limits)
    links: str = "inside"
    passed_over: list[str] = field(default_factory=list, compare=False)

    @classmethod
    def open(
        cls,
        path: "str | Path | DataRoot",
        limits: Limits | dict[str, int] | None = None,
        links: str = "inside",
    ) -> "DataRoot":
        """Give the root of a data set.

        Raises
        ------
        CaseError
            There is no such folder.
        ValueError
            `links` or `limits` is not as it should be.
        """
        if isinstance(path, DataRoot):
            return path
        if links not in LINKS:
            raise ValueError(f"links: {links!r}; expected one of {', '.join(LINKS)}")
        path = Path(path).expanduser()
        if not path.is_dir():
            raise CaseError("", path, "no such folder", "the data set's root", "correct its path")
        return cls(path, Limits.of(limits), links)

    def entries(self, folder: Path | None = None) -> list[Path]:
        """List a folder, sorted by name, without hidden entries and those of operating systems.

        Raises
        ------
        AccessError
            The folder may not be listed.
        """
        folder = self.path if folder is None else folder
        try:
            names = sorted(os.listdir(folder))  # noqa: PTH208 (names alone)
        except OSError as error:
            raise _access(folder, error) from error
        return [folder / name for name in names if is_data(name)]

    def walk(self, depth: int) -> Iterator[tuple[Path, list[Path], list[Path]]]:
        """Go through the folders under the root, at most `depth` below it, each once.

        A folder that may not be listed is passed over and noted in `passed_over`, except the root.

        Parameters
        ----------
        depth : int
            0 is the root alone.

        Yields
        ------
        Path, list of Path, list of Path
            A folder, its subfolders and its files; what the caller takes out of the subfolders is
            not gone into.
        """
        waiting = [(self.path, 0)]
        seen: set[str] = set()
        while waiting:
            folder, level = waiting.pop()
            real = os.path.realpath(folder)
            if real in seen or (folder != self.path and self.leads_out(folder)):
                continue
            seen.add(real)
            try:
                inside = self.entries(folder)
                folders = [path for path in inside if path.is_dir()]
            except OSError as error:
                if folder == self.path:
                    raise _access(folder, error) from error
                if str(folder) not in self.passed_over:
                    self.passed_over.append(str(folder))
                continue
            apart = set(folders)
            yield folder, folders, [path for path in inside if path not in apart]
            if level < depth:
                waiting += [(path, level + 1) for path in reversed(folders)]

    def leads_out(self, path: Path) -> bool:
        """Tell whether a path is, or lies behind, a link out of the root that is not followed."""
        if self.links == "anywhere":
            return False
        root = os.path.realpath(self.path)
        return os.path.commonpath([root, os.path.realpath(path)]) != root

    def check_inside(self, path: Path, case: str) -> None:
        """Check that a file or folder is no link out of the root, where those are not followed.

        Raises
        ------
        CaseError
            It is one.
        """
        if self.leads_out(path):
            raise CaseError(
                case,
                path,
                f"a link that leads out of the data set's root, to {os.path.realpath(path)}",
                f"a file under {self.path}",
                "put the file there, or set `links: anywhere` for this data set",
            )

    def check(self, path: Path, case: str) -> os.stat_result:
        """Check that a file may be read, without reading it.

        Parameters
        ----------
        path : Path
            The file.
        case : str
            Whose file it is; empty for the whole data set.

        Returns
        -------
        os.stat_result
            Of the file.

        Raises
        ------
        CaseError
            It is not there, leads out of the root, is no regular file, or is too large.
        AccessError
            The machine could not say.
        """
        try:
            found = path.stat()
        except (FileNotFoundError, NotADirectoryError) as error:
            link = path.is_symlink()
            raise CaseError(
                case,
                path,
                f"a link to {path.readlink()}, which is not there" if link else "no such file",
                "the file",
                "complete the download, or leave the case out",
            ) from error
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENAMETOOLONG):
                raise CaseError(
                    case,
                    path,
                    str(error.strerror),
                    "a file",
                    "correct the name, or leave the case out",
                ) from error
            raise _access(path, error) from error
        except ValueError as error:
            raise CaseError(case, path, str(error), "a file name", "correct the name") from error
        self.check_inside(path, case)
        if not stat.S_ISREG(found.st_mode):
            kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a device, pipe or socket"
            raise CaseError(case, path, kind, "a file", "put the file itself there")
        if found.st_size > self.limits.file_bytes:
            raise CaseError(
                case,
                path,
                f"{found.st_size} bytes",
                f"at most {self.limits.file_bytes} (limits.file_bytes)",
                "check the file, or raise the limit for this data set",
            )
        return found

    def read_bytes(self, path: Path, case: str, count: int | None = None) -> bytes:
        """Read a file, or its first bytes, once it is checked (see `check` for what is raised)."""
        # No more than it holds: Python takes the memory that it is asked to read into.
        size = self.check(path, case).st_size
        try:
            # A pipe that took the file's place since would block for ever.
            handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
            with os.fdopen(handle, "rb") as file:
                return file.read(size if count is None else min(size, count))
        except OSError as error:
            raise _access(path, error) from error


def _access(path: object, error: OSError) -> AccessError:
    if isinstance(error, AccessError):
        return error
    return AccessError(path, error.strerror or str(error))
