"""What a definition does, spelled, and which names it uses.

Spelled is the syntax tree without what no result can change by, see `gliomake.digests`. `ast.dump`
and `ast.unparse` write one tree differently in different versions of Python, and a newer Python
would have all trained anew: so trees are spelled here, and fields without content are left out.
Those that a version adds are empty in code for the versions before it, and so is the text that 3.12
puts behind the last brace of an f-string's format.
"""

import ast
import builtins
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

OBSERVERS = {
    "training.data._where": "words where the slices lie",
    "files.contracts.FACTS": "refuses a damaged file",
    "files.contracts.RECORDS": "refuses a damaged file",
    "files.contracts.check_column": "refuses a damaged file",
    "files.contracts.check_table": "refuses a damaged file",
    "digests": "decides what runs again",
    "start.lock": "keeps two starts apart",
    "training.progress": "shows how far a training is",
    "files.provenance": "names what a result came from",
    "training.hardware._cpu_name": "names the processor",
    "training.hardware._warn_of_idle_gpu": "warns",
    "models.weights._download": "fetches a file whose checksum is compared afterwards",
}
"""Modules, and definitions, that no result depends on, and what they do instead."""

Imports = Mapping[str, tuple[str, str | None]]
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
SCOPE = (*FUNCTION, ast.ClassDef)
_STREAMS = ("sys.stderr", "sys.stdout", "sys.__stderr__", "sys.__stdout__")
_LOGGERS = ("logger", "logging")
_SEES_MODULE = frozenset({"globals", "locals"})
_SEES_ALL = frozenset({"__import__", "eval", "exec"})
_SEES_ALL_BY = ("sys.modules", "builtins.", "pkgutil", "runpy", "importlib.util")
_ACTS = re.compile(
    "add|append|backward|clear|discard|eval|exec|extend|next|pop|popitem|popleft|read|readline|"
    "remove|send|setattr|setdefault|step|train|update|write"
)
_ERRORS = ("Error", "Exception", "Exit", "Warning", "Interrupted")
EXCEPTIONS = frozenset(name for name in dir(builtins) if name.endswith(_ERRORS))
_BODIES = frozenset({"body", "orelse", "finalbody"})
_MEETS = frozenset({*FUNCTION, ast.With, ast.Assign})
_DOTTED = re.compile(r"gliomake((?:\.[A-Za-z_]\w*)+)")


@dataclass(frozen=True)
class Reference:
    """A name that a definition uses.

    Attributes
    ----------
    chain : str
        The name, and the attributes taken of it: ``losses.create_loss``. Where a string names it,
        the module below ``gliomake``, or ``<module>:<name>``.
    imports : mapping
        Imports within the definition: what a name stands for, see `Module`.
    dotted : bool
        Whether a string names it.
    """

    chain: str
    imports: Imports = field(default_factory=dict)
    dotted: bool = False


@dataclass(frozen=True)
class Spelling:
    """What a definition does, and what it uses.

    Attributes
    ----------
    sha256 : str
        Hash of its spelled syntax tree.
    references : tuple of Reference
        Names that it uses.
    loads : tuple of str
        Modules that it imports when it runs.
    prefixes : tuple of str
        Starts of modules' names that are completed when it runs.
    whole_module, whole_library : bool
        Whether it looks names up where no reader of the source can follow.
    computed_import : bool
        Whether it imports a module whose name stands elsewhere.
    """

    sha256: str
    references: tuple[Reference, ...]
    loads: tuple[str, ...]
    prefixes: tuple[str, ...]
    whole_module: bool
    whole_library: bool
    computed_import: bool


