"""Snakemake's logger `gliomake` in a small workflow of another kind: it needs nothing of ours."""

import re

import pytest

from checkout import ROOT, snakemake

SNAKEFILE = """
rule all:
    input: "good/a.txt", "good/b.txt"

rule good:
    output: "good/{name}.txt"
    log: "logs/{name}.log"
    shell: "echo done > {output}"

rule bad:
    output: "bad/{name}.txt"
    log: "logs/bad-{name}.log"
    shell: "echo it broke > {log}; exit 1"
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    # The plugin of this checkout, whatever is installed.
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "workflow" / "scripts"))
    return tmp_path


def lines(*arguments: str, folder) -> list[str]:
    done = snakemake("--logger", "gliomake", "--cores", "1", *arguments, folder=folder)
    return [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]


def test_one_line_a_job_and_a_sum(folder):
    told = lines(folder=folder)
    assert told[0] == "3 jobs" and len(told) == 4
    jobs = {re.sub(r" [\d.]+ s$", "", line) for line in told[1:3]}
    assert {re.sub(r"^\[\d/3\] ", "", line) for line in jobs} == {"good a", "good b"}
    assert re.fullmatch(r"3 jobs in [\d.]+ s", told[-1])


def test_nothing_to_do_is_said(folder):
    lines(folder=folder)
    assert [line for line in lines(folder=folder) if "Nothing to be done" in line]


def test_an_error_is_shown_in_full_once_and_summed_up(folder):
    told = lines("--keep-going", "--show-failed-logs", "bad/x.txt", "good/a.txt", folder=folder)
    whole = "\n".join(told)
    assert "failed: bad x; the end of logs/bad-x.log:\n    it broke\n" in whole
    assert whole.count("it broke") == 1 and "RuleException" not in whole
    assert told[-1] == "failed: bad x, see logs/bad-x.log"


def test_an_error_without_a_log_is_told_by_snakemake(folder):
    file = folder / "Snakefile"
    file.write_text(file.read_text().replace("echo it broke > {log}; exit 1", "exit 1"))
    told = lines("bad/x.txt", folder=folder)
    whole = "\n".join(told)
    assert whole.count("RuleException") == 1 and any("Error in rule bad" in line for line in told)


def test_a_dry_run_is_snakemakes_own(folder):
    plain = snakemake("--cores", "1", "-n", folder=folder)
    own = "\n".join(lines("-n", folder=folder))
    for line in ("Job stats:", "rule good:", "This was a dry-run"):
        assert line in plain.stdout + plain.stderr and line in own
