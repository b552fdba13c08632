"""Where a number comes from: hashes of files, of configuration and of code."""

import ast
import hashlib
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

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
    found: set[Path] = set()
    waiting = [path for name in modules for path in _module_files(name)]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting.extend(_imports(path))
    parts = [f"{path.relative_to(LIBRARY)}:{_meaning(path)}" for path in sorted(found)]
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
def _syntax(path: Path) -> ast.Module:
    return ast.parse(_syntax_source(path), filename=str(path))


@cache
def _imports(path: Path) -> tuple[Path, ...]:
    """List the library's files that the file at `path` imports, at any depth of its code."""
    files: set[Path] = set()
    for node in ast.walk(_syntax(path)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            if name.startswith("gliomake."):
                files.update(_longest_module(name.removeprefix("gliomake.")))
    return tuple(sorted(files))


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


@cache
def _meaning(path: Path) -> str:
    """Hash the file's syntax tree without its docstrings."""
    tree = ast.parse(_syntax_source(path))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
            and isinstance(body[0].value.value, str)
        ):
            node.body = body[1:]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


@cache
def _syntax_source(path: Path) -> str:
    return path.read_text()
