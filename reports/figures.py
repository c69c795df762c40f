"""Numbers and times as text: the same in every locale and time zone."""

import re
from datetime import datetime

from kagit.objective import number

NOTHING = "–"
"""What stands where there is no value."""

PLAIN_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
FLOAT_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")

_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]{1,9})?Z")
_SHORT_TEXT = 8
_MINUTE = 60
_HOUR = 3600
_KILO = 1024


def short(value: float | None) -> str:
    """Four significant digits; a dash where there is no finite number."""
    if value is None or number(str(value)) is None:
        return NOTHING
    digits = f"{value + 0.0:.4g}"
    mantissa, _, exponent = digits.partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else "0" if mantissa == "-0" else mantissa


def short_text(value: str) -> str:
    """A long plain number in four significant digits, anything else as it is."""
    if len(value) <= _SHORT_TEXT or not FLOAT_NUMBER.fullmatch(value):
        return value
    digits = short(float(value))
    return value if digits == NOTHING else digits


def exact(value: float | None) -> str:
    """The shortest text that reads back as the same number; empty where there is no finite number."""
    return "" if value is None or number(str(value)) is None else repr(float(value) + 0.0)


def clock(value: str) -> str:
    """An RFC 3339 UTC time as `2026-01-31 12:00:00`; a dash for anything else."""
    match = _TIME.fullmatch(value)
    return match[1].replace("T", " ") if match else NOTHING


def duration(started: str, finished: str) -> str:
    """The time between two RFC 3339 UTC times in at most two units; a dash where one is missing or wrong."""
    begin, end = _TIME.fullmatch(started), _TIME.fullmatch(finished)
    if not begin or not end:
        return NOTHING
    try:
        seconds = int((datetime.fromisoformat(end[1]) - datetime.fromisoformat(begin[1])).total_seconds())
    except ValueError:
        return NOTHING
    if seconds < 0:
        return NOTHING
    if seconds < _MINUTE:
        return f"{seconds} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min {seconds % _MINUTE} s"
    return f"{seconds // _HOUR} h {seconds % _HOUR // _MINUTE} min"


def size(count: int) -> str:
    """A count of bytes for people, in binary units."""
    if count < _KILO:
        return f"{count} B"
    value, unit = count / _KILO, "KiB"
    for larger in ("MiB", "GiB", "TiB"):
        if value < _KILO:
            break
        value, unit = value / _KILO, larger
    return f"{value:.1f} {unit}"
