"""From a trial's output to metric readings, with the meaning of Katib's TEXT collector.

The parser is incremental: bytes go in as they come, readings come out, and memory is bounded whatever a trial prints.

* A line ends at LF or CR, so a progress bar is many lines. Bytes need not be UTF-8.
* An unfinished line is kept up to `LONG_LINE` bytes. A longer one is read in pieces: a match is counted in the piece
  where it starts, pieces overlap by `OVERLAP` bytes, and only a match longer than that can be missed.
* A user's filter sees at most `FILTER_WINDOW` bytes at once, because `re` backtracks; longer lines are read in windows
  that overlap by `OVERLAP` bytes. It is applied to bytes, so `.` is one byte of UTF-8.
* `loss=nan` and `loss=-inf` are readings without a value; `loss = abc` is none, but it is counted.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import TypeAlias

from kagit.filters import DEFAULT as DEFAULT_FILTER
from kagit.filters import compiled
from reconciler.core.tally import Tally
from reconciler.ports import Reading

__all__ = ["DEFAULT_FILTER", "Parser", "Tally"]

LONG_LINE = 1 << 16
FILTER_WINDOW = 8192
OVERLAP = 1024
LONG_TEXT = 256

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
_STAMP = re.compile(
    rb"(\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(\.\d+)?"
    rb"(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)(?=[ \n]|\Z)"
)
_LOWEST, _HIGHEST = -sys.float_info.max, sys.float_info.max
_FRESH, _INSIDE, _UNCLEAR = 0, 1, 2
_BEFORE = bytes(
    _UNCLEAR if byte in b"0123456789-" else _INSIDE if _PLAIN_NAME.match(bytes([byte])) else _FRESH
    for byte in range(256)
)
"""What a byte before a metric's name means: the name is whole, is part of a longer one, or may follow a value."""
_DIGITS = frozenset(b"0123456789")


_Hit: TypeAlias = tuple[int, int, str, bytes]
"""A match: where it starts and ends, which metric, its value as printed."""


