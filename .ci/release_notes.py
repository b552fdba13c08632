"""Print the notes of a release: the section of CHANGELOG.md of the version in pyproject.toml."""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def release_notes(tag: str, root: Path = ROOT) -> str:
    """Return what CHANGELOG.md says of a version.

    Parameters
    ----------
    tag : str
        ``v<version>``.
    root : Path
        The checkout.

    Returns
    -------
    str
        The section's text, without its heading.

    Raises
    ------
    ValueError
        The tag is not the version of pyproject.toml, or the version has no section.
    """
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    if tag != f"v{version}":
        raise ValueError(f"found the tag {tag}; pyproject.toml has the version {version}")
    text = (root / "CHANGELOG.md").read_text()
    found = re.search(rf"^## {re.escape(version)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    if not found or not found[1].strip():
        raise ValueError(f"CHANGELOG.md has no section {version}: write one")
    return found[1].strip()


if __name__ == "__main__":
    try:
        print(release_notes(sys.argv[1]))
    except (ValueError, IndexError) as error:
        sys.exit(f"release_notes: {error}")
