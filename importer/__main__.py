"""`python -m importer` is the command `importer`."""

import sys

from importer.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
