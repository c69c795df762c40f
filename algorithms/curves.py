"""Where the probability of a range lies: between a value and the share of probability below it."""

import math
from dataclasses import dataclass

from kagit.space import Distribution

_SIGMAS = 6
"""A normal distribution has its mean in the middle of the range and sigma = range / 6, as in Katib, but ends there."""

_LOGARITHMIC = {Distribution.LOG_UNIFORM, Distribution.LOG_NORMAL}
_NORMAL = {Distribution.NORMAL, Distribution.LOG_NORMAL}


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A distribution over `low` .. `high`, cut off at `first` and `last` (half a step outside if it has steps)."""

    distribution: Distribution
    low: float
    high: float
    first: float
    last: float

    def value(self, share: float) -> float:
        """The value below which that share (0 .. 1) of the probability lies."""
        start, end = self._place(self.first), self._place(self.last)
        if self.distribution in _NORMAL:
            from statistics import NormalDist

            bell = NormalDist()
            left, right = bell.cdf(_z(start)), bell.cdf(_z(end))
            place = bell.inv_cdf(min(max(left + share * (right - left), 1e-300), 1 - 1e-16)) / _SIGMAS + 0.5
        else:
            place = start + share * (end - start)
        if self.distribution in _LOGARITHMIC:
            return math.exp(_between(math.log(self.low), math.log(self.high), place))
        return _between(self.low, self.high, place)

    def share(self, value: float) -> float:
        """The share of the probability that lies below that value."""
        start, end, place = self._place(self.first), self._place(self.last), self._place(value)
        if self.distribution in _NORMAL:
            from statistics import NormalDist

            start, end, place = (NormalDist().cdf(_z(one)) for one in (start, end, place))
        return min(max((place - start) / (end - start), 0.0), 1.0) if end > start else 0.5

    def _place(self, value: float) -> float:
        """0 at low, 1 at high, on the scale on which the distribution is straight."""
        if self.distribution in _LOGARITHMIC:
            value, low, high = math.log(value), math.log(self.low), math.log(self.high)
        elif math.isinf(self.high - self.low):
            value, low, high = value / 2, self.low / 2, self.high / 2
        else:
            low, high = self.low, self.high
        return (value - low) / (high - low) if high > low else 0.5


def _z(place: float) -> float:
    return (place - 0.5) * _SIGMAS


def _between(low: float, high: float, place: float) -> float:
    return low * (1 - place) + high * place
