"""The console script: parses the command line and imports only what the command needs."""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Protocol, cast

from kagit.errors import Broken, KagitError
from reconciler.arguments import parser

EXIT_REFUSED = 1
EXIT_INTERRUPTED = 130


class Command(Protocol):
    """A module of reconciler.commands."""

    def run(self, args: argparse.Namespace) -> int:
        """Do it; the exit code comes back."""
        ...


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command: 0 ok, 1 refused or failed, 2 changes pending (plan) or wrong usage, 130 interrupted."""
    args = parser().parse_args(argv)
    try:
        command = cast("Command", importlib.import_module(f"reconciler.commands.{args.command.replace('-', '_')}"))
        return command.run(args)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_REFUSED
    except Broken as error:
        print(f"kagit is broken, please report this: {error}", file=sys.stderr)
        return EXIT_REFUSED
    except KagitError as error:
        print(f"kagit {args.command}: {error}", file=sys.stderr)
        return EXIT_REFUSED


if __name__ == "__main__":
    sys.exit(main())
