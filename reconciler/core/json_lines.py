"""From lines of JSON to readings, with the meaning of Katib's JSON collector, and more of them.

Each line is an object of its own: `{"timestamp": "2024-03-04T17:55:08Z", "loss": 0.5}`. A value may be a number, which
Katib does not read, or a text; it stays as printed. A line that is no object is counted and skipped, where Katib gives
up on the whole file. A time is RFC 3339, or a number since 1970, of which Katib misreads the fraction. Where a key
stands twice, the last one counts.
"""

import json
import re
from collections.abc import Sequence
from typing import Any, cast

from reconciler.core import times
from reconciler.core.incremental import Incremental
from reconciler.core.numbers import number
from reconciler.ports import Reading

LONGEST_LINE = 1 << 20
"""Bytes of a line, after which it is skipped: memory stays bounded whatever a trial writes."""
TIMESTAMP = "timestamp"


class _Number(str):
    """A number as it was printed."""

    __slots__ = ()


_DECODER = json.JSONDecoder(parse_float=_Number, parse_int=_Number, parse_constant=_Number, strict=False)


class JsonLines(Incremental):
    """Finds the readings of one trial in lines of JSON, which are fed in order."""

    def __init__(self, *, trial: str, metrics: Sequence[str]) -> None:
        super().__init__(trial=trial, metrics=metrics)
        # a name may be written with escapes; lines with neither name nor escape are not looked into
        self._any_name = re.compile(b"|".join([rb"\\", *(re.escape(name.encode()) for name in metrics if name)]))
        self._skipping = False

    def finish(self) -> list[Reading]:
        """The readings of a last line without a line end; call it when the file is complete."""
        rest, self._rest = self._rest, b""
        return self._read(rest)

    def _take(self, data: bytes) -> list[Reading]:
        if self._skipping:
            end = data.find(b"\n") + 1
            if not end:
                return []
            data, self._skipping = data[end:], False
        buffer = self._rest + data if self._rest else data
        end = buffer.rfind(b"\n") + 1
        self._rest = buffer[end:]
        if len(self._rest) > LONGEST_LINE:
            self._reject(self._rest)
            self._rest, self._skipping = b"", True
        return self._read(buffer[:end])

    def _drop(self) -> None:
        super()._drop()
        self._skipping = False

    def _read(self, lines: bytes) -> list[Reading]:
        readings: list[Reading] = []
        at = 0
        while (found := self._any_name.search(lines, at)) is not None and at < len(lines):
            begin = lines.rfind(b"\n", 0, found.start()) + 1
            end = lines.find(b"\n", found.start())
            at = (end if end >= 0 else len(lines)) + 1
            self._line(lines[begin : at - 1], readings)
        return readings

    def _line(self, line: bytes, readings: list[Reading]) -> None:
        try:
            said: Any = _DECODER.decode(line.decode(errors="replace").strip("\ufeff\0 \t\r"))
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict):
            self._reject(line)
            return
        given = cast("dict[str, object]", said)
        time: str | None = None
        for metric in self._steps:
            value = given.get(metric)
            if value is None:
                continue
            text = value.strip() if isinstance(value, str) else ""
            found = number(text) if text else None
            if found is None:
                self._reject(line)
                continue
            time = _time(given.get(TIMESTAMP)) if time is None else time
            readings.append(self._reading(metric, time=time, value=found, text=text))


def _time(given: object) -> str:
    if isinstance(given, _Number):
        return times.as_epoch(given)
    return times.as_text(given) if isinstance(given, str) else ""
