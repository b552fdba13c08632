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
    with open(snakemake.log[0], "w", buffering=1) as log:
        sys.stdout = sys.stderr = log
        try:
            main(snakemake)
        except Exception as error:
            traceback.print_exc()
            print(f"{snakemake.rule}: {error}\n(traceback in {snakemake.log[0]})", file=terminal)
            raise SystemExit(1) from None
        finally:
            sys.stdout, sys.stderr = sys.__stdout__, terminal
