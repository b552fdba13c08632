"""Every command that the project prints, in the form in which it is printed."""

import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import pytest
import yaml
from snakemake.cli import get_argument_parser

from checkout import ROOT, copy_checkout, snakemake
from gliomake.cli import parser
from gliomake.report import study_inputs
from gliomake.report.evidence import rebuild_table
from gliomake.report.keys import read_id
from gliomake.report.render import page_commands
from gliomake.study import load as studies

NAMES = "snakemake|make|conda|export|squeue|rm|python3?|pip|gliomake"
PROGRAM = rf"(?:[A-Z_]+=\S+ )*(?:\S*/)?(?:{NAMES})\b"
PLACES = ("README.md", "config/README.md", "CHANGELOG.md", "docs/*.md", "docs/howto/*.md",
          "docs/explain/*.md", "docs/decisions/*.md", "reports/captions/*.rst",
          "examples/*/README.md")  # fmt: skip
COMMENTED = (
    "config/*.yaml",
    "config/studies/*.yaml",
    "config/datasets/*.yaml",
    "profiles/*/config.yaml",
    "Snakefile",
)
# What stands for something of the user's, and what the test puts there.
OF_STUDY, OF_TARGET = "{{ snakemake.wildcards.study }}", "{{ snakemake.wildcards.target }}"
PLACEHOLDERS = {
    "my-study/config.yaml": "examples/own-data/config.yaml",
    "path/to/kaggle_3m": "resources/data/lgg/kaggle_3m",
    "path/to/gliomake/workflow/Snakefile": "workflow/Snakefile",
    "path/to/gliomake/Snakefile ...": "Snakefile --cores 2 coco_unet",
    f"{OF_STUDY}/figures/{OF_TARGET}": "lgg-encoders/figures/masks",
    f"{OF_STUDY}/tables/{OF_TARGET}": "coco-unet/tables/metrics",
    OF_STUDY: "lgg-encoders",
    "{{ snakemake.wildcards.model }}": "unet",
}
SHOWN = ("results/lgg-encoders/figures/masks.svg", "results/coco-unet/tables/metrics.csv")
"""Targets beside which a page prints how they are built."""
PAPER_ROOTS = ("lgg/kaggle_3m", "brats2020", "brats2021", "coco")
CONDA = {"--use-conda", "--sdm", "--containerize"}
"""What needs a conda on this machine; checked by its form alone."""
STUDIES = [
    studies.load_study(path, "demo") for path in sorted((ROOT / "config/studies").glob("*.yaml"))
]


@dataclass(frozen=True)
class Printed:
    """A command and the file that prints it."""

    command: str
    place: str

    @property
    def words(self) -> list[str]:
        return shlex.split(self.command, comments=True)

    @property
    def program(self) -> str:
        return next(Path(word).name for word in self.words if not re.match(r"[A-Z_]+=", word))

    @property
    def arguments(self) -> list[str]:
        """What comes after the program."""
        at = [Path(word).name for word in self.words].index(self.program)
        return self.words[at + 1 :]


def substituted(text: str) -> str:
    text = re.sub(r"\\\n\s*", "", text)  # a command over several lines
    text = re.sub(r"\{% if .*?%\}.*?\{% endif %\}", "", text)  # of captions, in an experiment
    for placeholder, value in PLACEHOLDERS.items():
        text = text.replace(placeholder, value)
    return text


def in_text(text: str) -> list[str]:
    """Lines of code blocks, and what stands in backquotes and has more than one word."""
    blocks = re.findall(rf"^(?: {{4}}|\t)({PROGRAM} .+)$", text, re.M)
    fenced = re.findall(
        rf"^(?:\$ )?({PROGRAM} .+)$", "\n".join(re.findall(r"^```.*?^```", text, re.M | re.S)), re.M
    )
    inline = re.findall(rf"`({PROGRAM} [^`]+)`", re.sub(r"\s*\n\s*", " ", text))
    return [part for line in (*blocks, *fenced) for part in line.split(" && ")] + inline


