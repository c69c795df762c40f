"""`kagit validate`: findings of files, without a cluster, a network or a repository."""

import argparse
import sys

from kagit.findings import has_errors
from reconciler.core.problem import issues
from repo_layout import lint


def run(args: argparse.Namespace) -> int:
    """Print the findings; 1 when one of them is an error."""
    checked = lint.check(args.paths, extra=issues)
    text = lint.format(checked.findings, style=args.format)
    if text:
        print(text, flush=True)
    if args.format != "json":
        print(checked.summary, file=sys.stderr)
    return 1 if has_errors(checked.findings) else 0
