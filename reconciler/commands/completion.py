"""`kagit completion`: a script for the user's shell."""

import argparse


def run(args: argparse.Namespace) -> int:
    """Print the script."""
    import shtab

    from reconciler.arguments import parser

    print(shtab.complete(parser(), shell=args.shell))
    return 0
