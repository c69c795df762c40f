"""Printing tables, JSON and YAML. Terminal control characters from trials never reach the terminal."""

import json
from collections.abc import Sequence
from typing import TextIO

from kagit.conditions import last_true
from reconciler import wiring
from reconciler.shell.ledger import Ledger
from repo_layout import emit


def color(out: TextIO) -> bool:
    """Whether `out` is a terminal whose owner has nothing against colour."""
    return out.isatty() and wiring.wants_color()


def objects(found: object, *, output: str, columns: Sequence[str] = (), rows: Sequence[Sequence[object]] = ()) -> None:
    """Print `found` as JSON or YAML, or the rows as a table."""
    if output == "json":
        print(json.dumps(found, indent=2, ensure_ascii=False, default=str))
    elif output == "yaml":
        print(emit.dump(json.loads(json.dumps(found, default=str))), end="")
    else:
        table(columns, rows)


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Left-aligned columns with two spaces between them, as kubectl prints them."""
    lines = [[plain(str(cell)) for cell in row] for row in [columns, *rows]]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def plain(text: str) -> str:
    """Text without control characters, on one line."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def outcome(ledger: Ledger) -> str:
    """How an experiment stands, in one word."""
    if ledger.run is None:
        return "Refused" if ledger.refusal else "Created"
    last = last_true(ledger.run.conditions)
    return last.type if last is not None else "Created"
