"""How the tests are dealt to processes: a file to one, and all that reads the demo to one."""

import pytest


# First: xdist reads the groups in a hook of the same name.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group the tests for ``pytest -n``: fixtures of a module, and the demo, are made once."""
    for item in items:
        group = "demo" if "demo" in getattr(item, "fixturenames", ()) else item.path.name
        item.add_marker(pytest.mark.xdist_group(group))
    # What takes longest begins first, so that the processes end together.
    slow = ("demo", "slurm", "end_to_end", "workflow")

    def rank(item: pytest.Item) -> int:
        names = ["demo" if "demo" in getattr(item, "fixturenames", ()) else "", *item.path.parts]
        return next((place for place, name in enumerate(slow) if name in names), len(slow))

    items.sort(key=rank)
