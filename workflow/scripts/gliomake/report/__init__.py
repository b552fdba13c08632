"""The report: an index, a page a study, a card a model, and the provenance of every number."""

from gliomake.report.index import build_index, write_index
from gliomake.report.inputs import StudyInputs, study_inputs
from gliomake.report.page import build_report, build_study_page, write_study
from gliomake.report.run_files import RunFiles

__all__ = [
    "RunFiles",
    "StudyInputs",
    "build_index",
    "build_report",
    "build_study_page",
    "study_inputs",
    "write_index",
    "write_study",
]
