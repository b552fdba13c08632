"""Pages of the documentation that are made of what the project has already, so that none is older.

MkDocs calls `on_files` and `on_page_markdown`. What is here: the pages of the data sets (their
section of config/README.md, their classes), the reference (schemas, files, command line), and the
READMEs. Links from a page to files outside of docs/ lead to these pages; a file that is on no page
is shown by its name.
"""

import argparse
import io
import os
import re
import sys
from contextlib import redirect_stdout, suppress
from inspect import getdoc
from pathlib import Path
from typing import Any

import yaml
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from gliomake import cli  # noqa: E402
from gliomake.study import paths  # noqa: E402

PAGES = {
    "config/README.md": "reference/configuration.md",
    "README.md": "reference/readme.md",
    "benchmarks/README.md": "reference/benchmarks.md",
    "reports/reference/README.md": "reference/real-runs.md",
}
"""Files outside of docs/ that are pages, and where."""
SCHEMAS = {
    "study": "A study's file",
    "data-set": "A data set's page",
    "config": "config.yaml",
}
DATASETS = ("lgg", "brats2020", "brats2021", "coco")
LIBRARY = {
    "Scores of counts": ["gliomake.scoring.scores", "gliomake.scoring.counts"],
    "Distances and lesions": ["gliomake.scoring.distances", "gliomake.scoring.lesions"],
    "Predictions of elsewhere": ["gliomake.brought.source"],
    "New scans": ["gliomake.infer.predict"],
}
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)#\s]+)(#[^)]*)?\)")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are made."""
    made = {place: (ROOT / source).read_text() for source, place in PAGES.items()}
    for name, title in SCHEMAS.items():
        made[f"reference/{name}.md"] = _schema_page(name.replace("data-set", "dataset"), title)
    for name in DATASETS:
        made[f"data/{name}.md"] = _data_page(name)
    made["reference/files.md"] = _files_page()
    made["reference/commands.md"] = _commands_page()
    made["reference/library.md"] = _library_page()
    for place, text in made.items():
        files.append(File.generated(config, place, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Lead links out of docs/ to where their file is a page."""
    place = page.file.src_uri
    sources = {target: source for source, target in PAGES.items()}
    here = Path(sources.get(place, f"docs/{place}")).parent
    if place.startswith("data/"):
        here = Path("config")

    def lead(match: re.Match[str]) -> str:
        image, text, target, anchor = match.groups()
        if "://" in target or target.startswith("mailto:"):
            return match[0]
        path = os.path.normpath(here / target)
        inside = PAGES.get(path) or (path.removeprefix("docs/") if path.startswith("docs/") else "")
        if inside.endswith("extend"):
            inside += "/README.md"
        if inside and files.get_file_from_path(inside):
            link = os.path.relpath(inside, Path(place).parent)
            return f"{image}[{text}]({link}{anchor or ''})"
        return "" if image else f"{text} (`{path}`)" if text != path else f"`{path}`"

    return LINK.sub(lead, markdown)


def _schema_page(name: str, title: str) -> str:
    schema = yaml.safe_load((ROOT / f"workflow/schemas/{name}.schema.yaml").read_text())
    lines = [f"# {title}", "", schema.get("description", ""), ""]
    lines += ["| key | kind | default | meaning |", "|---|---|---|---|"]
    lines += _keys(schema, schema, "")
    return "\n".join(lines) + "\n"


def _keys(block: dict[str, Any], schema: dict[str, Any], above: str) -> list[str]:
    """Return a row of the table for each key of a block, and for those within it."""
    block = _resolved(block, schema)
    rows = []
    for name, raw in block.get("properties", {}).items():
        part = _resolved(raw, schema)
        key = f"{above}{name}"
        default = f"`{part['default']}`" if "default" in part else ""
        rows.append(f"| `{key}` | {_kind(part)} | {default} | {_said(raw, part)} |")
        rows += _keys(part, schema, f"{key}.")
    further = block.get("additionalProperties")
    if isinstance(further, dict) and (inner := _keys(further, schema, f"{above}<name>.")):
        rows += inner
    return rows


def _resolved(block: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    reference = block.get("$ref", "")
    if not reference.startswith("#/"):
        return block
    found: Any = schema
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return {**found, **{key: value for key, value in block.items() if key != "$ref"}}


def _kind(part: dict[str, Any]) -> str:
    if "enum" in part:
        return ", ".join(f"`{each}`" for each in part["enum"])
    kinds = part.get("type", "")
    words = kinds if isinstance(kinds, str) else " or ".join(kinds)
    bounds = [
        f"{word} {part[key]}"
        for key, word in (("minimum", "from"), ("exclusiveMinimum", "above"), ("maximum", "to"))
        if key in part
    ]
    return " ".join([words, *bounds])


def _said(raw: dict[str, Any], part: dict[str, Any]) -> str:
    text = raw.get("description") or part.get("description") or ""
    return " ".join(str(text).split()).replace("|", "\\|").replace("<", "&lt;")


def _data_page(name: str) -> str:
    page = yaml.safe_load((ROOT / f"config/datasets/{name}.yaml").read_text())
    text = (ROOT / "config/README.md").read_text()
    section = text.split(f"\n### {name}\n", 1)[1]
    section = re.split(r"\n###? ", section, maxsplit=1)[0].strip()
    classes = [
        f"| `{key}` | {block.get('title', key)} | {block['colour']} |"
        for key, block in page["classes"].items()
    ]
    return "\n".join(
        [
            f"# {page['title']}",
            "",
            f"![Slices of {page['title']}](../docs/figures/data-{name}.png)",
            "",
            "Synthetic images in the layout of this data set, drawn for the tests and the quick "
            "run: no patient is shown. The outline is the mask.",
            "",
            section,
            "",
            "## Channels and classes",
            "",
            f"Channels: {', '.join(f'`{each}`' for each in page['channels'])}.",
            "",
            "| class | is | colour in figures |",
            "|---|---|---|",
            *classes,
            "",
            f"To use it, set its root: `--config datasets='{{{name}: {{root: path/to/folder}}}}'`, "
            "or fill it in in `config/paper.yaml`. [All keys](README.md#a-data-sets-page)",
            "",
        ]
    )


def _files_page() -> str:
    lines = ["# Files", "", "Every file that the workflow writes is spelled once, in"]
    lines += ["`gliomake/study/paths.py`. `{...}` are wildcards.", ""]
    root = paths.Paths()
    groups = {
        "Of a data set": root.data("{dataset}"),
        "Of a study": root.study("{study}"),
        "Of a run": root.run("{study}", "{model}", "{run}"),
        "Of the report": root.report,
    }
    for title, group in groups.items():
        lines += [f"## {title}", "", "| file | what |", "|---|---|"]
        for name, value in vars(type(group)).items():
            if isinstance(value, property) and not name.startswith("_"):
                with suppress(Exception):
                    found = getattr(group, name)
                    if isinstance(found, Path):
                        said = " ".join((getdoc(value) or "").split())
                        lines.append(f"| `{found}` | {said} |")
        lines.append("")
    return "\n".join(lines)


def _commands_page() -> str:
    parser = cli.parser()
    lines = [
        "# Commands",
        "",
        "`gliomake` is in `.venv/bin`; `python -m gliomake` is the same.",
        "",
    ]
    lines += ["```text", _help(parser), "```", ""]
    actions = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    for name, command in actions[0].choices.items():
        lines += [f"## gliomake {name}", "", "```text", _help(command), "```", ""]
    return "\n".join(lines)


def _help(parser: argparse.ArgumentParser) -> str:
    os.environ["COLUMNS"] = "96"
    with redirect_stdout(io.StringIO()) as text:
        parser.print_help()
    return text.getvalue().rstrip()


def _library_page() -> str:
    lines = ["# Library", "", "What a program of your own may call, from `workflow/scripts`.", ""]
    for title, modules in LIBRARY.items():
        lines += [f"## {title}", ""]
        for module in modules:
            lines += [f"::: {module}", ""]
    return "\n".join(lines)