class Speller:
    """Spells one definition.

    Parameters
    ----------
    package : str
        Full name of the package that relative imports start from.
    observed, errors : frozenset of str
        Names that observers have in the module, and those of exceptions.
    """

    def __init__(
        self,
        package: str,
        observed: frozenset[str] = frozenset(),
        errors: frozenset[str] = EXCEPTIONS,
    ) -> None:
        self.package, self.observed, self.errors = package, set(observed), errors
        self.words: list[str] = []
        self.chains: set[str] = set()
        self.dotted: set[str] = set()
        self.imports: dict[str, tuple[str, str | None]] = {}
        self.prefixes: set[str] = set()
        self.whole_module = self.whole_library = self.computed_import = False
        self.loaders = 0  # `import_module` named more often than called: called by another name

    def spell(self, node: ast.AST) -> Spelling:
        """Spell a statement."""
        self._node(node)
        used = [Reference(chain, self.imports) for chain in sorted(self.chains)]
        used += [Reference(name, dotted=True) for name in sorted(self.dotted)]
        return Spelling(
            hashlib.sha256("\0".join(self.words).encode()).hexdigest(),
            tuple(used),
            tuple(name for target in self.imports.values() for name in loaded(target)),
            tuple(sorted(self.prefixes)),
            self.whole_module,
            self.whole_library,
            self.computed_import or self.loaders > 0,
        )

    def _node(self, node: Any, wordless: bool = False) -> None:
        """Spell a node; `wordless` leaves out text, which is that of an error."""
        kind = type(node)
        if (kind is ast.Name or kind is ast.Attribute) and self._name(node):
            return
        if kind is ast.Constant:
            self._constant(node, wordless)
        elif kind is ast.Import or kind is ast.ImportFrom:
            self._import(node)
        elif kind is ast.Tuple and self._is_named_by_strings(node):
            return
        elif not (wordless and kind is ast.JoinedStr):
            if kind is ast.Call:
                self._call(node)
                wordless = wordless or chain_of(node.func) in self.errors
            elif kind is ast.Raise:
                wordless = _is_error(node.exc)
            around = self.observed
            if kind in _MEETS:
                self.observed = set(around)
                self._meet_observers(node)
            self.words.append(f"({kind.__name__}")
            for name in _fields(kind):  # type: ignore[arg-type]
                silent = wordless or (kind is ast.Assert and name == "msg")
                self._field(node, name, getattr(node, name, None), silent)
            self.words.append(")")
            if kind in FUNCTION:
                self.observed = around

    def _field(self, node: ast.AST, name: str, value: Any, wordless: bool) -> None:
        if value is None or value == []:
            return
        if type(value) is list:
            self.words.append(name)
            if name in _BODIES:
                value = self._body(node, value)
            for part in value:
                if not isinstance(part, ast.AST):
                    self.words.append(repr(part))
                elif type(node) is not ast.JoinedStr or getattr(part, "value", 1) != "":
                    self._node(part, wordless)
            self.words.append("]")
        elif not isinstance(value, ast.AST):
            self.words.append(f"{name}={value!r}")
        elif name == "annotation":
            if getattr(node, "counts", False):
                # What it says may count, but what the names in it stand for does not.
                self.words += Speller(self.package).words_of(value)
        elif type(node) is ast.withitem and self._makes_observer(value):
            self.words.append("observer")
        else:
            self.words.append(name)
            self._node(value, wordless)

    def _body(self, node: ast.AST, body: list[ast.stmt]) -> list[ast.stmt]:
        """Leave out of a body what changes no result; let annotations of a class's fields count."""
        if type(node) is ast.ClassDef:
            for part in body:
                if type(part) is ast.AnnAssign:
                    part.counts = True  # type: ignore[attr-defined]
        if has_docstring(node) and body is node.body:  # type: ignore[attr-defined]
            body = body[1:]
        return [part for part in body if type(part) is not ast.Expr or not self._only_shows(part)]

    def words_of(self, node: ast.AST) -> list[str]:
        """Spell a node, and give its words."""
        self._node(node)
        return self.words

    def _meet_observers(self, node: ast.AST) -> None:
        """Take note of variables that are observers, and of arguments whose annotations count."""
        if isinstance(node, FUNCTION):
            for each in ast.walk(node.args):
                if isinstance(each, ast.arg):
                    each.counts = bool(node.decorator_list)  # type: ignore[attr-defined]
                    if chain_of(each.annotation).partition(".")[0] in self.observed:
                        self.observed.add(each.arg)
        elif isinstance(node, ast.With):
            for item in node.items:
                if self._makes_observer(item.context_expr) and isinstance(
                    item.optional_vars, ast.Name
                ):
                    self.observed.add(item.optional_vars.id)
        elif isinstance(node, ast.Assign) and self._makes_observer(node.value):
            self.observed |= {name.id for name in node.targets if isinstance(name, ast.Name)}

    def _observes(self, node: ast.AST) -> bool:
        return isinstance(node, ast.Call) and chain_of(node.func).split(".")[0] in self.observed

    def _makes_observer(self, node: ast.AST) -> bool:
        """Whether an observer's class is called: what its functions return may be a result."""
        return self._observes(node) and chain_of(node.func).rpartition(".")[2][0].isupper()  # type: ignore[attr-defined]

    def _only_shows(self, statement: ast.Expr) -> bool:
        """Whether a statement prints, logs, or calls an observer, and does nothing else."""
        node = statement.value
        if not isinstance(node, ast.Call):
            return False
        if any(_acts(each) for part in (*node.args, *node.keywords) for each in ast.walk(part)):
            return False
        chain = chain_of(node.func)
        if chain == "print":
            streams = [keyword.value for keyword in node.keywords if keyword.arg == "file"]
            return all(chain_of(stream) in _STREAMS for stream in streams)
        if (chain.split(".")[0] in _LOGGERS and "." in chain) or chain == "warnings.warn":
            return True
        return self._observes(node)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for name, target in imported(node, self.package):
            self.imports[name] = target
            if target[0].partition(".")[0] != "gliomake":
                self.words.append(f"(import {name} {target})")

    def _name(self, node: ast.AST) -> bool:
        """Spell a name with the attributes taken of it, if the node is one."""
        chain = chain_of(node)
        if chain:
            self.words.append(f"<{chain}>")
            root = node
            while isinstance(root, ast.Attribute):
                root = root.value
            if isinstance(root.ctx, ast.Load):  # type: ignore[attr-defined]
                self.chains.add(chain)
                self.whole_module |= chain in _SEES_MODULE
                self.loaders += chain.rpartition(".")[2] == "import_module"
                self.whole_library |= chain in _SEES_ALL or chain.startswith(_SEES_ALL_BY)
        return bool(chain)

    def _constant(self, node: ast.Constant, wordless: bool) -> None:
        if isinstance(node.value, str):
            if found := _DOTTED.fullmatch(node.value):
                self.dotted.add(found[1][1:])
            if wordless:
                return
        self.words.append(repr(node.value))

    def _is_named_by_strings(self, node: ast.Tuple) -> bool:
        """Spell a module and a name of it, both as text, if the node is such a pair."""
        if len(node.elts) != 2:
            return False
        module, name = (
            part.value if isinstance(part, ast.Constant) else None for part in node.elts
        )
        if not (isinstance(module, str) and isinstance(name, str)):
            return False
        found = _DOTTED.fullmatch(module)
        if found:
            self.dotted.add(f"{found[1][1:]}:{name}")
            self.words.append(f"({module} {name})")
        return bool(found)

    def _call(self, node: ast.Call) -> None:
        chain = chain_of(node.func)
        self.whole_module |= chain == "vars" and not node.args
        if chain.rpartition(".")[2] != "import_module" or not node.args:
            return
        self.loaders -= 1
        match node.args[0]:
            case ast.Constant():
                pass  # see `_constant`
            case ast.JoinedStr(values=[ast.Constant(value=str() as start), *_]) if start.startswith(
                "gliomake."
            ):
                self.prefixes.add(start)
            case _:
                self.computed_import = True


