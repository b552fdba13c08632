"""``python -m gliomake`` is the command ``gliomake``."""

import sys

from gliomake.cli import main

if __name__ == "__main__":
    sys.exit(main())
