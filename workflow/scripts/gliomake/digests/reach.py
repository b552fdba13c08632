"""One walk from a script along all the definitions that it uses."""

import hashlib
from collections.abc import Container, Iterable, Iterator, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple

from gliomake.digests.kept import KeptDigests
from gliomake.digests.source import Definition, Module, read_module
from gliomake.digests.spelling import OBSERVERS, Reference, Spelling

Entries = Mapping[str, str | Iterable[str]]


class Key(NamedTuple):
    """A definition: its module, dotted and below ``gliomake``, and its name there.

    The name ``*`` stands for all that the module holds.
    """

    module: str
    name: str


class Library:
    """The library's code as it stands in a folder; each file is read once.

    Parameters
    ----------
    folder : Path
        The package; the scripts lie beside it.
    kept : KeptDigests, optional
        What was computed before from the same files.
    """

    def __init__(self, folder: Path, kept: KeptDigests | None = None) -> None:
        self.folder = folder
        self.kept = kept
        self._modules: dict[str, Module | None] = {}
        self._digests: dict[tuple, str] = {}

    def digest(self, script: str, entries: Entries | None = None) -> str:
        """Hash the code behind a script, see `code_digest`."""
        path = self.folder.parent / f"{script}.py"
        if not path.is_file():
            raise FileNotFoundError(f"no script {script}: looked for {path}")
        cuts = {
            name: (chosen,) if isinstance(chosen, str) else tuple(sorted(chosen))
            for name, chosen in (entries or {}).items()
        }
        wanted = (script, *sorted(cuts.items()))
        if wanted not in self._digests:
            known = self.kept.get(wanted) if self.kept else None
            self._digests[wanted] = known or self._walk(path, wanted, cuts)
        return self._digests[wanted]

    def _walk(self, path: Path, wanted: tuple, cuts: dict[str, tuple[str, ...]]) -> str:
        start = read_module(path, f"<{path.stem}>", False)
        digest = _Walk(self, cuts).digest(start)
        if self.kept:
            self.kept.add(wanted, digest)
        return digest

    def module(self, name: str) -> Module | None:
        """Give a module by its dotted name below the package; None where there is none."""
        if name not in self._modules:
            base = self.folder.joinpath(*name.split(".")) if name else self.folder
            plain, package = base.with_suffix(".py"), base / "__init__.py"
            found = None
            if package.is_file():
                found = read_module(package, name, True)
            elif name and plain.is_file():
                found = read_module(plain, name, False)
            self._modules[name] = found
        return self._modules[name]

    @cached_property
    def names(self) -> list[str]:
        """All modules, by their dotted names; the package itself is the empty name."""
        files = sorted(path.relative_to(self.folder) for path in self.folder.rglob("*.py"))
        parts = (path.parent.parts if path.stem == "__init__" else path.parts for path in files)
        return [".".join(part).removesuffix(".py") for part in parts]

    def resolve(self, module: Module, reference: Reference) -> Iterator[Key | str]:
        """Find what a name stands for: definitions, or the spelling of what is imported.

        Parameters
        ----------
        module : Module
            Where the name is used.
        reference : Reference
            The name, with the attributes taken of it, and imports beside it.

        Yields
        ------
        Key or str
            Nothing for builtins and local variables.
        """
        if reference.dotted:  # named by a string
            name, _, member = reference.chain.partition(":")
            while name and self.module(name) is None:
                name, member = name.rpartition(".")[0], ""
            if name:
                yield from self._member(name, [member or "*"])
            return
        root, *rest = reference.chain.split(".")
        found = reference.imports.get(root)
        if found is not None:
            yield from self._imported(found, rest)
        elif root in module.bindings:
            yield from self._member(module.name, [root, *rest], module)
        else:
            for other in module.stars:
                if not other.startswith("gliomake"):
                    continue
                star = self.module(_below(other))
                if star and root in star.bindings:
                    yield from self._member(star.name, [root, *rest])

    def _imported(self, target: tuple[str, str | None], rest: list[str]) -> Iterator[Key | str]:
        """Follow an import of a module (no name) or of a name of it."""
        name, member = target
        if name != "gliomake" and not name.startswith("gliomake."):
            yield f"{name}:{member or ''}"
        else:
            yield from self._member(_below(name), [member, *rest] if member else rest)

    def _member(
        self, name: str, chain: list[str], module: Module | None = None
    ) -> Iterator[Key | str]:
        """Follow ``name.chain[0].chain[1]...`` down submodules and imports to a definition."""
        module = module or self.module(name)
        if module is None or not chain or chain[0] == "*":
            yield Key(name, "*")
            return
        first, *rest = chain
        deeper = f"{name}.{first}" if name else first
        if first in module.imports:
            yield from self._imported(module.imports[first], rest)
        if first in module.definitions:
            yield Key(name, first)
        elif first not in module.imports:
            # A submodule; or a name from elsewhere, such as a module's own `__getattr__`.
            found = self.module(deeper) is not None
            yield from self._member(deeper, rest) if found else [Key(name, "*")]

    @cache  # noqa: B019 (a library lives as long as the process)
    def step(self, definition: Definition, module: Module, name: str) -> "Step":
        """Say what one definition adds to a digest, and what it leads to."""
        return self._step(module, name, definition.spelling)

    def cut_step(
        self,
        definition: Definition,
        module: Module,
        name: str,
        chosen: tuple[str, ...],
        unused: set[Key],
    ) -> "Step":
        """Say the same of a registry, of which some entries are chosen."""
        return self._step(module, name, definition.cut(chosen), unused)

    def step_without(
        self, definition: Definition, module: Module, name: str, unused: set[Key]
    ) -> "Step":
        """Say the same of a definition that names some that are not used."""
        return self._step(module, name, definition.spelling, unused)

    def _step(
        self, module: Module, name: str, spelled: Spelling, unused: Container[Key] = ()
    ) -> "Step":
        words, leads = [name, spelled.sha256], list[Key]()
        says_modules = any(reference.dotted for reference in spelled.references)
        for reference in spelled.references:
            for key in self.resolve(module, reference):
                words.append(f"{reference.chain}={self._identity(key, unused)}")
                if isinstance(key, Key) and key not in unused and not _observes(*key):
                    leads.append(key)
                    says_modules |= any(
                        found.dotted
                        for each in self.definitions(key)
                        for found in each.spelling.references
                    )
        if spelled.whole_module:
            leads.append(Key(module.name, "*"))
        prefixes = set(spelled.prefixes)
        if spelled.whole_library or (spelled.computed_import and not says_modules):
            prefixes.add("gliomake")
        for prefix in prefixes:
            leads += [Key(n, "*") for n in self.names if f"gliomake.{n}".startswith(prefix)]
        return Step(" ".join(words), tuple(leads), tuple(self.with_parents(spelled.loads)))

    def _identity(self, key: Key | str, unused: Container[Key]) -> str:
        """Say what a name stands for, but not where: a definition may move.

        Two functions of one name differ by their hash. Of a dict the name will do: it may be a
        registry, and of that not all entries count.
        """
        if isinstance(key, str):
            return key
        made = [] if key in unused or _observes(*key) else self.definitions(key)
        return "+".join([key.name, *(e.spelling.sha256 for e in made if not e.is_dict)])

    def definitions(self, key: Key) -> list[Definition]:
        """Give what a key stands for; nothing where it is no name of a module."""
        module = self.module(key.module)
        if module is None:
            return []
        return module.all if key.name == "*" else module.definitions[key.name]

    def with_parents(self, loads: Iterable[str]) -> list[Module]:
        """Give modules together with the packages that are imported before them."""
        names = {_below(name) for name in loads if name.startswith("gliomake.")}
        parts = [name.split(".") for name in names]
        every = {".".join(part[:length]) for part in parts for length in range(len(part) + 1)}
        found = (self.module(name) for name in sorted(every))
        return [module for module in found if module and not _observes(module.name)]

    @cache  # noqa: B019
    def imports(self, module: Module) -> tuple[tuple[Definition, ...], tuple[Key, ...], list]:
        """Say what runs when a module is imported, and which modules that one imports."""
        leads = [Key(module.name, name) for name in module.definitions if self._acts(module, name)]
        leads += [Key(_below(star), "*") for star in module.stars if star.startswith("gliomake")]
        return tuple(module.at_import), tuple(leads), self.with_parents(module.loads)

    def _acts(self, module: Module, name: str) -> bool:
        """Whether making a definition changes something else of the library.

        A decorator of the library may enter it into a registry, and so may its metaclass or the
        ``__init_subclass__`` of a base.
        """
        made = module.definitions[name]
        makers = (key for each in made for ref in each.makers for key in self.resolve(module, ref))
        bases = (key for each in made for ref in each.bases for key in self.resolve(module, ref))
        return any(isinstance(key, Key) for key in makers) or any(map(self._hooked, bases))

    def _hooked(self, key: Key | str) -> bool:
        module = None if isinstance(key, str) else self.module(key.module)
        if module is None or isinstance(key, str) or key.name not in module.definitions:
            return False
        made = module.definitions[key.name]
        return any(each.hooks for each in made) or self._acts(module, key.name)


