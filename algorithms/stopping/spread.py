"""Numbers, and what lies in the middle of them: the same whatever the order in which they came."""

from bisect import insort
from collections.abc import Iterator, Sequence

_FINEST = 1074
"""Every double is a whole number of 2**-1074."""


class Spread:
    """Some finite numbers. One more costs next to nothing, and so does an answer; there is none without numbers."""

    def __init__(self) -> None:
        self._ordered: list[float] = []
        self._sum = 0

    def __len__(self) -> int:
        return len(self._ordered)

    def add(self, value: float) -> None:
        """One more number."""
        insort(self._ordered, value)
        self._sum += _exactly(value)

    def mean(self) -> float:
        """The mean, exact before it is rounded once: no sum of finite numbers is infinite."""
        return _mean(self._sum, len(self))

    def below(self, percent: float) -> float:
        """The number below which `percent` (0 to 100) of them lie; between two of them a straight line."""
        place = percent / 100 * (len(self) - 1)
        left = min(int(place), len(self) - 1)
        low, high, share = self._ordered[left], self._ordered[min(left + 1, len(self) - 1)], place - left
        return min(max(low, low * (1 - share) + high * share), high)


def averages(curve: Sequence[float | None]) -> Iterator[float | None]:
    """The mean of the readings up to each of a curve; what is None is left out, and None stands where nothing is."""
    total = count = 0
    for value in curve:
        if value is not None:
            total, count = total + _exactly(value), count + 1
        yield _mean(total, count) if count else None


def _exactly(value: float) -> int:
    top, bottom = value.as_integer_ratio()
    return top << (_FINEST + 1 - bottom.bit_length())


def _mean(total: int, count: int) -> float:
    return total / (count << _FINEST)
