"""From a trial's output to metric readings, with the meaning of Katib's TEXT collector.

The parser is incremental: bytes go in as they come, readings come out, and memory is bounded whatever a trial prints.

* A line ends at LF or CR, so a progress bar is many lines. Bytes need not be UTF-8.
* An unfinished line is kept up to `LONG_LINE` bytes. A longer one is read in pieces: a match is counted in the piece
  where it starts, pieces overlap by `OVERLAP` bytes, and only a match longer than that can be missed.
* A user's filter sees at most `FILTER_WINDOW` bytes at once, because `re` backtracks; longer lines are read in windows
  that overlap by `OVERLAP` bytes. It is applied to bytes, so `.` is one byte of UTF-8.
* `loss=nan` and `loss=-inf` are readings without a value; `loss = abc` is none, but it is counted.
"""

import math
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import compress, repeat
from typing import TypeAlias, cast

from kagit.filters import DEFAULT as DEFAULT_FILTER
from kagit.filters import compiled
from reconciler.core.incremental import Incremental
from reconciler.core.numbers import LONG_TEXT, LONG_WORDS
from reconciler.core.times import at_line
from reconciler.ports import Reading

__all__ = ["DEFAULT_FILTER", "Parser"]

LONG_LINE = 1 << 16
FILTER_WINDOW = 8192
OVERLAP = 1024

_SPACE = rb"[ \t\f\v]*+"
_NUMBER = re.compile(_SPACE + rb"=" + _SPACE + rb"([+-]?(?:\d++(?:\.\d++)?|\.\d++)(?:[Ee][+-]?\d++)?)")
_NON_FINITE = re.compile(
    _SPACE + rb"=" + _SPACE + rb"([+-]?(?:nan|inf(?:inity)?))(?![\w|-]|" + _SPACE + rb"=)", re.IGNORECASE
)
_EQUALS = re.compile(_SPACE + rb"=")
_PAIR = re.compile(rb"([\w|-]++)" + _SPACE + rb"=" + _SPACE + rb"(?:[+-]?\d*(?:\.\d+)?(?:[Ee][+-]?\d+)?)")
_PLAIN_NAME = re.compile(rb"[\w|-]+")
_LIKE_A_VALUE = re.compile(rb"[0-9-]|[Ee][+-]?[0-9]")
_LOOK_BACK = 128
_FRESH, _INSIDE, _UNCLEAR = 0, 1, 2
_BEFORE = bytes(
    _UNCLEAR if byte in b"0123456789-" else _INSIDE if _PLAIN_NAME.match(bytes([byte])) else _FRESH
    for byte in range(256)
)
"""What a byte before a metric's name means: the name is whole, is part of a longer one, or may follow a value."""


_NEWLINE = 10
_DATED = re.compile(rb"T\d\d:\d\d:\d\d")
_Hits: TypeAlias = tuple[list[int], list[bytes]]
"""Matches of one metric, column by column because that is twice as fast: where they start, their values as printed."""
_reading: Callable[..., Reading] = partial(tuple.__new__, Reading)  # pyright: ignore[reportUnknownMemberType]


