"""Digests of code: which definitions count, in a library of a few lines."""

import ast
import re
from pathlib import Path

import pytest

from checkout import ROOT, installed
from gliomake.digests import LIBRARY, OBSERVERS, Library, code_digest, jobs, source

SCRIPT = "from gliomake.work import main\n\nmain(snakemake)\n"
WORK = "def main(job):\n    return 1\n"
TWO = "def used():\n    return 1\n\n\ndef other():\n    return 2\n"
REGISTRY = """\
from gliomake.two import used, other
TABLE = {"a": used, "b": other}
def main(job):
    if job not in TABLE:
        raise ValueError(f"there are {', '.join(TABLE)}")
    return TABLE[job]()
"""
LAZY = """\
from importlib import import_module
TABLE = {"a": ("gliomake.two", "used"), "b": ("gliomake.three", "third")}
def main(job):
    module, name = TABLE[job]
    return getattr(import_module(module), name)()
"""


def write(folder: Path, files: dict[str, str]) -> Library:
    """Write a script `job` and a library of these modules."""
    for name, text in {"../job": SCRIPT, "__init__": "", "work": WORK, "two": TWO, **files}.items():
        path = folder / "gliomake" / f"{name}.py"
        (folder / "gliomake").mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return Library(folder / "gliomake")


def changes(folder: Path, files: dict, after: dict, entries: dict | None = None) -> bool:
    """Whether the digest of the script is another one after some files are."""
    before = write(folder / "before", files).digest("job", entries)
    return write(folder / "after", files | after).digest("job", entries) != before


USED = {"two": TWO.replace("return 1", "return 11")}
OTHER = {"two": TWO.replace("return 2", "return 22")}

WAYS_TO_A_FUNCTION = {
    "from-import": "from gliomake.two import used\ndef main(job): return used()\n",
    "renamed": "from gliomake.two import used as it\ndef main(job): return it()\n",
    "module": "from gliomake import two\ndef main(job): return two.used()\n",
    "module renamed": "import gliomake.two as t\ndef main(job): return t.used()\n",
    "full name": "import gliomake.two\ndef main(job): return gliomake.two.used()\n",
    "relative": "from .two import used\ndef main(job): return used()\n",
    "relative module": "from . import two\ndef main(job): return two.used()\n",
    "in a function": "def main(job):\n    from gliomake.two import used\n    return used()\n",
    "in a branch": "try:\n    from gliomake.two import used\nexcept ImportError:\n    used = None\n"
    "def main(job): return used()\n",
    "a default": "from gliomake.two import used\ndef main(job, f=used): return f()\n",
    "a decorator": "from gliomake import two\n@two.used\ndef main(job): return 1\n",
    "a base": "from gliomake.two import used\nclass main(used): pass\n",
    "a constant": "from gliomake.two import used\nONE = used()\ndef main(job): return ONE\n",
    "an f-string": "from gliomake.two import used\ndef main(job): return f'{used()}'\n",
    "a text": "from importlib import import_module\nPLACE = ('gliomake.two', 'used')\n"
    "def main(job): return getattr(import_module(PLACE[0]), PLACE[1])()\n",
}


@pytest.mark.parametrize("way", WAYS_TO_A_FUNCTION)
def test_what_is_reached_counts_and_what_stands_beside_it_does_not(tmp_path, way):
    files = {"work": WAYS_TO_A_FUNCTION[way]}
    assert changes(tmp_path, files, USED)
    assert not changes(tmp_path / "beside", files, OTHER)


WAYS_TO_ALL = {
    "getattr of a module": "from gliomake import two\ndef main(job): return getattr(two, job)()\n",
    "a module handed on": "from gliomake import two\ndef main(job): return dir(two)\n",
    "a module's dict": "from gliomake import two\ndef main(job): return two.__dict__[job]\n",
    "a star": "from gliomake.two import *\ndef main(job): return used()\n",
    "no such name": "from gliomake.two import made_up\ndef main(job): return made_up()\n",
    "a name set from outside": "from gliomake import two\ntwo.odd = 3\ndef main(job): return 1\n",
    "a computed import": "from importlib import import_module\n"
    "def main(job): return import_module(job).other()\n",
    "a beginning": "import importlib\n"
    "def main(job): return importlib.import_module(f'gliomake.t{job}').other()\n",
    "a text": "import importlib\ndef main(job): return importlib.import_module('gliomake.two')\n",
    "a text with more": "import pydoc\ndef main(job): return pydoc.locate('gliomake.two.other')\n",
    "an import by another name": "from importlib import import_module\nload = import_module\n"
    "def main(job): return load(job)\n",
    "builtins": "import builtins\ndef main(job): return builtins.eval(job)\n",
    "eval": "def main(job): return eval(job)\n",
    "exec": "def main(job): exec(job)\n",
    "__import__": "def main(job): return __import__(job)\n",
    "sys.modules": "import sys\ndef main(job): return sys.modules[job]\n",
}


