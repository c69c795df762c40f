"""`kagit query`: read-only SQL on the metrics store."""

import argparse

from reconciler import wiring
from reconciler.commands import show


def run(args: argparse.Namespace) -> int:
    """Print the answer."""
    table = wiring.query(args.state, args.sql)
    found = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    rows = [["" if cell is None else cell for cell in row] for row in table.rows]
    show.objects(found, output=args.output, columns=table.columns, rows=rows)
    return 0
