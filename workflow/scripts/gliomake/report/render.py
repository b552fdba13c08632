"""How a page is put together from its template."""

import json
import shlex
from functools import cache, partial
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

import gliomake
from gliomake.report import findings
from gliomake.report.lesions import DISTANCES
from gliomake.report.verdicts import KINDS
from gliomake.report.words import RULE_MEANINGS, SUBSETS, counted, tight

TEMPLATES = Path(__file__).parents[4] / "reports" / "templates"
PAGE_BYTES = 15_000_000


class PageSizeError(ValueError):
    """A page that has grown beyond what opens well from disk."""


@cache
def environment(templates: Path = TEMPLATES) -> jinja2.Environment:
    """Open the templates.

    Parameters
    ----------
    templates : Path
        Their folder.

    Returns
    -------
    Environment
        An unknown name in a template is an error; all text is escaped.
    """
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates),
        autoescape=lambda name: name is not None and ".html" in name,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals |= {
        "version": gliomake.__version__,
        "rules": RULE_MEANINGS,
        "subsets": SUBSETS,
        "counted": counted,
        "distances": DISTANCES,
        "verdict_kinds": KINDS,
        "finding_kinds": findings.KINDS,
        # The style sheet and the scripts are our own text and go into the page as they are.
        "asset": lambda name: Markup((templates / name).read_text()),
    }
    found.filters |= {"script_json": script_json, "tight": tight}
    return found


def script_json(value: Any) -> Markup:
    """Write JSON that may stand inside a ``script`` element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c"))


def _command(options: str, cores: str, target: object) -> str:
    return " ".join(filter(None, ["snakemake", cores, str(target), options]))


def _directory(options: str) -> list[str]:
    """Name the folder of an experiment, which is not the one in which the reader starts."""
    names = [word.partition("=") for word in shlex.split(options)]
    folders = [f"experiments/{name}" for key, _, name in names if key == "experiment"]
    return ["--directory", shlex.quote(folders[0])] if folders else []


def page_commands(options: str = "") -> dict[str, Any]:
    """Give the commands that a page prints.

    Parameters
    ----------
    options : str
        What each must repeat.

    Returns
    -------
    dict
        ``build`` (a function of the target), ``verify`` and ``verify_deep``; ``check``, which a
        number's id follows.
    """
    commands: dict[str, Any] = {"build": partial(_command, options, "--cores 2")}
    commands["verify"] = "make verify"
    commands["verify_deep"] = "make verify DEEP=1"
    commands["check"] = " ".join(["gliomake check", *_directory(options)])
    if options:
        commands["verify"] = _command(options, "--cores 1", "verify")
        commands["verify_deep"] = _command(options, "--cores 1", "verify_deep")
    return commands


def render(template: str, page: str, *, options: str = "", **context: Any) -> str:
    """Fill a template.

    Parameters
    ----------
    template : str
        Its file name.
    page : str
        The page's file name, for messages.
    options : str
        What a printed command must repeat.
    **context
        What the template shows.

    Returns
    -------
    str
        The page.

    Raises
    ------
    PageSizeError
        The page is larger than 15 MB.
    """
    html = environment().get_template(template).render(commands=page_commands(options), **context)
    size = len(html.encode())
    if size > PAGE_BYTES:
        raise PageSizeError(
            f"{page}: {size / 1e6:.1f} MB, expected at most {PAGE_BYTES / 1e6:.0f} MB; show fewer "
            "figures or list fewer runs in the study's file"
        )
    return html
