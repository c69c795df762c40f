"""The journal: what happened to each attempt, one JSON object a line. Written by the keeper only, read by anybody.

accepted: place, scratch, deadline, grace   before anything is started, so that a crash cannot hide a start
started:  pid, identity          once for every try
exited:   as ended               where artifacts have still to be listed
ended:    how it ended           the last word
forgotten                        the end is recorded elsewhere
"""

import contextlib
import json
import os
import time
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

Record: TypeAlias = dict[str, Any]
_BLOCK = 1 << 18
_NAMED = 4


_encode = json.JSONEncoder(separators=(",", ":")).encode


def written(record: Record) -> bytes:
    """A record as it is written and sent; the encoder is made once because making it takes longer than using it."""
    return _encode(record).encode() + b"\n"


class Entry(NamedTuple):
    """One line: what happened, to which attempt, and all of it as it was written."""

    what: str
    name: str
    text: bytes

    @property
    def record(self) -> Record:
        """The line decoded, which takes longer than finding it."""
        return decoded(self.text)


def decoded(text: bytes) -> Record:
    """A line as a record."""
    record: Record = json.loads(text.decode())
    return record


def entry(text: bytes) -> Entry | None:
    """A line as an entry; None for a line that a crash has torn. What and name stand first and need no decoding."""
    parts = text.split(b'"', 4)
    if len(parts) <= _NAMED or not text.endswith(b"}"):
        return None
    return Entry(parts[1].decode(), parts[3].decode(), text)


def entries(descriptor: int, offset: int) -> Iterator[tuple[Entry | None, int]]:
    """Complete lines from an offset on, each with the offset behind it; a line without its end is not there yet."""
    rest = b""
    while block := os.pread(descriptor, _BLOCK, offset + len(rest)):
        *lines, rest = (rest + block).split(b"\n")
        for text in lines:
            offset += len(text) + 1
            yield entry(text), offset


class Journal:
    """The writing end. A full disk keeps lines waiting; `flush` tries again."""

    def __init__(self, path: str) -> None:
        """Open for appending."""
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._waiting = b""
        self.grown_at = float("inf")

    @property
    def blocked(self) -> bool:
        """Whether lines wait for the disk."""
        return bool(self._waiting)

    def append(self, record: Record) -> None:
        """Write one line, or keep it until there is room."""
        self._waiting += written(record)
        self.flush()

    def flush(self) -> None:
        """Write what waits; one write for each line while the disk has room."""
        with contextlib.suppress(OSError):
            while self._waiting:
                # A short write (disk full) leaves the rest waiting, so lines are never torn by it.
                self._waiting = self._waiting[os.write(self._descriptor, self._waiting) :]
                self.grown_at = min(self.grown_at, time.monotonic())


def unforgotten(path: str) -> dict[str, dict[str, bytes]]:
    """The latest line of each sort for every attempt that was not forgotten, in the order of acceptance."""
    attempts: dict[str, dict[str, bytes]] = {}
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), open(path, "rb") as file:  # noqa: PTH123 - pathlib costs start-up time
        for found, _ in entries(file.fileno(), 0):
            if found is None:
                continue
            if found.what == "forgotten":
                attempts.pop(found.name, None)
            elif found.what == "accepted":
                attempts[found.name] = {found.what: found.text}
            elif found.name in attempts:
                attempts[found.name][found.what] = found.text
    return attempts


def compact(path: str) -> dict[str, dict[str, bytes]]:
    """Rewrite the journal without what is forgotten or torn; answers what is left."""
    attempts = unforgotten(path)
    fresh = path + ".new"
    with open(fresh, "wb") as file:  # noqa: PTH123 - see above
        os.fchmod(file.fileno(), 0o600)
        for lines in attempts.values():
            file.writelines(text + b"\n" for text in lines.values())
    os.replace(fresh, path)  # noqa: PTH105 - see above
    return attempts
