"""`python -I -S scrape.py URL FILE INTERVAL METRIC...`: write down what a trial's Prometheus endpoint says of metrics.

Every value that changes becomes a line of JSON. It runs beside a trial and ends on SIGTERM, after one more look.
"""

import errno
import json
import os
import re
import select
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import NamedTuple
from urllib.parse import urlsplit

MOST_BYTES = 1 << 20
"""Bytes of an answer that are looked at: a trial may serve anything."""
TIMEOUT = 2.0
MOST_SERIES = 10_000
_MILLISECONDS = 1e11
"""Time stamps from here on count milliseconds, as Prometheus' format has them; below, seconds, as OpenMetrics has."""

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = re.compile(r'[\s,]*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"')
_SERIES = re.compile(rf'({_NAME})(?:\s*(\{{(?:[^"}}]|"(?:[^"\\]|\\.)*")*\}}))?')
_BEHIND = re.compile(r"\s+(\S+)(?:\s+(-?[0-9.eE+]+))?\s*(?:#.*)?$")


class Sample(NamedTuple):
    """One line of an answer: its series, its value as printed, and its time in seconds (None: now)."""

    name: str
    labels: frozenset[tuple[str, str]]
    value: str
    at: float | None


def samples(answer: str) -> Iterator[Sample]:
    """The samples of an answer in Prometheus' text format or OpenMetrics; lines that are neither are passed over."""
    for line in answer.splitlines():
        series = _SERIES.match(line.strip())
        if series is None:
            continue
        behind = _BEHIND.match(line.strip(), series.end())
        if behind is None or not _is_number(behind[1]):
            continue
        yield Sample(series[1], _labels(series[2] or ""), behind[1], _at(behind[2]))


def wanted(metrics: Sequence[str]) -> list[tuple[str, str, frozenset[tuple[str, str]] | None]]:
    """Metric, the name to look for, and the labels it must have (None: any)."""
    found: list[tuple[str, str, frozenset[tuple[str, str]] | None]] = []
    for metric in metrics:
        series = _SERIES.fullmatch(metric.strip())
        if series is None or series[2] is None:
            found.append((metric, metric.strip(), None))
        else:
            found.append((metric, series[1], _labels(series[2])))
    return found


class Scraper:
    """Looks at one endpoint again and again and writes down what is new."""

    def __init__(self, url: str, file: str, metrics: Sequence[str]) -> None:
        self._url = urlsplit(url)
        self._file = file
        self._wanted = wanted(metrics)
        self._last: dict[Sample, tuple[str, float | None]] = {}
        self._trouble = ""

    def look(self) -> None:
        """Ask once, and append what has changed; trouble is told on stderr, once."""
        try:
            answer = self._asked()
            fresh: dict[Sample, tuple[str, float | None]] = {}
            lines = "".join(self._changes(answer, time.time(), fresh))
            if lines:
                _append(self._file, lines.encode())
            self._last.update(fresh)
        except (OSError, HTTPException, ValueError) as error:
            self._told(f"{self._url.geturl()}: {error}")
        else:
            self._trouble = ""

    def _asked(self) -> str:
        connection = HTTPConnection(self._url.hostname or "127.0.0.1", self._url.port or 80, timeout=TIMEOUT)
        try:
            path = (self._url.path or "/") + (f"?{self._url.query}" if self._url.query else "")
            connection.request("GET", path, headers={"Accept": "text/plain", "Connection": "close"})
            answer = connection.getresponse()
            if answer.status != 200:  # noqa: PLR2004 - HTTP's word for well
                raise HTTPException(f"answered {answer.status} {answer.reason}")
            return _within(answer, time.monotonic() + TIMEOUT).decode(errors="replace")
        finally:
            connection.close()

    def _changes(self, answer: str, now: float, fresh: dict[Sample, tuple[str, float | None]]) -> Iterator[str]:
        for one in samples(answer):
            for metric, name, labels in self._wanted:
                if one.name != name or (labels is not None and one.labels != labels):
                    continue
                series = one._replace(value=metric, at=None)
                if self._last.get(series) == (one.value, one.at):
                    continue
                if len(self._last) < MOST_SERIES or series in self._last:
                    fresh[series] = one.value, one.at
                yield json.dumps({"timestamp": _moment(now if one.at is None else one.at), metric: one.value}) + "\n"

    def _told(self, text: str) -> None:
        if text != self._trouble:
            self._trouble = text
            print(text, file=sys.stderr, flush=True)  # noqa: T201 - its log


def _within(answer: HTTPResponse, until: float) -> bytes:
    """What is answered, up to a size and until a time: a trial may send one byte a second for ever."""
    data = b""
    while len(data) < MOST_BYTES:
        if time.monotonic() > until:
            raise TimeoutError("timed out")
        piece = answer.read1(MOST_BYTES - len(data))
        if not piece:
            return data
        data += piece
    return data[: data.rfind(b"\n") + 1]


def _labels(text: str) -> frozenset[tuple[str, str]]:
    return frozenset((found[1], found[2]) for found in _LABEL.finditer(text[1:-1]))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def _at(text: str | None) -> float | None:
    if text is None or not _is_number(text):
        return None
    seconds = float(text)
    return seconds / 1000 if abs(seconds) >= _MILLISECONDS else seconds


def _moment(seconds: float) -> str:
    whole, rest = divmod(round(seconds * 1000), 1000)
    try:
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{rest:03d}Z"
    except (OverflowError, ValueError, OSError):
        return ""


def _append(file: str, lines: bytes) -> None:
    """Write whole lines or nothing: what a full disk has cut is taken back."""
    os.makedirs(os.path.dirname(file) or ".", exist_ok=True)  # noqa: PTH103, PTH120 - pathlib costs start-up
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        if os.write(descriptor, lines) < len(lines):
            os.ftruncate(descriptor, size)
            raise OSError(errno.ENOSPC, f"{file}: {os.strerror(errno.ENOSPC)}")
    finally:
        os.close(descriptor)


def _noted(_signal: int, _frame: object) -> None:
    """The wake-up that comes with the signal is enough."""


def main() -> int:
    """Look every INTERVAL seconds until SIGTERM, and once more then."""
    url, file, interval, *metrics = sys.argv[1:]
    woken, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker)
    signal.signal(signal.SIGTERM, _noted)
    scraper = Scraper(url, file, metrics)
    ended = False
    while not ended:
        scraper.look()
        ended = bool(select.select([woken], [], [], float(interval))[0])
    scraper.look()
    return 0


if __name__ == "__main__":
    sys.exit(main())
