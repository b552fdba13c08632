"""How the tests are marked and dealt to processes: a file to one, what reads the demo to one."""

import hypothesis
import pytest

# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile("gliomake", deadline=None)
hypothesis.settings.load_profile("gliomake")

SLOW_FILES = (
    "test_figures_of_raw_data.py",
    "test_kill_resume.py",
    "test_new_metric.py",
    "test_verify.py",
)


def marks_of(item: pytest.Item) -> list[str]:
    """Say which marks a test has by where it stands; others are marked in their files."""
    folders, file = item.path.parts, item.path.name
    starts = "workflow" in folders and (
        file not in ("test_workflow.py", "test_upgrades.py")
        or "real_start" in item.name
        or "checkout" in getattr(item, "fixturenames", ())
    )
    slow = starts or file in SLOW_FILES or not {"end_to_end", "slurm"}.isdisjoint(folders)
    return [*(["slow"] if slow else []), *(["browser"] if file.startswith("test_browser") else [])]


# First: xdist reads the groups in a hook of the same name.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group the tests for ``pytest -n``: fixtures of a module, and the demo, are made once."""
    for item in items:
        for name in marks_of(item):
            item.add_marker(name)
        group = "demo" if "demo" in getattr(item, "fixturenames", ()) else item.path.name
        item.add_marker(pytest.mark.xdist_group(group))
    # What takes longest begins first, so that the processes end together.
    slow = ("demo", "slurm", "end_to_end", "workflow")

    def rank(item: pytest.Item) -> int:
        names = ["demo" if "demo" in getattr(item, "fixturenames", ()) else "", *item.path.parts]
        return next((place for place, name in enumerate(slow) if name in names), len(slow))

    items.sort(key=rank)
