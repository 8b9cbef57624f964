"""Entry point of the `madang` program: the command line with all its commands."""

import os
import sys

from madang.app import starting


def main() -> None:
    """Run the command of `sys.argv`."""
    starting.begin()
    os.umask(0o077)  # what is written is its owner's alone, in a directory of whatever rights
    import madang.app.cli
    import madang.app.commands  # its commands join the command line

    try:
        madang.app.cli.app()
    except KeyboardInterrupt:
        sys.exit(130)