class Parser(Incremental):
    """Finds the readings of one trial in its output, which is fed in order."""

    def __init__(self, *, trial: str, metrics: Sequence[str], filters: Sequence[str] = (), texts: bool = False) -> None:
        """Take the metric names and Katib's `metricsFormat` filters; Refused for a filter that cannot be used.

        `texts`: what a filter finds is a reading even if it is no number.
        """
        super().__init__(trial=trial, metrics=metrics)
        self._any_name = re.compile(b"|".join(re.escape(name.encode()) for name in metrics if name))
        self._names = {name.encode(): name for name in metrics if name}
        self._patterns = {name: _finder(name) for name in self._names if _PLAIN_NAME.fullmatch(name)}
        self._filters = [compiled(one) for one in filters if one != DEFAULT_FILTER]
        self._default = len(self._filters) < len(filters) or not filters
        self._texts = texts
        self._longest = LONG_WORDS if texts else LONG_TEXT
        self._window = FILTER_WINDOW if self._filters else LONG_LINE
        self._counted = 0
        self._time: str | None = None
        self._reached = 0

    @property
    def consumed(self) -> int:
        """Offset in the output before which everything is counted: read on from here after a restart."""
        return super().consumed + self._counted

    def _take(self, data: bytes) -> list[Reading]:
        if b"\r" in data:
            data = data.replace(b"\r", b"\n")
        buffer = self._rest + data if self._rest else data
        end = buffer.rfind(b"\n") + 1
        readings = self._read(buffer, end, end)
        if end:
            self._rest, self._counted, self._time = buffer[end:], 0, None
        else:
            self._rest = buffer
        if len(self._rest) > self._window:
            readings += self._read_long()
        return readings

    def finish(self) -> list[Reading]:
        """The readings of a last line without a line end; call it when the output is complete."""
        readings = self._read(self._rest, len(self._rest), len(self._rest))
        self._drop()
        return readings

    def _drop(self) -> None:
        self._rest, self._counted, self._time = b"", 0, None

    def _read_long(self) -> list[Reading]:
        """Count what starts in an unfinished long line, but for its last OVERLAP bytes, and keep only those."""
        buffer, stop = self._rest, len(self._rest) - OVERLAP
        time = self._time if self._time is not None else at_line(buffer, 0)
        readings = self._read(buffer, stop, len(buffer))
        keep = max(0, stop - _LOOK_BACK)
        self._rest, self._counted, self._time = buffer[keep:], max(stop, self._counted) - keep, time
        return readings

    def _read(self, buffer: bytes, stop: int, limit: int) -> list[Reading]:
        """Readings that start in buffer[counted:stop], metric by metric; they may reach up to `limit`."""
        self._reached = stop
        found: dict[str, _Hits] = {}
        for name in self._patterns if self._default else ():
            found[self._names[name]] = self._hits(buffer, name, stop, limit)
        for line in self._lines(buffer, stop, limit) if self._filters else ():
            for start, metric, text in self._matches(buffer, line, stop):
                starts, texts = found.setdefault(metric, ([], []))
                starts.append(start)
                texts.append(text)
        if stop < limit:
            self._counted = self._reached
        return self._made(buffer, found) if any(starts for starts, _ in found.values()) else []

    def _made(self, buffer: bytes, found: Mapping[str, _Hits]) -> list[Reading]:
        readings: list[Reading] = []
        time = at_line(buffer, 0) if self._time is None else self._time
        few = sum(len(starts) for starts, _ in found.values()) < len(buffer) >> 11
        dated = bool(time) or few or _DATED.search(buffer) is not None  # for a few it is cheaper to look at their lines
        lines: dict[int, str] = {}
        for metric, hits in found.items():
            starts, texts = self._sorted(buffer, hits)
            times = _times(buffer, starts, time, lines) if dated else repeat("")
            readings += self._numbered(metric, texts, times)
        return readings

    def _sorted(self, buffer: bytes, hits: _Hits) -> _Hits:
        """Hits of all filters in the order of the output, without numbers longer than any number."""
        starts, texts = hits
        if self._filters:
            order = sorted(range(len(starts)), key=starts.__getitem__)
            starts, texts = [starts[i] for i in order], [texts[i] for i in order]
        if texts and max(map(len, texts)) > self._longest:
            for start, text in zip(starts, texts, strict=True):
                if len(text) > self._longest:
                    self._reject(_line(buffer, start))
            kept = [i for i, text in enumerate(texts) if len(text) <= self._longest]
            starts, texts = [starts[i] for i in kept], [texts[i] for i in kept]
        return starts, texts

    def _numbered(self, metric: str, texts: Sequence[bytes], times: Iterable[str]) -> Iterable[Reading]:
        step, count = self._steps[metric], len(texts)
        self._steps[metric] = step + count
        values: list[float | None] = list(map(_value, texts) if self._texts else map(float, texts))
        if not all(map(math.isfinite, cast("list[float]", values))):
            values = [one if one is not None and math.isfinite(one) else None for one in values]
        words = b"\n".join(texts).decode(errors="replace").split("\n") if texts else ()
        # a reading is a tuple, and made of its columns without a step of Python for each
        rows = zip(repeat(self._trial), repeat(metric), range(step, step + count), times, values, words, strict=False)
        return map(_reading, rows)

    def _hits(self, buffer: bytes, name: bytes, stop: int, limit: int) -> _Hits:
        """Matches of the default filter for one name: find it, then look at what stands before and behind it."""
        found = list(self._patterns[name].finditer(buffer, self._counted, limit))
        starts = [one.start() for one in found]
        if stop < limit:
            del found[bisect_left(starts, stop) :]
            del starts[len(found) :]
        if not found:
            return [], []
        texts: list[bytes | None] = [one[1] for one in found]
        self._reached = max(self._reached, found[-1].end())
        before = bytes([buffer[at - 1] if at else _NEWLINE for at in starts])
        kinds = before.translate(_BEFORE)
        if _INSIDE in kinds:
            whole = [kind != _INSIDE for kind in kinds]
            starts, texts = list(compress(starts, whole)), list(compress(texts, whole))
            kinds = bytes(compress(kinds, whole))
        if None not in texts and not any(kinds):
            return starts, cast("list[bytes]", texts)
        hits: _Hits = [], []
        for at, text, kind in zip(starts, texts, kinds, strict=True):
            sure = text if not kind else None
            if sure is None:
                better = self._second_look(buffer, at, at + len(name), limit)
                if better is None:
                    continue
                sure = better[1]
                self._reached = max(self._reached, better.end())
            hits[0].append(at)
            hits[1].append(sure)
        return hits

    def _second_look(self, buffer: bytes, at: int, end: int, limit: int) -> re.Match[bytes] | None:
        """The match for a name at [at:end] that has no number behind it, or that may be a part of something else."""
        if _EQUALS.match(buffer, end, limit) is None or not _starts_here(buffer, at, end):
            return None
        found = _NUMBER.match(buffer, end, limit) or _NON_FINITE.match(buffer, end, limit)
        if found is None:
            self._reject(_line(buffer, at))
        return found

    def _lines(self, buffer: bytes, stop: int, limit: int) -> Iterator[tuple[int, int]]:
        """Where the lines (or what is not counted of them) begin and end that contain the name of a metric."""
        at = self._counted
        while at < stop and (found := self._any_name.search(buffer, at, limit)) is not None and found.start() < stop:
            begin = max(buffer.rfind(b"\n", self._counted, found.start()) + 1, self._counted)
            end = buffer.find(b"\n", found.start(), limit)
            end = limit if end < 0 else end
            yield begin, end
            at = end + 1

    def _matches(self, buffer: bytes, line: tuple[int, int], stop: int) -> Iterator[tuple[int, str, bytes]]:
        """Matches of the user's filters in one line, read in windows."""
        for pattern in self._filters:
            begin, end = line
            while begin < min(end, stop):
                window = buffer[begin : min(end, begin + FILTER_WINDOW)]
                counted = len(window) if begin + len(window) == end else len(window) - OVERLAP
                reached = counted
                for found in pattern.finditer(window):
                    if found.start() >= min(counted, stop - begin):
                        break
                    reached = max(reached, found.end())
                    self._reached = max(self._reached, begin + found.end())
                    name, text = (found[1] or b"").strip(), (found[2] or b"").strip()
                    if name in self._names:
                        yield from self._checked(buffer, begin + found.start(), self._names[name], text)
                begin += reached

    def _checked(self, buffer: bytes, start: int, metric: str, text: bytes) -> Iterator[tuple[int, str, bytes]]:
        if _is_number(text) or (self._texts and text):
            yield start, metric, text
        else:
            self._reject(_line(buffer, start))