@pytest.mark.parametrize("way", WAYS_TO_ALL)
def test_in_doubt_the_whole_module_counts(tmp_path, way):
    assert changes(tmp_path, {"work": WAYS_TO_ALL[way]}, OTHER)


def test_globals_count_the_module_that_asks_for_them(tmp_path):
    work = "def main(job): return globals()[job]()\ndef beside(): return 1\n"
    assert changes(tmp_path, {"work": work}, {"work": work.replace("return 1", "return 2")})


AT_IMPORT = {
    "a statement": "import gliomake.two as two\n\n\nprint_limit = two.used\nlist.append([], 1)\n",
    "a registering decorator": "TABLE = {}\ndef enter(f):\n    TABLE[f.__name__] = f\n"
    "    return f\n@enter\ndef entered():\n    return 1\n",
    "a registering base": "class Base:\n    def __init_subclass__(cls): pass\n"
    "class Middle(Base): pass\nclass Entered(Middle):\n    size = 1\n",
    "another library's setting": "import torch\ntorch.backends.cudnn.benchmark = 1\n",
    "a setting's result": "import torch\nBEFORE = torch.set_num_threads(1)\n",
    "a branch": "if True:\n    size = 1\n",
}


@pytest.mark.parametrize("what", AT_IMPORT)
def test_what_runs_at_import_counts(tmp_path, what):
    work = "import gliomake.three\n" + WORK
    last = AT_IMPORT[what][::-1].replace("1", "7", 1)[::-1]
    assert changes(tmp_path, {"work": work, "three": AT_IMPORT[what]}, {"three": last})


def test_a_package_that_is_imported_on_the_way_counts_what_it_runs(tmp_path):
    work = "from gliomake.box.inner import f\ndef main(job): return f()\n"
    files = {"work": work, "box/__init__": "", "box/inner": "def f(): return 1\n"}
    assert changes(tmp_path / "1", files, {"box/__init__": "import os\nos.umask(0)\n"})
    assert not changes(tmp_path / "2", files, {"box/__init__": "def unused(): return 0\n"})


@pytest.mark.parametrize("annotation", ["", ": dict[str, str]"])
def test_of_a_registry_the_chosen_entry_counts(tmp_path, annotation):
    table = REGISTRY.replace("TABLE =", f"TABLE{annotation} =")
    files, entries = {"work": table}, {"work.TABLE": "a"}
    assert changes(tmp_path / "1", files, USED, entries)
    assert not changes(tmp_path / "2", files, OTHER, entries)
    longer = table.replace('"b": other', '"b": other, "c": len')
    assert not changes(tmp_path / "3", files, {"work": longer}, entries)
    assert changes(tmp_path / "4", files, {"work": longer})
    assert changes(tmp_path / "5", files, {"work": table.replace('"a": used', '"a": len')}, entries)
    assert changes(tmp_path / "6", files, OTHER, {"work.TABLE": ("a", "b")})


def test_of_a_registry_without_the_chosen_entry_all_counts(tmp_path):
    assert changes(tmp_path / "1", {"work": REGISTRY}, OTHER, {"work.TABLE": "z"})
    made = REGISTRY.replace('{"a": used, "b": other}', "dict(a=used, b=other)")
    assert changes(tmp_path / "2", {"work": made}, OTHER, {"work.TABLE": "a"})


def test_an_entry_assigned_later_is_one_of_the_registry(tmp_path):
    table = REGISTRY.replace('"a": used, "b": other}', '"a": used}\nTABLE["b"] = other')
    assert not changes(tmp_path / "1", {"work": table}, OTHER, {"work.TABLE": "a"})
    assert changes(tmp_path / "2", {"work": table}, OTHER, {"work.TABLE": "b"})


