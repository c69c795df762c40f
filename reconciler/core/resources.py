"""Kubernetes quantities as numbers. Law: pure; what cannot be read is None, and the caller says what that means."""

import re
from fractions import Fraction

_QUANTITY = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))([a-zA-Z]*|[eE][+-]?[0-9]+)")
_SUFFIXES: dict[str, Fraction] = {
    "": Fraction(1),
    "n": Fraction(1, 10**9),
    "u": Fraction(1, 10**6),
    "m": Fraction(1, 1000),
    **{unit: Fraction(1000 ** (power + 1)) for power, unit in enumerate("kMGTPE")},
    **{f"{unit}i": Fraction(1024 ** (power + 1)) for power, unit in enumerate("KMGTPE")},
}
_MOST_DIGITS = 18


def quantity(value: object) -> Fraction | None:
    """The exact number behind a quantity such as `500m`, `1.5Gi`, `2e3` or 4; None where it is not one."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    match = _QUANTITY.fullmatch(str(value).strip())
    if match is None:
        return None
    digits, suffix = match.groups()
    scale = _SUFFIXES.get(suffix)
    if scale is None:
        scale = _power(suffix)
    return None if scale is None else Fraction(digits) * scale


def _power(suffix: str) -> Fraction | None:
    exponent = suffix[1:].lstrip("+")
    if suffix[:1] not in {"e", "E"} or not exponent.lstrip("-").isdecimal():
        return None
    return Fraction(10) ** int(exponent) if abs(int(exponent)) <= _MOST_DIGITS else None