class Step(NamedTuple):
    """What a definition adds to a digest.

    Attributes
    ----------
    part : str
        What it spells, and what the names in it stand for.
    leads : tuple of Key
        What it uses.
    loads : tuple of Module
        What it imports when it runs.
    """

    part: str
    leads: tuple[Key, ...]
    loads: tuple[Module, ...]


class _Walk:
    """One walk from a script along all that it uses."""

    def __init__(self, library: Library, cuts: Mapping[str, tuple[str, ...]]) -> None:
        self.library, self.cuts = library, cuts
        unused = (name.rpartition(".") for name, chosen in cuts.items() if not chosen)
        self.unused = {Key(module, name) for module, _, name in unused}
        self.parts: set[str] = set()
        self.seen: set[Key] = set()
        self.waiting: list[Key] = []
        self.imported: set[Module] = set()

    def digest(self, script: Module) -> str:
        """Walk, and hash what was found, in an order of its own."""
        self._import(script)
        for definition in script.all:
            self._take(script, "", definition)
        while self.waiting:
            key = self.waiting.pop()
            module = self.library.module(key.module)
            if key in self.seen or module is None:
                continue
            self.seen.add(key)
            self._import(module)
            for definition in self.library.definitions(key):
                self._take(module, key.name, definition)
        return hashlib.sha256("\n".join(sorted(self.parts)).encode()).hexdigest()

    def _import(self, module: Module) -> None:
        """Count what runs when a module is imported, and when those that it imports are."""
        waiting = [module]
        while waiting:
            module = waiting.pop()
            if module not in self.imported:
                self.imported.add(module)
                definitions, leads, loads = self.library.imports(module)
                for definition in definitions:
                    self._take(module, "", definition)
                self.waiting += leads
                waiting += loads

    def _take(self, module: Module, name: str, definition: Definition) -> None:
        """Count one definition, and line up what it uses."""
        chosen = self.cuts.get(f"{module.name}.{name}")
        if chosen is None:
            step = self.library.step(definition, module, name)
            if not self.unused.isdisjoint(step.leads):
                step = self.library.step_without(definition, module, name, self.unused)
        else:
            step = self.library.cut_step(definition, module, name, chosen, self.unused)
        self.parts.add(step.part)
        self.waiting += step.leads
        for loaded in step.loads:
            self._import(loaded)


def _below(name: str) -> str:
    """Shorten a module's full name to that below the package."""
    return name.removeprefix("gliomake").removeprefix(".")


@cache
def _observes(module: str, name: str = "") -> bool:
    parts = module.split(".")
    packages = {".".join(parts[: length + 1]) for length in range(len(parts))}
    return not OBSERVERS.keys().isdisjoint({*packages, f"{module}.{name}"})
