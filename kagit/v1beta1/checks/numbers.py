"""Numbers written as texts: what manifests may carry, and what is wrong with the rest."""

import re
from decimal import Decimal

from kagit.objective import number

LONGEST = 64
INT64 = 2**63
DOUBLES = 2**53
"""From here on doubles are further apart than 1."""
_BASED = re.compile(r"[-+]?0[xX][0-9a-fA-F]+|[-+]?0[bB][01]+|[-+]?0[oO][0-7]+")
_ENDLESS = re.compile(r"[-+]?\.?(?:inf|infinity|nan)", re.IGNORECASE)


def problem(text: str, *, whole: bool) -> str:
    """Why a text cannot be a bound, with the way out; empty if it can."""
    if len(text) > LONGEST:
        return f"which is too long; give at most {LONGEST} characters"
    try:
        value = Decimal(text)
    except ArithmeticError:
        return _no_number(text)
    if "_" in text or text != text.strip() or not text.isascii():
        return f"which not every reader takes for a number; write {_plain(value)}"
    if number(text) is None:
        return "which is no finite number that a double can hold; give one below 1.8e308"
    fits = not whole or (value == value.to_integral_value() and abs(value) < INT64)
    return "" if fits else "not a whole number below 2**63; give one, or make the parameter double"


def _no_number(text: str) -> str:
    if _BASED.fullmatch(text):
        return f"not a decimal number; write {int(text, 0)}"
    if _ENDLESS.fullmatch(text):
        return "which is no finite number that a double can hold; give one below 1.8e308"
    dotted = text.strip().replace(",", ".")
    if "," in text and number(dotted) is not None:
        return f"not a number; write {dotted}"
    return "not a number; give one"


def _plain(value: Decimal) -> str:
    return str(value) if value.is_finite() else "a number"
