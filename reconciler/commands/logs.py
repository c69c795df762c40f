"""`kagit logs`: what a trial has printed."""

import argparse
import sys
from collections.abc import Sequence
from contextlib import closing

from kagit import names
from kagit.errors import NotFound
from kagit.trial import Trial
from kagit.v1beta1 import objects
from reconciler import wiring
from reconciler.adapters.clock import wait
from reconciler.commands.get import named
from reconciler.ports import Cluster, Executor

PIECE = 1 << 20
POLL = 0.25


def run(args: argparse.Namespace) -> int:
    """Copy the output to standard output, bytes as they are; with --follow until the trial is over."""
    with closing(wiring.reader(args.state)) as cluster:
        return _follow(cluster, wiring.output(args.state), args)


def _follow(cluster: Cluster, reader: Executor, args: argparse.Namespace) -> int:
    out = sys.stdout.buffer
    start, skipped = 0, args.tail < 0
    while True:
        trial = objects.trial(named(cluster, kind="Trial", namespace=args.namespace, name=args.trial))
        over = trial.is_over
        name = names.work_name(namespace=args.namespace, trial=trial.name, attempt=trial.attempt)
        try:
            if not skipped:
                start, skipped = _tail_start(reader, name, args.tail, container=args.container), True
            start = _copy(reader, name, start, container=args.container)
        except NotFound:
            if over or not args.follow:
                raise NotFound(_nothing(trial)) from None
        out.flush()
        if over or not args.follow:
            _mention(trial, reader.containers(name), args.container)
            return 0
        wait(POLL)


def _nothing(trial: Trial) -> str:
    if trial.is_over:
        return f"trial {trial.name} left no output here: it never started, or its files were removed"
    return f"trial {trial.name} has not started yet; wait for it with --follow"


def _mention(trial: Trial, others: Sequence[str], asked: str) -> None:
    """Say what else there is to see, beside the output itself."""
    if asked and asked not in others:
        known = f"there are {', '.join(others)}" if others else "leave --container out"
        raise NotFound(f"trial {trial.name} has no output of a container {asked!r}; {known}")
    if others and not asked:
        print(f"more output, with --container NAME: {', '.join(others)}", file=sys.stderr)


def _copy(reader: Executor, name: str, start: int, *, container: str) -> int:
    while True:
        piece = reader.output(name, start=start, limit=PIECE, container=container)
        if not piece.data:
            return start
        sys.stdout.buffer.write(piece.data)
        start = piece.end


def _tail_start(reader: Executor, name: str, lines: int, *, container: str) -> int:
    """Offset of the last lines, found in one pass with bounded memory."""
    ends: list[int] = [0]
    start = 0
    while True:
        piece = reader.output(name, start=start, limit=PIECE, container=container)
        if not piece.data:
            break
        at = piece.data.find(b"\n")
        while at >= 0:
            ends.append(piece.start + at + 1)
            at = piece.data.find(b"\n", at + 1)
        ends = ends[-(lines + 1) :]
        start = piece.end
    if ends[-1] != start:  # the last line has no line end yet
        ends = ends[1:] if len(ends) > lines else ends
    return ends[0] if lines else start