def _finder(name: bytes) -> re.Pattern[bytes]:
    """Finds a name and the number behind it, if any; for a name that a value could swallow, only the name."""
    behind = rb"(\Z.)?" if _LIKE_A_VALUE.match(name) else rb"(?:" + _NUMBER.pattern + rb")?"
    return re.compile(re.escape(name) + behind)


def _is_number(text: bytes) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return b"_" not in text


def _value(text: bytes) -> float:
    return float(text) if _is_number(text) else math.nan


def _line(buffer: bytes, at: int) -> bytes:
    return buffer[at : at + 120].partition(b"\n")[0]


def _times(buffer: bytes, starts: Sequence[int], time: str, lines: dict[int, str]) -> Iterator[str]:
    """The time of the line of each start; `time` is that of the first line, `lines` keeps those of all others."""
    last, rfind = 0, buffer.rfind
    for start in starts:
        newline = rfind(b"\n", last, start)
        if newline >= 0:
            known = lines.get(newline)
            time = lines[newline] = at_line(buffer, newline + 1) if known is None else known
        last = start
        yield time


def _starts_here(buffer: bytes, at: int, end: int) -> bool:
    """Whether Katib's pattern, scanning the line from the left, has a match that begins with the name at [at:end]."""
    begin = max(buffer.rfind(b"\n", 0, at) + 1, at - _LOOK_BACK)
    for pair in _PAIR.finditer(buffer, begin, end + _LOOK_BACK):
        if pair.start() >= at:
            return pair.span(1) == (at, end)
    return False