def test_entries_joined_later_are_entries_of_the_registry(tmp_path):
    table = REGISTRY.replace('"a": used, "b": other}', '"a": used}\nTABLE |= {"b": other}')
    assert not changes(tmp_path / "1", {"work": table}, OTHER, {"work.TABLE": "a"})
    assert changes(tmp_path / "2", {"work": table}, OTHER, {"work.TABLE": "b"})


def test_a_registry_of_modules_counts_the_chosen_module(tmp_path):
    files = {"work": LAZY, "three": "def third(): return 3\n"}
    third = {"three": "def third(): return 33\n"}
    assert changes(tmp_path / "1", files, USED, {"work.TABLE": "a"})
    assert not changes(tmp_path / "2", files, third, {"work.TABLE": "a"})
    assert not changes(tmp_path / "3", files, OTHER, {"work.TABLE": "a"})
    assert changes(tmp_path / "4", files, third)


def test_a_function_that_is_not_called_is_cut(tmp_path):
    files = {"work": WAYS_TO_A_FUNCTION["from-import"]}
    assert not changes(tmp_path, files, USED, {"two.used": ()})


def test_names_that_change_places_count(tmp_path):
    work = "from gliomake.two import used as a, other as b\ndef main(job): return a() - b()\n"
    swapped = work.replace("used as a, other as b", "used as b, other as a")
    assert changes(tmp_path, {"work": work}, {"work": swapped})


def test_another_import_of_the_same_name_counts(tmp_path):
    work = "import numpy as np\ndef main(job): return np.sum(job)\n"
    assert changes(tmp_path, {"work": work}, {"work": work.replace("import numpy", "import jax")})


def test_a_definition_that_moves_does_not_count(tmp_path):
    files = {"work": WAYS_TO_A_FUNCTION["from-import"]}
    moved = {"two": "", "three": TWO, "work": files["work"].replace("two", "three")}
    assert not changes(tmp_path, files, moved)


BODY = """\
import logging, sys, warnings
from dataclasses import dataclass
from gliomake.training.progress import Reporter
logger = logging.getLogger(__name__)
@dataclass
class Facts:
    size: int = 1
def main(job: int, path=None, reporter: Reporter | None = None) -> int:
    if job < 0:
        raise ValueError(f"found {job}")
    if job > 9:
        raise Found("nine")
    else:
        pass
    rate = SquaredError("mean")
    with Reporter(job) as bar, open(path) as file:
        bar.line("begins")
        value = job + 1
    return value
"""
EDITS = {  # whether the digest changes
    "docstring": (("    if job <", '    """Text."""\n    if job <'), False),
    "comment": (("    if job <", "    # Text.\n    if job <"), False),
    "parentheses": (("job + 1", "(job + 1)"), False),
    "annotation": (("job: int", "job: float"), False),
    "returned annotation": (("-> int", "-> object"), False),
    "print": (("    return value", "    print(value, job)\n    return value"), False),
    "print to a stream": (
        ("    return value", "    print(value, file=sys.stderr)\n    return value"),
        False,
    ),
    "print in an else": (("        pass", "        pass\n        print(job)"), False),
    "log": (("    return value", '    logger.info("%s", value)\n    return value'), False),
    "warning": (("    return value", '    warnings.warn("odd")\n    return value'), False),
    "words of an error": (("found {job}", "there is {job}"), False),
    "observer's argument": (("Reporter(job)", "Reporter(job, 2)"), False),
    "observer's call": (('bar.line("begins")', 'bar.line("goes", job)'), False),
    "observer's call gone": (('        bar.line("begins")\n', ""), False),
    "value": (("job + 1", "job + 2"), True),
    "condition": (("job < 0", "job <= 0"), True),
    "text that is no error's": (('SquaredError("mean")', 'SquaredError("sum")'), True),
    "text that is raised as a message": (('Found("nine")', 'Found("ten")'), True),
    "kind of error": (("ValueError", "KeyError"), True),
    "default": (("path=None", "path=1"), True),
    "field": (("size: int = 1", "size: int = 2"), True),
    "annotation of a field": (("size: int", "size: float"), True),
    "decorator": (("@dataclass", "@dataclass(frozen=True)"), True),
    "print to a file": (
        ("        value =", "        print(job, file=file)\n        value ="),
        True,
    ),
    "print that reads on": (
        ("        value =", "        print(next(file))\n        value ="),
        True,
    ),
    "print that assigns": (("    return value", "    print(value := 3)\n    return value"), True),
    "call beside the observer's": (('bar.line("begins")', "file.seek(3)"), True),
    "words that are returned": (("return value", 'return "value"'), True),
}


