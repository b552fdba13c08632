"""The list of sections: what stands in it is on the page and is verified, with no second place."""

import json
import re
import shutil
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

import pytest

from checkout import ROOT
from gliomake.claims.artefacts import Artefacts
from gliomake.claims.audit import write_audit
from gliomake.files.provenance import file_sha256
from gliomake.report import build_report
from gliomake.report.sections import SECTIONS, study_sections
from gliomake.verify.check import VerificationError, verify
from gliomake.verify.numbers import Recomputation
from gliomake.verify.pages import changed_figures, read_pages
from report_study import SmallStudy

TOY = '''\
"""A toy."""

from gliomake.report.inputs import records
from gliomake.report.scores import enter_score
from gliomake.report.sections.base import Section
from gliomake.report.table import Column, Table, plain, scored, text


class Toy(Section):
    """How long the splits are, and one score."""

    id = "toy"
    title = "A toy"

    def tables(self):
        score = enter_score(self.inputs, self.book, records(self.inputs.scores)[0])
        lines = sum(map(len, self.inputs.split_tables.values()))
        columns = [Column("What"), Column("Lines", numeric=True), Column("Score", numeric=True)]
        return [Table("toy-table", "A toy", columns, [[text("All"), plain(lines), scored(score)]])]
'''
BUILD = """\
import json, sys
from gliomake.report import build_report, study_inputs
from gliomake.study.model import Study
from gliomake.verify.check import VerificationError, verify

told = json.load(open("reports/build/numbers.json"))["studies"]["small"]
names = ("data", "scale", "shards", "reported", "bootstrap")
if sys.argv[1] == "build":
    inputs = study_inputs(Study.of(told["study"]), **{name: told[name] for name in names})
    build_report([inputs], "reports/build")
try:
    print(verify("reports/build/numbers.json"))
except VerificationError as error:
    print([[each.file, each.number] for each in error.differences])
"""


@pytest.fixture
def root(small_report, tmp_path):
    return Path(shutil.copytree(small_report.root, tmp_path / "copy"))


def accept(root, name):
    path = root / "reports/build/numbers.json"
    content = json.loads(path.read_text())
    content["pages"][name] = file_sha256(path.parent / name)
    path.write_text(json.dumps(content))


def failures(root):
    with pytest.raises(VerificationError) as caught:
        verify(root / "reports/build/numbers.json", root=root)
    return [(each.file, each.number) for each in caught.value.differences]


@pytest.mark.slow  # three starts in a copy of the library
def test_a_section_in_the_list_is_built_and_verified(root, tmp_path):
    copy = tmp_path / "checkout"
    for name in ("workflow/scripts/gliomake", "reports/templates"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    sections = copy / "workflow/scripts/gliomake/report/sections"
    (sections / "toy.py").write_text(TOY)
    text = (sections / "__init__.py").read_text()
    text = text.replace("    Rebuild,\n)", "    Rebuild,\n    Toy,\n)")
    start = "from gliomake.report.sections.scores import"
    text = text.replace(start, f"from gliomake.report.sections.toy import Toy\n{start}")
    (sections / "__init__.py").write_text(text)

    def run(what):
        command = [sys.executable, "-c", BUILD, what]
        variables = {"PYTHONPATH": str(copy / "workflow/scripts"), "PYTHONDONTWRITEBYTECODE": "1"}
        found = subprocess.run(command, cwd=root, env=variables, capture_output=True, text=True)
        assert found.returncode == 0, found.stderr
        return found.stdout

    page = root / "reports/build/small.html"
    assert run("build").startswith("verified: ")
    assert '<li><a href="#toy">A toy</a></li>' in page.read_text()
    html = page.read_text()
    at = html.index("<tbody>", html.index('<div class="table" id="toy-table"'))
    changed = re.sub(r">(\d+)<", lambda found: f">{int(found[1]) + 1}<", html[at:], count=1)
    page.write_text(html[:at] + changed)
    accept(root, page.name)
    assert run("verify") == "[['small.html', 'toy-table, row 1, Lines']]\n"


def test_a_table_on_the_page_that_no_section_lists_fails(root):
    page = root / "reports/build/small.html"
    page.write_text(page.read_text().replace('id="splits"', 'id="others"', 1))
    accept(root, page.name)
    assert ("small.html", "others") in failures(root)


def test_each_section_has_a_place_of_its_own(small_report):
    assert len({section.id for section in SECTIONS}) == len(SECTIONS)
    with chdir(small_report.root):
        sections = study_sections(small_report.inputs())
        html = Path("reports/build/small.html").read_text()
        assert [section.id for section in sections if section.is_shown] == re.findall(
            r'<section id="([\w-]+)"', html
        )
        tables = {table.id for section in sections for table in section.tables()}
        unverified = {id_ for section in sections for id_ in section.unverified}
    shown = re.findall(r'<div class="table" id="([\w-]+)"', html)
    assert sorted(shown) == sorted(tables | unverified)


def test_a_study_without_reported_numbers_has_a_page(root, small_report):
    study = SmallStudy(root, small_report.study, small_report.shard)
    folder = root / "results/small"
    header = (folder / "reported.tsv").read_text().splitlines()[0]
    (folder / "reported.tsv").write_text(f"{header}\n")
    with chdir(root):
        write_audit(
            study.study,
            folder / "reported.tsv",
            Artefacts(study.study),
            "phantom",
            "demo",
            folder / "claims.tsv",
            folder / "findings.json",
        )
        build_report([study.inputs()], "reports/build")
    html = (root / "reports/build/small.html").read_text()
    assert '<section id="scores"' in html
    assert '<section id="claims"' not in html and '<section id="answer"' not in html
    assert verify(root / "reports/build/numbers.json", root=root).pages == 11


def test_another_picture_on_the_page_fails(root):
    told = json.loads((root / "reports/build/numbers.json").read_text())["studies"]["small"]
    study = Recomputation(told, root, False)
    page = root / "reports/build/small.html"

    def found():
        return list(changed_figures(study.inputs, read_pages(page.parent, [page.name])[page.name]))

    assert found() == []
    html = page.read_text().replace("data:image/svg+xml;base64,P", "data:image/svg+xml;base64,Q")
    page.write_text(html)
    (difference,) = found()
    assert (difference.file, difference.number) == ("small.html", "figure masks")
    assert html.count("Attention U-Net on slices: a large") == 2, "on the page and for the blind"
    page.write_text(page.read_text().replace('alt="Masks. Attention', 'alt="Masks. Another'))
    assert [each.number for each in found()] == ["figure masks", "caption of masks"]
