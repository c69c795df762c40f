"""What a benchmark says: a number, what it should be, and whether it is."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One number. `least` and `most` are the target, `about` says how it was measured."""

    name: str
    value: float
    unit: str = ""
    least: float | None = None
    most: float | None = None
    about: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is none."""
        if self.least is None and self.most is None:
            return None
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)

    @property
    def target(self) -> str:
        """The target in words."""
        parts = [f"≥ {self.least:g}"] if self.least is not None else []
        parts += [f"≤ {self.most:g}"] if self.most is not None else []
        return " and ".join(parts)

    @property
    def number(self) -> str:
        """The value with as many digits as mean something."""
        return _number(self.value)

    def __str__(self) -> str:
        """As printed: name, value, target, met or NOT met, how."""
        verdict = {None: "", True: "met", False: "NOT met"}[self.met]
        number = f"{self.number:>9} {self.unit:<9}"
        return f"{self.name:<62} {number} {self.target:<8} {verdict:<8} {self.about}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """How much to measure: `quick` for a first impression. `progress` takes lines for whoever waits."""

    quick: bool
    progress: Callable[[str], None]

    def of(self, full: int, quick: int) -> int:
        """The one or the other number."""
        return quick if self.quick else full


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def spread(values: Sequence[float]) -> str:
    """Median and range of some measurements."""
    return f"median {_number(statistics.median(values))} ({_number(min(values))}..{_number(max(values))})"


def apart(values: Sequence[float]) -> str:
    """Range only, for where the median stands beside it."""
    return f"({_number(min(values))}..{_number(max(values))} in {len(values)} rounds)"
