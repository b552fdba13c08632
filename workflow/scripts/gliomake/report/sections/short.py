"""The section that a page opens with: what was asked, what was found, which model is best."""

from functools import cached_property
from typing import Any, ClassVar

from gliomake.report import comparisons, verdicts
from gliomake.report.sections.base import Section


class InShort(Section):
    """The study's question and its answer in plain sentences."""

    id: ClassVar[str] = "short"
    title: ClassVar[str] = "In short"
    template: ClassVar[str] = "sections/short.html.j2"

    @cached_property
    def answer(self) -> verdicts.Answer:
        """The audit's findings and the counts of its verdicts."""
        return verdicts.answer(self.inputs)

    @cached_property
    def best(self) -> dict[str, Any]:
        """The best model and the next; empty where no model has a Dice."""
        return comparisons.best_and_next(self.inputs, self.book)

    @property
    def is_shown(self) -> bool:
        """Whether there is anything to say."""
        return bool(self.best) or self.answer.total > 0

    def numbers(self) -> list[Any]:
        """List the scores of the best model and the next, and their difference."""
        _ = self.best
        return super().numbers()
