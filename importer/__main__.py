"""`python -m importer` is the command `importer`."""

import sys

from importer.cli.main import run_as_process

if __name__ == "__main__":
    sys.exit(run_as_process())
