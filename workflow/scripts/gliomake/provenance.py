"""Where a number comes from: hashes of files, of configuration and of code."""

import ast
import hashlib
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from gliomake.listing import walk

LIBRARY = Path(__file__).parent


def file_sha256(path: str | Path) -> str:
    """Hash one file's bytes.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_sha256(paths: Iterable[str | Path]) -> str:
    """Hash the contents of several files, in the order given; their names do not count.

    Parameters
    ----------
    paths : iterable of str or Path
        The files.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    digests = "".join(file_sha256(path) for path in paths)
    return hashlib.sha256(digests.encode()).hexdigest()


def value_sha256(value: Any) -> str:
    """Hash a value made of dicts, lists, strings and numbers; the order of keys does not count.

    Parameters
    ----------
    value : object
        Anything that JSON can write.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def listing_sha256(root: str) -> str:
    """Hash the names, sizes and times of all files under a folder, but not what they hold.

    The folder's own time does not change with a file inside it. Read once a process.

    Parameters
    ----------
    root : str
        The folder; links are followed. Hidden files, those of operating systems and what cannot be
        read do not count.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    lines = []
    for name, entry in walk(root):
        try:
            if entry.is_file():
                facts = entry.stat()
                lines.append(f"{name}\0{facts.st_size}\0{facts.st_mtime_ns}")
        except OSError:
            # Gone meanwhile, or a link that leads round: the reader says so if it is data.
            continue
    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()


def code_digest(*modules: str) -> str:
    """Hash what the named modules of this library do, with all they import from it.

    Comments, docstrings and layout do not count: a rule that takes this digest as a parameter
    runs again when the code it rests on changes, and only then.

    Parameters
    ----------
    *modules : str
        Dotted names below ``gliomake``, for example ``"training"`` or ``"models.unet"``; a
        package stands for all of its modules.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    FileNotFoundError
        A name is no module of the library.
    """
    found: dict[Path, str] = {}
    waiting = [path for name in modules for path in _module_files(name)]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found[path], imported = _read_module(path)
            waiting.extend(imported)
    parts = [f"{path.relative_to(LIBRARY)}:{found[path]}" for path in sorted(found)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@cache
def _module_files(name: str) -> tuple[Path, ...]:
    base = LIBRARY.joinpath(*name.split("."))
    if base.is_dir():
        return tuple(sorted(base.rglob("*.py")))
    if base.with_suffix(".py").is_file():
        return (base.with_suffix(".py"),)
    raise FileNotFoundError(f"no module gliomake.{name}: looked for {base}.py and {base}/")


@cache
def _read_module(path: Path) -> tuple[str, tuple[Path, ...]]:
    """Hash what the file at `path` does, and list the library's files that it imports."""
    words: list[str] = []
    names: set[str] = set()
    _spell(ast.parse(path.read_text(), filename=str(path)), words, names)
    ours = [name.removeprefix("gliomake.") for name in names if name.startswith("gliomake.")]
    files = {file for name in ours for file in _longest_module(name)}
    return hashlib.sha256("\0".join(words).encode()).hexdigest(), tuple(sorted(files))


def _spell(node: ast.AST, words: list[str], imported: set[str]) -> None:
    """Spell a syntax tree without its docstrings; take the names it imports from it on the way.

    `ast.dump` and `ast.unparse` write one tree differently in different versions of Python, and a
    newer Python would have all trained anew. Fields without content are left out here: those that
    a version adds are empty in code for the versions before it, and so is the text that 3.12 puts
    behind the last brace of an f-string's format.
    """
    if isinstance(node, ast.Import):
        imported.update(alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.level == 0:
        imported.update(f"{node.module}.{alias.name}" for alias in node.names)
    words.append(f"({type(node).__name__}")
    for name in node._fields:
        value = getattr(node, name, None)
        if isinstance(value, ast.AST):
            words.append(name)
            _spell(value, words, imported)
        elif isinstance(value, list):
            parts = value[1:] if name == "body" and _has_docstring(node) else value
            if parts:
                words.append(f"{name}[")
                for part in parts:
                    if not isinstance(part, ast.AST):
                        words.append(repr(part))
                    elif not (isinstance(node, ast.JoinedStr) and getattr(part, "value", 1) == ""):
                        _spell(part, words, imported)
                words.append("]")
        elif value is not None:
            words.append(f"{name}={value!r}")
    words.append(")")


def _has_docstring(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and bool(node.body)
        and isinstance(node.body[0], ast.Expr)
        and isinstance(node.body[0].value, ast.Constant)
        and isinstance(node.body[0].value.value, str)
    )


def _longest_module(name: str) -> tuple[Path, ...]:
    """Files of the module that `name` starts with (`name` may end in a function's name)."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        base = LIBRARY.joinpath(*parts[:length])
        if base.with_suffix(".py").is_file():
            return (base.with_suffix(".py"),)
        if (base / "__init__.py").is_file():
            # What a package's members do may depend on its registry and on its other modules.
            return tuple(sorted(base.rglob("*.py")))
    return ()
