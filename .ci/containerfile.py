"""Read a Containerfile: its RUN lines as a script, for machines without a container engine."""

import json
import re
import sys
from pathlib import Path


def instructions(text: str) -> list[tuple[str, str]]:
    """Split a Containerfile into its instructions.

    Parameters
    ----------
    text : str
        The file; a backslash at the end joins lines, ``#`` begins a comment.

    Returns
    -------
    list of tuple of str
        Instruction and argument, for example ``("RUN", "true")``.
    """
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    joined = re.sub(r"\s*\\\n\s*", " ", "\n".join(lines))
    return [tuple(line.split(maxsplit=1)) for line in joined.splitlines()]


def script(text: str) -> str:
    """Write what an image's build runs as a shell script.

    Parameters
    ----------
    text : str
        A Containerfile.

    Returns
    -------
    str
        Variables keep a value that the environment has for them. ``COPY`` is left to the caller; so
        are system packages, in a comment.
    """
    written = ["set -euo pipefail"]
    for name, argument in instructions(text):
        if name == "ARG":
            key, _, value = argument.partition("=")
            written.append(f': "${{{key}={value}}}"')
        elif name == "ENV":
            for pair in argument.split():
                key, _, value = pair.partition("=")
                if key in ("VENV", "APP"):
                    written.append(f': "${{{key}={value}}}"')
        elif name == "RUN" and "apt-get" in argument:
            written.append(f"# left out: {argument}")
        elif name == "RUN":
            written.append(argument)
    return "\n".join(written) + "\n"


def entry(text: str) -> list[str]:
    """Return the command that a container starts with, without its default arguments.

    Parameters
    ----------
    text : str
        A Containerfile.

    Returns
    -------
    list of str
        Of its ``ENTRYPOINT``.
    """
    return json.loads(dict(instructions(text))["ENTRYPOINT"])


if __name__ == "__main__":
    print(script(Path(sys.argv[1]).read_text()), end="")