def collected() -> list[Printed]:
    found = []
    for pattern in PLACES:
        for path in sorted(ROOT.glob(pattern)):
            text = substituted(path.read_text())
            found += [Printed(command, str(path.relative_to(ROOT))) for command in in_text(text)]
    for pattern in COMMENTED:
        for path in sorted(ROOT.glob(pattern)):
            lines = re.findall(rf"#\s+({PROGRAM} .+)$", substituted(path.read_text()), re.M)
            found += [Printed(command, str(path.relative_to(ROOT))) for command in lines]
    for options in ("", "--config experiment=short"):
        commands = page_commands(options)
        lines = [commands["build"](target) for target in ("all", *SHOWN)]
        lines += [commands["verify"], commands["verify_deep"]]
        found += [Printed(command, "the report's pages") for command in lines]
    for path in sorted((ROOT / "workflow/scripts").rglob("*.py")):
        # Of messages: those that are whole, without a value of the moment in them.
        lines = re.findall(
            r"(?:snakemake --cores \d+|make) [\w/.-]+[\w](?=[;,.\"'` )]|$)", path.read_text()
        )
        of_make = [line for line in lines if not line.startswith("make ") or line[5:] in targets()]
        found += [Printed(line, str(path.relative_to(ROOT))) for line in of_make]
    for study in STUDIES:
        inputs = study_inputs(study, data="phantom", scale="demo")
        commands = [row[1].text for row in rebuild_table(inputs).rows]
        found += [Printed(command, f"the page of {study.id}") for command in commands]
    return found


def targets() -> dict[str, str]:
    """The targets that ``make help`` lists, and what it says of them."""
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    return dict(re.findall(r"^make ([\w-]+) +(.+)$", done.stdout, re.M))


ALL = collected()
UNIQUE = list({printed.command: printed for printed in reversed(ALL)}.values())
SNAKEMAKE = [
    printed for printed in UNIQUE if printed.program == "snakemake" and len(printed.words) > 1
]


def test_commands_are_found_where_they_are_printed():
    places = {printed.place for printed in ALL}
    expected = {"README.md", "config/README.md", "config/paper.yaml", "profiles/slurm/config.yaml"}
    expected |= {"reports/captions/figure.rst", "the report's pages"}
    expected |= {"workflow/scripts/gliomake/verify/check.py", "the page of coco-unet"}
    assert expected <= places
    commands = {printed.command for printed in ALL}
    for example in (
        "UV_TORCH_BACKEND=cpu make demo",
        "make verify DEEP=1",
        "snakemake --cores 8 lgg_encoders",
    ):
        assert example in commands
    assert len(SNAKEMAKE) > 100
    assert not [
        printed for printed in ALL if "{{" in printed.command or "path/to" in printed.command
    ]


@pytest.mark.parametrize(
    "command", [p.command for p in SNAKEMAKE if p.place in PLACES or "profiles" in p.place]
)
def test_the_target_is_taken_for_a_target(command):
    """Options that take many words would swallow it."""
    printed = Printed(command, "")
    known = get_argument_parser().parse_args(printed.arguments)
    words = [
        word
        for word in printed.arguments
        if re.fullmatch(r"all|verify|[a-z0-9]+(_[a-z0-9]+)+|results/\S+", word)
    ]
    assert known.targets == words
    assert words or known.unlock or known.dryrun or known.lint


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    folder = copy_checkout(tmp_path_factory.mktemp("printed"))
    # A dry run asks for the folders alone.
    for root in PAPER_ROOTS:
        (folder / "resources/data" / root).mkdir(parents=True)
    (folder / "examples/own-data/data").mkdir(exist_ok=True)
    return folder


def dry_run(folder: Path, arguments: list[str]) -> None:
    done = snakemake("--dry-run", *[word for word in arguments if word not in CONDA], folder=folder)
    assert done.returncode == 0, (
        f"snakemake {shlex.join(arguments)}\n{done.stdout[-500:]}{done.stderr[-3000:]}"
    )


PLAIN = re.compile(r"snakemake (?:--use-conda )?--cores \d+ ([\w/.-]+)")


