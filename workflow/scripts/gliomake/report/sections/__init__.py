"""The sections of a study's page, in their order: the one list of them.

The page shows them and verification makes their tables again, both along this list. A section is
added by a class and a line in `SECTIONS`.
"""

from gliomake.report.inputs import StudyInputs
from gliomake.report.sections.audit import Claims, Findings
from gliomake.report.sections.base import Section
from gliomake.report.sections.brought import BroughtAlong
from gliomake.report.sections.checklist import Checklist
from gliomake.report.sections.grids import Grids
from gliomake.report.sections.leakage import Leakage
from gliomake.report.sections.pictures import Figures, Slices, Tables
from gliomake.report.sections.probabilities import Probabilities
from gliomake.report.sections.provenance import Data, Provenance, Rebuild
from gliomake.report.sections.scores import Comparison, Scores
from gliomake.report.sections.short import InShort
from gliomake.report.sections.strata import Strata
from gliomake.report.sections.volumes import Volumes

__all__ = ["SECTIONS", "Findings", "InShort", "Scores", "Section", "study_sections"]

SECTIONS: tuple[type[Section], ...] = (
    InShort,
    Findings,
    Claims,
    Scores,
    Comparison,
    Strata,
    Volumes,
    Probabilities,
    Grids,
    Leakage,
    Slices,
    Figures,
    Tables,
    BroughtAlong,
    Data,
    Checklist,
    Provenance,
    Rebuild,
)


def study_sections(inputs: StudyInputs) -> list[Section]:
    """Open every section of a study's page.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.

    Returns
    -------
    list of Section
        In the order of the page, those that it does not show among them.
    """
    return [section(inputs) for section in SECTIONS]
