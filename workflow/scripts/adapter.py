"""What every script of the workflow does around its work: log it, and name its process."""

import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any


def logged(main: Callable[[Any], None], snakemake: Any) -> None:
    """Run a script's work with its output in the rule's log.

    Parameters
    ----------
    main : callable
        Takes the ``snakemake`` object.
    snakemake : object
        What Snakemake hands to a script.

    Raises
    ------
    SystemExit
        After an error; its message stands on the terminal, the traceback in the log.
    """
    terminal = sys.stderr
    Path(snakemake.log[0]).parent.mkdir(parents=True, exist_ok=True)
    # A file name need not be text that the terminal's language has.
    options = {"buffering": 1, "encoding": "utf-8", "errors": "backslashreplace"}
    with open(snakemake.log[0], "w", **options) as log:
        sys.stdout = sys.stderr = log
        try:
            main(snakemake)
        except Exception as error:
            traceback.print_exc()
            print(f"{snakemake.rule}: {error}\n(traceback in {snakemake.log[0]})", file=terminal)
            raise SystemExit(1) from None
        finally:
            sys.stdout, sys.stderr = sys.__stdout__, terminal