def test_targets_of_the_plain_form(checkout):
    """`snakemake --cores N TARGET`, all in one start."""
    named = sorted({match[1] for p in SNAKEMAKE if (match := PLAIN.fullmatch(p.command))})
    assert {"all", "lgg_encoders", "results/lgg-encoders/figures/masks.svg"} <= set(named)
    dry_run(checkout, ["--cores", "2", *named])


@pytest.mark.parametrize(
    "command", sorted(p.command for p in SNAKEMAKE if not PLAIN.fullmatch(p.command))
)
def test_every_other_form(checkout, command):
    dry_run(checkout, Printed(command, "").arguments)


def test_paper_configuration_without_data_says_so(checkout):
    """The same command before any root is filled in."""
    elsewhere = checkout / "resources/data"
    elsewhere.rename(checkout / "resources/away")
    try:
        done = snakemake(
            "--configfile", "config/paper.yaml", "--cores", "8", "all", folder=checkout
        )
    finally:
        (checkout / "resources/away").rename(elsewhere)
    assert done.returncode != 0
    message = done.stdout + done.stderr
    assert "config/README.md" in message and "datasets.brats2020.root" in message
    assert "Building DAG" not in message


def test_make_targets_exist_and_start_what_they_say(checkout):
    listed = targets()
    assert set(listed) == set(
        re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.M)[1].split()
    )
    for printed in UNIQUE:
        if printed.program == "make":
            assert printed.arguments[0] in listed, f"{printed.place}: {printed.command}"
            done = subprocess.run(
                ["make", "--dry-run", *printed.arguments], cwd=ROOT, capture_output=True, text=True
            )
            assert done.returncode == 0, f"{printed.command}: {done.stderr}"
            for line in re.findall(r"^\S*snakemake (.+ -- .+)$", done.stdout, re.M):
                known = get_argument_parser().parse_args(shlex.split(line))
                assert known.targets in (["all"], ["verify"], ["verify_deep"])


def test_conda_commands_name_an_environment_that_is_there():
    commands = [printed for printed in UNIQUE if printed.program == "conda"]
    files = [p.words[p.words.index("-f") + 1] for p in commands if "create" in p.words]
    names = [p.words[-1] for p in commands if "activate" in p.words]
    assert files and names
    assert names == [yaml.safe_load((ROOT / file).read_text())["name"] for file in files]


def test_no_other_program_is_printed_without_a_test():
    tried = {"snakemake", "make", "conda", "gliomake"}
    others = {p.command for p in UNIQUE if p.program not in tried}
    example = ".venv/bin/python examples/own-data/make_data.py"  # run by test_own_data.py
    others = {example if command.startswith(example) else command for command in others}
    assert others == {
        "export CONDA_OVERRIDE_CUDA=12.9", "squeue --me", "python -m gliomake", example,
    }  # fmt: skip


def test_printed_commands_of_gliomake_are_understood():
    commands = [printed for printed in UNIQUE if printed.program == "gliomake"]
    assert any("--gate" in printed.words for printed in commands)
    for printed in commands:
        if len(printed.arguments) == 1 or printed.arguments[-1] == "--help":
            with pytest.raises(SystemExit) as ended:
                parser().parse_args([printed.arguments[0], "--help"])
            assert ended.value.code == 0, printed.command
        else:
            words = [*takewhile(lambda word: word != ">", printed.arguments)]
            known = parser().parse_args(words)
            if printed.arguments[0] == "score":  # built by tests/end_to_end/test_score.py
                assert known.truth and known.predictions and known.out
            elif printed.arguments[0] == "audit":
                assert known.template or (ROOT / known.claims).is_file(), printed.command
            elif printed.arguments[0] == "check":
                key, study = read_id(known.id)
                assert study in {each.id for each in STUDIES}, printed.command
                assert key.measured.model in next(s for s in STUDIES if s.id == study).all_models
            else:
                assert re.fullmatch(r"results/[\w-]+/[\w-]+/[\w-]+", known.model), printed.command


def test_python_m_gliomake_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "gliomake", "predict", "--help"], cwd=ROOT / "workflow" / "scripts",
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0 and "--modality CHANNEL=FILE" in done.stdout