@cache
def _fields(kind: type[ast.AST]) -> tuple[str, ...]:
    """List the fields that count: not those that say again what their place says."""
    left_out = {"ctx", "kind", "type_comment", "type_params"}
    if issubclass(kind, FUNCTION):
        left_out.add("returns")
    return tuple(name for name in kind._fields if name not in left_out)


def chain_of(node: ast.AST | None) -> str:
    """Write a name with the attributes taken of it, ``a.b.c``; empty for anything else.

    >>> chain_of(ast.parse("losses.create_loss", mode="eval").body)
    'losses.create_loss'
    """
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (start := chain_of(node.value)):
        return f"{start}.{node.attr}"
    return ""


def _is_error(node: ast.expr | None) -> bool:
    """Whether what is raised looks like an error, not like a message to a caller.

    That is a class of such a name, or a function that makes one.
    """
    name = chain_of(getattr(node, "func", node)).rpartition(".")[2]
    return name.endswith(_ERRORS) or name == name.lower()


def _acts(node: ast.AST) -> bool:
    """Whether an expression certainly does more than give a value."""
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else chain_of(node.func)
        return bool(_ACTS.fullmatch(name))
    return isinstance(node, ast.NamedExpr | ast.Await | ast.Yield | ast.YieldFrom)


def has_docstring(node: ast.AST) -> bool:
    """Whether the first statement of a module, class or function is its docstring."""
    return (
        isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and bool(node.body)
        and isinstance(node.body[0], ast.Expr)
        and isinstance(node.body[0].value, ast.Constant)
        and isinstance(node.body[0].value.value, str)
    )


def imported(
    node: ast.Import | ast.ImportFrom, package: str
) -> Iterator[tuple[str, tuple[str, str | None]]]:
    """List the names that an import binds, and what each stands for."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            root = alias.name.partition(".")[0]
            yield alias.asname or root, (alias.name if alias.asname else root, None)
            if not alias.asname and alias.name != root:
                yield f" {alias.name}", (alias.name, None)  # bound to no name, but imported
        return
    above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
    module = ".".join([*above, *([node.module] if node.module else [])])
    for alias in node.names:
        yield alias.asname or alias.name, (module, alias.name)


def loaded(target: tuple[str, str | None]) -> list[str]:
    """List the modules that an import may load: the module, and a submodule of that name."""
    module, member = target
    return [module, f"{module}.{member}"] if member else [module]
