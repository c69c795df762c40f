"""`kagit report-metric`: a trial says the value of a metric, for the collectors Push, None and Custom.

It starts in a trial, perhaps after every batch, so that it imports next to nothing.
"""

import argparse
import errno
import fcntl
import json
import os
from datetime import UTC, datetime
from pathlib import Path

from kagit.errors import Refused, Unavailable
from reconciler.adapters.clock import SystemClock
from reconciler.core import times
from reconciler.core.numbers import number

TIMESTAMP = "timestamp"


def run(args: argparse.Namespace) -> int:
    """Append one line to the file that the collector reads, whole or not at all."""
    values = _values(args.values)
    if not args.file:
        raise Refused(_elsewhere(args.values[0], trial=args.trial))
    line = json.dumps({TIMESTAMP: _time(args.timestamp), **values}) + "\n"
    try:
        _append(Path(args.file), line.encode())
    except OSError as error:
        raise Unavailable(f"{args.file} cannot be written: {error.strerror}; nothing was reported") from error
    return 0


def _values(given: list[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for one in given:
        name, equals, value = one.rpartition("=")
        name, value = name.strip(), value.strip()
        if not equals or not name:
            raise Refused(f"{one!r} has no name; give NAME=VALUE, e.g. loss=0.5")
        if number(value) is None:
            raise Refused(f"{name} is {value!r}, which is no number; give one, e.g. {name}=0.5")
        if name == TIMESTAMP:
            raise Refused("timestamp is no metric here; give the time with --timestamp")
        if name in values:
            raise Refused(f"{name} is given twice; report one value at a time")
        values[name] = value
    return values


def _time(given: str) -> str:
    if not given:
        now = datetime.fromtimestamp(SystemClock().now(), UTC)
        return now.isoformat(timespec="microseconds").replace("+00:00", "Z")
    time = times.as_text(given) or times.as_epoch(given)
    if not time:
        raise Refused(f"--timestamp is {given!r}; give RFC 3339, e.g. 2024-03-04T17:55:08Z, or seconds since 1970")
    return time


def _elsewhere(example: str, *, trial: str) -> str:
    if trial:
        return (
            f"the metrics collector of trial {trial} does not take reports; let the trial print {example} as a line of "
            "its own, or give the experiment a collector of kind Push"
        )
    return "no trial runs here; call this inside a trial whose metrics collector is Push, or name a file with --file"


def _append(path: Path, line: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        size = os.fstat(descriptor).st_size
        if os.write(descriptor, line) < len(line):
            os.ftruncate(descriptor, size)  # half a line would spoil the next one
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.close(descriptor)
