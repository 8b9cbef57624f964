"""Entry point of the `madang` program: the command line with all its commands."""

import sys

from madang.app import commands
from madang.app.cli import app

__all__ = ["commands", "main"]


def main() -> None:
    """Run the command of `sys.argv`."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
