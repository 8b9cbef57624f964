"""Entry point of the `madang` program: the command line with all its commands."""

import sys

from madang.app import starting


def main() -> None:
    """Run the command of `sys.argv`."""
    starting.begin()
    import madang.app.cli
    import madang.app.commands  # its commands join the command line

    try:
        madang.app.cli.app()
    except KeyboardInterrupt:
        sys.exit(130)
