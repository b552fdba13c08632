"""What a search over the report finds: every page and section, at addresses that are there."""

import json
import re
import shutil
from pathlib import Path

import pytest

from gliomake.files.provenance import file_sha256
from gliomake.report.search import FILE, WORDS, read_search, write_search
from gliomake.verify.check import VerificationError, verify

SCRIPT = Path(__file__).parents[2] / "reports" / "templates" / "search.js"


@pytest.fixture
def build(small_report, tmp_path):
    return Path(shutil.copytree(small_report.root, tmp_path / "copy")) / "reports/build"


def differences(build):
    with pytest.raises(VerificationError) as caught:
        verify(build / "numbers.json", root=build.parents[1])
    return caught.value.differences


def test_studies_models_sections_figures_tables_findings_and_claims_are_listed(build):
    entries = read_search(build / FILE)
    kinds = [entry[2] for entry in entries]
    listed = json.loads(re.search(r"const KINDS = (\[.*\]);", SCRIPT.read_text())[1])
    assert set(kinds) == set(listed)
    titles = {(kind, title) for _, _, kind, title, _, _ in entries}
    assert ("Study", "Small tumours & where to find them") in titles
    assert {("Model", name) for name in ("unet", "attention-unet", "all-background")} <= titles
    assert ("Section", "Slice viewer") in titles and ("Figure", "Masks") in titles
    assert ("Claim", "small.002: IoU, unet, tumour, reported 0.50") in titles
    # Seven numbers are reported, and the study has two tables of its own.
    assert kinds.count("Claim") == 7
    assert [each[3] for each in entries if each[1:3] == ["Tables", "Table"]] == ["Metrics", "Split"]


def test_every_address_is_there(build):
    for entry in read_search(build / FILE):
        page, _, anchor = entry[5].partition("#")
        text = (build / page).read_text()
        assert not anchor or f'id="{anchor}"' in text, entry
        assert len(entry[4]) <= WORDS + 2


def test_text_that_would_end_a_script_stays_text(tmp_path):
    entry = ["s", "", "Claim", 'a "title" </script>', "line\nbreak \u2028", "s.html#a"]
    write_search(tmp_path / FILE, [entry, entry])
    assert read_search(tmp_path / FILE) == [entry, entry]
    (tmp_path / FILE).write_text("[]")
    with pytest.raises(ValueError, match="expected a list for the search"):
        read_search(tmp_path / FILE)


def test_a_changed_list_fails_the_verification(build):
    path = build / FILE
    path.write_text(path.read_text().replace("reported 0.50", "reported 0.51"))
    found = {(each.file, each.number) for each in differences(build)}
    assert found == {(FILE, "sha256"), (FILE, "small.html#claim-002")}


def test_a_list_changed_everywhere_is_not_that_of_the_files(build):
    """With the hashes made to fit, as a forger would."""
    for name in (FILE, "numbers.json"):
        path = build / name
        path.write_text(path.read_text().replace("reported 0.50", "reported 0.51"))
    content = json.loads((build / "numbers.json").read_text())
    content["pages"][FILE] = file_sha256(build / FILE)
    (build / "numbers.json").write_text(json.dumps(content))
    (difference,) = differences(build)
    assert "reported 0.51" in difference.reported and "reported 0.50" in difference.recomputed


def test_a_list_that_is_gone_fails_the_verification(build):
    (build / FILE).unlink()
    assert [(each.file, each.recomputed) for each in differences(build)] == [(FILE, "missing")]
