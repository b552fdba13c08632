"""Source files as definitions: what each top-level name of a module is bound to."""

import ast
import gc
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from gliomake.digests.spelling import (
    EXCEPTIONS,
    OBSERVERS,
    SCOPE,
    Reference,
    Speller,
    Spelling,
    chain_of,
    has_docstring,
    imported,
    loaded,
)

# What a function of such a name does lasts, whatever becomes of its result.
_SETS = re.compile(r"set_|use_|enable|disable|register|seed|manual_seed")
# Arguments of a registry's entries that only tables, figures and pages need, or a study's check.
SHOWN = frozenset({"title", "unit", "better", "decimals", "help", "schema", "required"})
_COMPOUND = (ast.If, ast.Try, ast.For, ast.While, ast.With, ast.Match)


class Definition:
    """A top-level statement of a module.

    Its syntax tree is let go at once, unless it is a registry: live trees slow Python down.

    Parameters
    ----------
    node : ast.stmt
        The statement.
    package : str
        Full name of the package that relative imports start from.
    observed, errors : frozenset of str
        Names that observers have in the module, and those of exceptions.

    Attributes
    ----------
    spelling : Spelling
        What it does and uses.
    is_dict : bool
        Whether a dict is bound that is written out, as registries are.
    makers, bases : list of Reference
        Decorators and metaclass that make it; bases of a class.
    hooks : bool
        Whether something happens when a class is derived from this one.
    """

    def __init__(
        self, node: ast.stmt, package: str, observed: frozenset[str], errors: frozenset[str]
    ) -> None:
        self._speller = package, observed, errors
        self.spelling = Speller(package, observed, errors).spell(node)
        self.is_dict = isinstance(getattr(node, "value", None), ast.Dict)
        entry = isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript)
        self._registry = node if self.is_dict or entry else None
        self.makers: list[Reference] = []
        self.bases: list[Reference] = []
        self.hooks = False
        if isinstance(node, SCOPE):
            self.makers = _references(getattr(each, "func", each) for each in node.decorator_list)
        if isinstance(node, ast.ClassDef):
            self.makers += _references(keyword.value for keyword in node.keywords)
            self.bases = _references(node.bases)
            self.hooks = any(getattr(each, "name", "") == "__init_subclass__" for each in node.body)

    def cut(self, chosen: tuple[str, ...]) -> Spelling:
        """Spell the chosen entries alone, where the definition is a registry."""
        if self._registry is None:
            return self.spelling
        return Speller(*self._speller).spell(chosen_entries(self._registry, chosen))


def _references(nodes: Iterable[ast.expr]) -> list[Reference]:
    return [Reference(chain) for node in nodes if (chain := chain_of(node))]


class Module:
    """A source file.

    Attributes
    ----------
    name : str
        Dotted, below ``gliomake``.
    imports : dict
        What an imported name stands for: a module and a name of it, or None for the module itself.
    definitions : dict of str to list of Definition
        What binds or changes a name.
    at_import : list of Definition
        Statements that run when the module is imported and belong to no name.
    all : list of Definition
        Every statement but imports.
    stars : list of str
        Modules of which all names are imported.
    loads : list of str
        Modules that are imported with this one.
    """

    def __init__(self, tree: ast.Module, name: str, package: bool) -> None:
        self.name = name
        full = f"gliomake.{name}".rstrip(".")
        self.package = full if package else full.rpartition(".")[0]
        self.imports: dict[str, tuple[str, str | None]] = {}
        self.definitions: dict[str, list[Definition]] = {}
        self.at_import: list[Definition] = []
        self.all: list[Definition] = []
        self.stars: list[str] = []
        self.loads: list[str] = []
        body = tree.body[1:] if has_docstring(tree) else tree.body
        for node in body:
            for each in ast.walk(node) if isinstance(node, _COMPOUND) else [node]:
                if isinstance(each, ast.Import | ast.ImportFrom):
                    self._take_import(each)
        observed, errors = frozenset(self._observed()), {*EXCEPTIONS}
        for node in body:
            if isinstance(node, ast.ClassDef) and {*map(chain_of, node.bases)} & errors:
                errors.add(node.name)
        for node in body:
            if not isinstance(node, ast.Import | ast.ImportFrom):
                self._take(node, Definition(node, self.package, observed, frozenset(errors)))

    @property
    def bindings(self) -> set[str]:
        """All names of the module."""
        return {*self.imports, *self.definitions}

    def _take_import(self, node: ast.Import | ast.ImportFrom) -> None:
        for name, target in imported(node, self.package):
            if name == "*":
                self.stars.append(target[0])
            else:
                self.imports[name] = target
            self.loads += loaded(target)

    def _observed(self) -> Iterator[str]:
        for name, (module, member) in self.imports.items():
            below = module.removeprefix("gliomake.")
            if {below, f"{below}.{member}", *([member] if module == "gliomake" else [])} & {
                *OBSERVERS
            }:
                yield name

    def _take(self, node: ast.stmt, definition: Definition) -> None:
        self.all.append(definition)
        names = list(bound(node))
        for name in names:
            self.definitions.setdefault(name, []).append(definition)
        # What is changed in another module is that one's, whoever reaches it.
        foreign = not self.imports.keys().isdisjoint(names)
        lasts = "_" in names or _SETS.match(called_by(node))
        if not names or foreign or lasts or isinstance(node, _COMPOUND):
            self.at_import.append(definition)


