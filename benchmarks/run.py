"""Every number that the docs quote: `make bench`, or `python benchmarks/run.py [--only NAME] [--quick] [--json FILE]`.

Nothing fails because something is slow: each line says what the target is and whether it was met.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import asks
import engine
import insights
import rooms
import scale
import stopping
import templates
import unchanged
from lines import Line, Wishes

BENCHMARKS: dict[str, Callable[[Wishes], Iterator[Line]]] = {
    "engine": engine.against_plain,
    "optuna": engine.against_optuna,
    "run": engine.whole_run,
    "cost": scale.cost,
    "memory": scale.memory,
    "start": rooms.start_up,
    "validate": rooms.validating,
    "unchanged": unchanged.lines,
    "queue": unchanged.queue,
    "collector": rooms.collecting,
    "store": rooms.storing,
    "report": rooms.reporting,
    "stopping": stopping.lines,
    "templates": templates.rendering,
    "asks": asks.asking,
    "insights": insights.lines,
}


def main() -> None:
    """Measure what is asked for, all by default, one line at a time."""
    parser = argparse.ArgumentParser(description="every number that the docs quote")
    parser.add_argument("--only", metavar="NAME", action="append", choices=BENCHMARKS, help=", ".join(BENCHMARKS))
    parser.add_argument("--quick", action="store_true", help="fewer rounds and smaller amounts: a first impression")
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write the lines there")
    parser.add_argument("--markdown", metavar="FILE", type=Path, help="also write them there as a table")
    asked = parser.parse_args()
    wishes = Wishes(quick=asked.quick, progress=_progress)
    lines: list[Line] = []
    print(_machine(), flush=True)
    for name in asked.only or BENCHMARKS:
        begin = time.perf_counter()
        print(f"\n{name}", flush=True)
        for line in BENCHMARKS[name](wishes):
            _progress("")
            print(line, flush=True)
            lines.append(line)
        _progress("")
        print(f"({time.perf_counter() - begin:.0f} s, load {os.getloadavg()[0]:.1f})", flush=True)
    missed = [line for line in lines if line.met is False]
    print(f"\n{sum(line.met is True for line in lines)} targets met, {len(missed)} not met; {_machine()}")
    if asked.json:
        found = [{**asdict(line), "met": line.met} for line in lines]
        asked.json.write_text(json.dumps({"machine": _machine(), "lines": found}, indent=1, ensure_ascii=False) + "\n")
    if asked.markdown:
        asked.markdown.write_text(_table(lines), encoding="utf-8")


def _table(lines: Sequence[Line]) -> str:
    rows = ["| what | value | target | | how |", "|---|---|---|---|---|"]
    for line in lines:
        verdict = {None: "", True: "met", False: "**not met**"}[line.met]
        cells = (line.name.strip(), f"{line.number} {line.unit}", line.target, verdict, line.about)
        rows.append("".join(f"| {cell} " for cell in cells) + "|")
    return f"{_machine()}\n\n" + "\n".join(rows) + "\n"


def _machine() -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return f"{platform.system()} {platform.machine()}, {cores} cores, Python {platform.python_version()}, load {load}"


def _progress(text: str) -> None:
    """What is measured now, on a terminal only."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
