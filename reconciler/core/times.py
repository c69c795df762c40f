"""Times: of readings, kept as RFC 3339 texts and compared to the last digit; of moments, as objects have them."""

import math
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache

_STAMP = re.compile(
    r"(\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(\.\d+)?"
    r"(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)
_LINE_STAMP = re.compile(_STAMP.pattern.encode() + rb"(?=[ \n]|\Z)")
_LONGEST = 64
_DIGITS = frozenset(b"0123456789")
_START = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = 10**9
_UNITS = ((11, 9), (14, 6), (17, 3), (20, 0))
"""(digits, exponent): a number with at most so many digits before the point is in units of 10**exponent nanoseconds."""


def at_line(buffer: bytes, at: int) -> str:
    """The first token of the line at `at` if it is an RFC 3339 time, else the empty text (Katib's zero time)."""
    if at == len(buffer) or buffer[at] not in _DIGITS:
        return ""
    found = _LINE_STAMP.match(buffer, at, at + _LONGEST)
    if found is None:
        return ""
    text = found[0].decode("ascii")
    return text if _is_surely_day(text) or _is_day(text[:19]) else ""


def as_text(text: str) -> str:
    """`text` if it is an RFC 3339 time, else the empty text."""
    found = _STAMP.fullmatch(text, 0, _LONGEST + 1)
    return text if found is not None and len(text) <= _LONGEST and _is_day(found[1]) else ""


def as_epoch(number: str) -> str:
    """A number since 1970 as a time in UTC, exactly; its size says whether it counts seconds, ms, us or ns.

    Up to 11 digits before the point are seconds (until the year 5138), up to 14 milliseconds (which only then begin in
    1973), up to 17 microseconds, up to 20 nanoseconds. Empty for what is no time.
    """
    try:
        value = Decimal(number)
    except InvalidOperation:
        return ""
    if not value.is_finite():
        return ""
    digits = value.adjusted() + 1
    for most, exponent in _UNITS:
        if digits <= most:
            return _moment(int(value.scaleb(exponent))) if value.adjusted() > -_LONGEST else _moment(0)
    return ""


def as_seconds(seconds: float) -> str:
    """Seconds since 1970, as event files have them, as a time in UTC with microseconds; empty for what is no time."""
    return _moment(round(seconds * 1_000_000) * 1000) if math.isfinite(seconds) else ""


def earlier(left: str, right: str) -> bool:
    """Whether one time is before the other; the empty text is before all times."""
    if len(left) == len(right) and left[-1:] == right[-1:] == "Z":
        return left < right
    return _instant(left) < _instant(right)


def _moment(nanoseconds: int) -> str:
    """RFC 3339 in UTC without needless zeros, as Go prints it."""
    seconds, rest = divmod(nanoseconds, _SECOND)
    try:
        text = (_START + timedelta(seconds=seconds)).isoformat()[:19]
    except OverflowError:
        return ""
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{text}{fraction}Z"


def _is_surely_day(text: str) -> bool:
    """Whether it needs no calendar to see that a day exists."""
    return text[8:10] <= "28" and text[:4] != "0000"


def _is_day(head: str) -> bool:
    try:
        datetime.fromisoformat(head)
    except ValueError:
        return False
    return True


def _instant(time: str) -> tuple[float, str]:
    """An order on RFC 3339 times down to the last printed digit."""
    if not time:
        return -math.inf, ""
    head, fraction, zone = time[:19], time[19:].rstrip("Z"), "+00:00"
    if fraction[-6:-5] in {"+", "-"} and fraction:
        fraction, zone = fraction[:-6], fraction[-6:]
    return datetime.fromisoformat(head + zone).timestamp(), fraction.rstrip("0")


def moment(seconds: float) -> str:
    """Seconds since 1970 as RFC 3339 in UTC, to the second as Kubernetes writes it."""
    return _second(int(seconds))


@lru_cache(maxsize=8)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