def _unshown(node: ast.expr) -> ast.expr:
    """Leave out of an entry how tables, figures and pages show it: they take registries whole."""
    if not isinstance(node, ast.Call):
        return node
    keywords = [keyword for keyword in node.keywords if keyword.arg not in SHOWN]
    return ast.Call(node.func, node.args, keywords)


def read_module(path: Path, name: str, package: bool) -> Module:
    """Read a source file.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        The module's dotted name below ``gliomake``.
    package : bool
        Whether it is a package's ``__init__``.

    Returns
    -------
    Module
        Kept by what the file holds, so that a changed file is read anew.
    """
    return _parsed(path.read_text(encoding="utf-8"), name, package)


@cache
def _parsed(text: str, name: str, package: bool) -> Module:
    # Trees are large and hold no cycles: looking for some costs half of the time.
    collects = gc.isenabled()
    gc.disable()
    try:
        return Module(ast.parse(text, filename=name), name, package)
    finally:
        if collects:
            gc.enable()


def bound(node: ast.stmt) -> Iterator[str]:
    """List the top-level names that a statement binds, or changes by a subscript or attribute."""
    if isinstance(node, SCOPE):
        yield node.name
    elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            yield from _targets(target)
    elif isinstance(node, _COMPOUND):
        for each in ast.walk(node):
            if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
                yield each.id
            elif isinstance(each, SCOPE):
                yield each.name
            elif isinstance(each, ast.Import | ast.ImportFrom):
                yield from (name for name, _ in imported(each, ""))
    elif type(node).__name__ == "TypeAlias":  # from Python 3.12 on
        yield node.name.id  # type: ignore[attr-defined]


def _targets(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Tuple | ast.List):
        for part in node.elts:
            yield from _targets(part)
    elif isinstance(node, ast.Starred | ast.Subscript | ast.Attribute):
        yield from _targets(node.value)
    elif isinstance(node, ast.Name):
        yield node.id


def called_by(node: ast.stmt) -> str:
    """Name the function or method of which a statement binds the result; else empty."""
    called = getattr(getattr(node, "value", None), "func", None)
    return chain_of(called).rpartition(".")[2]


def chosen_entries(node: ast.stmt, chosen: tuple[str, ...]) -> ast.stmt:
    """Cut a registry down to some of its entries.

    Parameters
    ----------
    node : ast.stmt
        A dict's definition, or an assignment of one entry.
    chosen : tuple of str
        The keys.

    Returns
    -------
    ast.stmt
        Without the entries of other keys; as it is where a key is not among them or the dict is
        not written out.
    """
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
        key = node.targets[0].slice
        other = isinstance(key, ast.Constant) and key.value not in chosen
        return ast.Pass() if other else node
    value = getattr(node, "value", None)
    if not isinstance(value, ast.Dict):
        return node
    known = {key.value for key in value.keys if isinstance(key, ast.Constant)}
    if not known.issuperset(chosen) and not isinstance(node, ast.AugAssign):
        return node
    kept = [
        (key, _unshown(part))
        for key, part in zip(value.keys, value.values, strict=True)
        if not isinstance(key, ast.Constant) or key.value in chosen
    ]
    cut = ast.Dict([key for key, _ in kept], [part for _, part in kept])
    if isinstance(node, ast.AnnAssign):
        return ast.AnnAssign(node.target, node.annotation, cut, node.simple)
    if isinstance(node, ast.AugAssign):
        return ast.AugAssign(node.target, node.op, cut)
    return ast.Assign(node.targets, cut) if isinstance(node, ast.Assign) else node
