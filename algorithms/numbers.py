"""Numbers as texts, exactly: what stands in a manifest is what a trial gets to see."""

import math
from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_EVEN, Context, Decimal

from kagit.errors import Broken

EXACT = Context(prec=2000, rounding=ROUND_HALF_EVEN, Emin=MIN_EMIN, Emax=MAX_EMAX)
"""Wide enough for every sum and quotient of doubles; the default context keeps 28 digits only."""


def number_of(text: str) -> Decimal:
    """The finite number that a text stands for; Broken if it is none."""
    try:
        value = Decimal(text)
    except ArithmeticError:
        value = Decimal("NaN")
    if not value.is_finite():
        raise Broken(f"{text!r} came back as the value of a numeric parameter, but is not a finite number")
    return value


def whole_text(value: Decimal) -> str:
    """An int as text: digits only, never `3.0` or `1E+2`."""
    return str(int(value))


def real_text(value: Decimal) -> str:
    """A double as text: as Python prints the float where that is exact, all digits otherwise."""
    shortest = repr(float(value) + 0.0)  # + 0.0 makes 0.0 of -0.0
    return shortest if Decimal(shortest) == value else str(value).lower()


def clamped_text(value: float, *, low: Decimal, high: Decimal) -> str:
    """A double as text, kept between two bounds that may be finer than doubles are."""
    exact = Decimal(repr(value))
    return real_text(min(max(exact, low), high))


def tick_count(*, low: Decimal, high: Decimal, step: Decimal) -> int:
    """How many of low, low + step, low + 2 × step ... are at most high."""
    return int(EXACT.divide_int(EXACT.subtract(high, low), step)) + 1


def tick(index: int, *, low: Decimal, step: Decimal) -> Decimal:
    """The number `low + index × step`, exactly."""
    return EXACT.add(low, EXACT.multiply(Decimal(index), step))


def tick_index(value: Decimal, *, low: Decimal, step: Decimal) -> int:
    """Which multiple of step above low is nearest to value."""
    return int(EXACT.divide(EXACT.subtract(value, low), step).to_integral_value(ROUND_HALF_EVEN, EXACT))


def is_roomy(low: float, high: float) -> bool:
    """Whether so many doubles lie between two bounds that random draws do not meet by chance."""
    return (high - low) / math.ulp(max(abs(low), abs(high))) >= 2**40
