"""Command line: `python -m service [command]`, settings from the environment and .env."""

import sys

from service.cli import main

if __name__ == "__main__":
    sys.exit(main())