@pytest.mark.parametrize("name", EDITS)
def test_what_counts_in_a_definition(tmp_path, name):
    (old, new), counts = EDITS[name]
    assert BODY.count(old) == 1
    script = SCRIPT.replace("import main", "import Facts, main").replace("main(s", "main(Facts, s")
    files = {"work": BODY, "progress": "class Reporter: pass\n", "../job": script}
    assert changes(tmp_path, files, {"work": BODY.replace(old, new)}) == counts


def test_observers_do_not_count(tmp_path):
    work = "from gliomake.training.progress import Reporter\ndef main(job): return Reporter(job)\n"
    files = {"work": work, "progress": "class Reporter: pass\n"}
    assert not changes(tmp_path, files, {"progress": "class Reporter:\n    size = 2\n"})


def test_observers_are_definitions_of_the_library():
    library = Library(LIBRARY)
    for name in OBSERVERS:
        module, _, member = name.rpartition(".")
        found = library.module(name) or member in library.module(module).definitions
        assert found, f"{name} is nothing of the library"


SOURCE = '''"""A docstring."""

import gliomake.other as other


@other.decorated(1e-3, name=None)
class Thing(Base):
    """Another."""

    size: int = -1_000

    async def go(self, first, /, *rest, key="a\\n", **more) -> list[str]:
        # A comment.
        with open(first) as file, other.lock:
            return [f"{line!r:>{key}} {{x}} {1.50:.2f}" async for line in file if line is not ...]
'''


def test_every_python_spells_the_code_alike(tmp_path):
    """A known answer, the same in Python 3.11, 3.12 and 3.13; `ast.dump` gave three."""
    files = {
        "work": "from gliomake.thing import Thing\nmain = Thing\n",
        "thing": SOURCE,
        "other": "def decorated(): ...\nmatch x:\n    case {'a': [1, *_]} | None:\n        pass\n",
    }
    known = write(tmp_path, files).digest("job")
    assert known == "d631e790b1ddd730c8adb1ac38eb70ca56d5239338744de090dc9b29698e03ab"


def test_each_file_is_read_once_a_process(monkeypatch):
    parsed = []

    def parse(text, filename):
        parsed.append(filename)
        return tree(text, filename)

    tree = ast.parse
    source._parsed.cache_clear()
    monkeypatch.setattr(ast, "parse", parse)
    library = Library(LIBRARY)
    library.digest("train")
    alone = len(parsed)
    library.digest("predict")
    library.digest("study_page")
    assert len(parsed) > alone > 10
    assert len(set(parsed)) == len(parsed)


def test_a_training_reads_no_data_set():
    library = Library(LIBRARY)
    library.digest("train")
    read = {name for name, module in library._modules.items() if module}
    assert "files.shards" in read
    assert {name for name in read if name.startswith("datasets.")} <= {"datasets.base"}


def test_unknown_script():
    with pytest.raises(FileNotFoundError, match=r"no script nothing: looked for .*nothing\.py"):
        code_digest("nothing")


def test_the_version_of_torch_is_that_of_the_jobs(tmp_path, monkeypatch):
    environment = tmp_path / "train.yaml"
    environment.write_text("dependencies:\n  - python=3.11\n  - pytorch=2.13.0 # pinned\n")
    version = jobs.torch_version.__wrapped__
    monkeypatch.syspath_prepend(installed("torch", "7.8.9+cu130", tmp_path / "site"))
    assert version(environment, conda=False) == "7.8.9"
    assert version(environment, conda=True) == "2.13.0"
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    assert version(environment, conda=False) == "2.13.0"
    environment.write_text("dependencies:\n  - python=3.11\n")
    with pytest.raises(ValueError, match="no version of torch; expected a line `- pytorch="):
        version(environment, conda=True)
    assert re.fullmatch(r"\d+\.\d+\.\d+", version(ROOT / "envs" / "train.yaml", conda=True))
