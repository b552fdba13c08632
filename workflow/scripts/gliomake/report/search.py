"""What a reader can search for over all pages: gathered from the sections, written as a script.

Pages open from disk, where a browser lets no page read another file but a script. So the list is
one: ``search-index.js``, beside the pages, which a page loads when somebody begins to search.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from gliomake.files.tsv import atomic_path
from gliomake.report.cards import card_name
from gliomake.report.inputs import StudyInputs
from gliomake.report.scores import model_tag
from gliomake.report.sections.base import Found, Section

FILE = "search-index.js"
WORDS = 240
"""Letters of an entry's text that are kept: the list is loaded as a whole."""
_HEAD, _TAIL = "window.reportSearch = ", ";\n"

HEADING = "Section"
"""Kind of the entry that is a section itself."""

Entry = list[str]
"""Study, section, kind, title, text, and address from the folder of the report."""


def search_entries(
    inputs: StudyInputs, sections: Sequence[Section], headings: bool = True
) -> list[Entry]:
    """List what can be found of a study.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.
    sections : sequence of Section
        Of its page.
    headings : bool
        Whether the sections themselves are listed. That a page has the slice viewer rests on large
        files, without which results may be passed on and verified.

    Returns
    -------
    list of Entry
        The study, its models, its sections, and what these show, in the order of the page.
    """
    study = inputs.study
    about = ". ".join(filter(None, [study.document, study.question, f"data set {study.dataset}"]))
    entries = [_entry(inputs.id, "", Found("Study", study.title, about), inputs.page)]
    for files in inputs.runs:
        if files.run == inputs.main_run:
            model = Found("Model", files.model, f"model card {model_tag(inputs, files.model)}")
            entries.append(_entry(inputs.id, "", model, card_name(inputs.id, files.model)))
    for section in sections:
        itself = [Found(HEADING, section.title)] if headings and section.is_shown else []
        for found in (*itself, *section.found()):
            address = f"{inputs.page}#{found.anchor or section.id}"
            entries.append(_entry(inputs.id, section.title, found, address))
    return entries


def _entry(study: str, section: str, found: Found, address: str) -> Entry:
    text = " ".join(found.text.split())
    if len(text) > WORDS:
        text = text[:WORDS].rsplit(" ", 1)[0] + " …"
    return [study, section, found.kind, found.title, text, address]


def write_search(path: str | Path, entries: Iterable[Entry]) -> str:
    """Write the list as a script.

    Parameters
    ----------
    path : str or Path
        Where to.
    entries : iterable of Entry
        Of all studies.

    Returns
    -------
    str
        What was written.
    """
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
    text = f"{_HEAD}[\n{lines}\n]{_TAIL}"
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return text


def read_search(path: str | Path) -> list[Entry]:
    """Read what `write_search` wrote.

    Raises
    ------
    ValueError
        The file is no such list.
    """
    text = Path(path).read_text(encoding="utf-8")
    if not (text.startswith(_HEAD) and text.endswith(_TAIL)):
        raise ValueError(f"{path}: expected a list for the search, {_HEAD}[...]; build it again")
    return json.loads(text.removeprefix(_HEAD).removesuffix(_TAIL))
