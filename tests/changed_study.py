"""Studies that a test changes."""

from typing import Any

from gliomake.study.model import Study
from gliomake.study.page import merge


def changed(study: Study, **blocks: Any) -> Study:
    """Lay blocks over a study's plain form, key by key; a list replaces the old one."""
    return Study.of(merge(dict(study.plain), blocks))


def replaced(study: Study, **blocks: Any) -> Study:
    """Put whole blocks in the place of a study's own."""
    return Study.of({**study.plain, **blocks})