class Parser:
    """Finds the readings of one trial in its output, which is fed in order."""

    def __init__(self, *, trial: str, metrics: Sequence[str], filters: Sequence[str] = ()) -> None:
        """Take the metric names and Katib's `metricsFormat` filters; Refused for a filter that cannot be used."""
        self.rejected = 0
        """How many times a metric's name came with something that is no number."""
        self.rejected_example = ""
        """The first such place, at most 120 characters."""
        self.lost = 0
        """Bytes that were gone before they could be read."""
        self._trial = trial
        self._any_name = re.compile(b"|".join(re.escape(name.encode()) for name in metrics if name))
        self._names = {name.encode(): name for name in metrics if name}
        self._patterns = {name: _finder(name) for name in self._names if _PLAIN_NAME.fullmatch(name)}
        self._filters = [compiled(one) for one in filters if one != DEFAULT_FILTER]
        self._default = len(self._filters) < len(filters) or not filters
        self._window = FILTER_WINDOW if self._filters else LONG_LINE
        self._steps = dict.fromkeys(metrics, 0)
        self._rest = b""
        self._counted = 0
        self._time: str | None = None
        self._fed = 0

    @property
    def consumed(self) -> int:
        """Offset in the output before which everything is counted: read on from here after a restart."""
        return self._fed - len(self._rest) + self._counted

    def resume(self, *, offset: int, counts: Mapping[str, int]) -> None:
        """Go on at `offset` of the output, where each metric had `counts` readings: steps come out as before."""
        self._rest, self._counted, self._time, self._fed = b"", 0, None, offset
        self._steps = {name: counts.get(name, 0) for name in self._steps}

    def feed(self, data: bytes, start: int | None = None) -> list[Reading]:
        """The readings completed by `data`; its offset `start` shows a gap (rotated away) or an overlap."""
        if start is not None and start != self._fed:
            data = self._aligned(data, start)
        self._fed += len(data)
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
        self._rest, self._counted, self._time = b"", 0, None
        return readings

    def _aligned(self, data: bytes, start: int) -> bytes:
        if start < self._fed:
            return data[self._fed - start :]
        self.lost += start - self.consumed
        self._rest, self._counted, self._time, self._fed = b"", 0, None, start
        return data

    def _read_long(self) -> list[Reading]:
        """Count what starts in an unfinished long line, but for its last OVERLAP bytes, and keep only those."""
        buffer, stop = self._rest, len(self._rest) - OVERLAP
        time = self._time if self._time is not None else _stamp(buffer, 0)
        readings = self._read(buffer, stop, len(buffer))
        keep = max(0, stop - _LOOK_BACK)
        self._rest, self._counted, self._time = buffer[keep:], max(stop, self._counted) - keep, time
        return readings

    def _read(self, buffer: bytes, stop: int, limit: int) -> list[Reading]:
        """Readings that start in buffer[counted:stop]; they may reach up to `limit`."""
        hits: list[_Hit] = []
        if self._default:
            for name in self._patterns:
                hits += self._hits(buffer, name, stop, limit)
        if self._filters:
            for line in self._lines(buffer, stop, limit):
                hits += self._matches(buffer, line, stop)
        if self._default and (len(self._names) > 1 or self._filters):
            hits.sort(key=itemgetter(0))
        if stop < limit:
            self._counted = max(stop, *(hit[1] for hit in hits), 0)
        return self._numbered(buffer, hits) if hits else []

    def _numbered(self, buffer: bytes, hits: Iterable[_Hit]) -> list[Reading]:
        readings: list[Reading] = []
        trial, steps, rfind, reading = self._trial, self._steps, buffer.rfind, Reading._make
        last, time = 0, _stamp(buffer, 0) if self._time is None else self._time
        for start, _, metric, text in hits:
            newline = rfind(b"\n", last, start)
            if newline >= 0:
                time = _stamp(buffer, newline + 1) if buffer[newline + 1] in _DIGITS else ""
            last = start
            if len(text) > LONG_TEXT:
                self._reject(buffer, start)
                continue
            number = float(text)
            value = number if _LOWEST <= number <= _HIGHEST else None
            step = steps[metric]
            steps[metric] = step + 1
            readings.append(reading((trial, metric, step, time, value, text.decode("ascii"))))
        return readings

    def _hits(self, buffer: bytes, name: bytes, stop: int, limit: int) -> list[_Hit]:
        """Matches of the default filter for one name: find it, then look at what stands before and behind it."""
        hits: list[_Hit] = []
        metric, size, before = self._names[name], len(name), _BEFORE
        for found in self._patterns[name].finditer(buffer, self._counted, limit):
            at, end = found.span()
            if at >= stop:
                break
            text = found[1]
            if text is None or (at and before[buffer[at - 1]]):
                better = self._second_look(buffer, at, at + size, limit)
                if better is None:
                    continue
                end, text = better.end(), better[1]
            hits.append((at, end, metric, text))
        return hits

    def _second_look(self, buffer: bytes, at: int, end: int, limit: int) -> re.Match[bytes] | None:
        """The match for a name at [at:end] that has no number behind it, or that may be a part of something else."""
        before = _BEFORE[buffer[at - 1]] if at else _FRESH
        if before == _INSIDE or _EQUALS.match(buffer, end, limit) is None or not _starts_here(buffer, at, end):
            return None
        found = _NUMBER.match(buffer, end, limit) or _NON_FINITE.match(buffer, end, limit)
        if found is None:
            self._reject(buffer, at)
        return found

    def _lines(self, buffer: bytes, stop: int, limit: int) -> Iterator[tuple[int, int]]:
        """Where the lines (or what is not counted of them) begin and end that contain the name of a metric."""
        found = self._any_name.search(buffer, self._counted, limit)
        while found is not None and found.start() < stop:
            begin = max(buffer.rfind(b"\n", self._counted, found.start()) + 1, self._counted)
            end = buffer.find(b"\n", found.start(), limit)
            end = limit if end < 0 else end
            yield begin, end
            found = self._any_name.search(buffer, end, limit)

    def _matches(self, buffer: bytes, line: tuple[int, int], stop: int) -> Iterator[_Hit]:
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
                    name, text = (found[1] or b"").strip(), (found[2] or b"").strip()
                    if name in self._names:
                        yield from self._checked(buffer, begin + found.start(), begin + found.end(), (name, text))
                begin += reached

    def _checked(self, buffer: bytes, start: int, end: int, pair: tuple[bytes, bytes]) -> Iterator[_Hit]:
        name, text = pair
        if _is_number(text):
            yield start, end, self._names[name], text
        else:
            self._reject(buffer, start)

    def _reject(self, buffer: bytes, at: int) -> None:
        self.rejected += 1
        if not self.rejected_example:
            self.rejected_example = buffer[at : at + 120].partition(b"\n")[0].decode(errors="replace").strip()


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


def _stamp(buffer: bytes, at: int) -> str:
    """The line's first token if it is an RFC 3339 time, else the empty text (Katib's zero time)."""
    if at == len(buffer) or buffer[at] not in _DIGITS:
        return ""
    found = _STAMP.match(buffer, at, at + 64)
    if found is None:
        return ""
    try:
        datetime.fromisoformat(found[1].decode("ascii"))
    except ValueError:
        return ""
    return found[0].decode("ascii")


def _starts_here(buffer: bytes, at: int, end: int) -> bool:
    """Whether Katib's pattern, scanning the line from the left, has a match that begins with the name at [at:end]."""
    begin = max(buffer.rfind(b"\n", 0, at) + 1, at - _LOOK_BACK)
    for pair in _PAIR.finditer(buffer, begin, end + _LOOK_BACK):
        if pair.start() >= at:
            return pair.span(1) == (at, end)
    return False
