"""Whether a trial is to be stopped early: Katib's rules (spec katib.md section 6) and ours, tested at every report."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from kagit.objective import Objective, number
from kagit.trial import Comparison, EarlyStoppingRule
from reconciler.ports import Reading


class Watch:
    """The rules of one trial against its readings, which are added in order.

    A rule may be met by any report from its start step on (Katib looks at that one alone), and what was met stays met.
    Of the objective, the best report so far counts.
    """

    __slots__ = ("_best", "_counts", "_left", "_objective", "met")

    def __init__(self, rules: Sequence[EarlyStoppingRule], objective: Objective) -> None:
        """No reading was seen yet."""
        self.met = False
        """Whether every rule was met; without rules it never is."""
        self._left = [(rule.metric, _test(rule, objective)) for rule in rules]
        self._objective = objective
        self._counts: dict[str, int] = {}
        self._best: float | None = None

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics whose readings count for the rules that are left."""
        return tuple(dict.fromkeys(metric for metric, _ in self._left))

    def add(self, readings: Iterable[Reading]) -> None:
        """Take in readings that come after those added before."""
        wanted = set(self.metrics)
        for one in readings:
            if one.metric in wanted:
                self._add(one)

    def _add(self, reading: Reading) -> None:
        count = self._counts[reading.metric] = self._counts.get(reading.metric, 0) + 1
        report = _Report(number=count, value=reading.value, standing=self._standing(reading))
        self._left = [
            (metric, test) for metric, test in self._left if metric != reading.metric or not test.meets(report)
        ]
        self.met = not self._left

    def _standing(self, reading: Reading) -> float | None:
        """What counts for a report: its value, or the best so far where it is the objective's."""
        if reading.metric != self._objective.metric:
            return reading.value
        if reading.value is not None and (self._best is None or self._objective.better(reading.value, self._best)):
            self._best = reading.value
        return self._best


class _Report(NamedTuple):
    """A report, the first is number 1: its own value and what counts for it; None is no finite number."""

    number: int
    value: float | None
    standing: float | None


class _Test(Protocol):
    """One rule, which sees every report of its metric."""

    def meets(self, report: _Report) -> bool: ...


def _test(rule: EarlyStoppingRule, objective: Objective) -> _Test:
    match rule.comparison:
        case Comparison.OUTSIDE:
            return _Outside(rule)
        case Comparison.STALE:
            return _Stale(rule, objective)
        case Comparison.EQUAL | Comparison.LESS | Comparison.GREATER:
            return _Compared(rule)


class _Compared:
    """Katib's comparisons, with the limit that holds for the report; one that is no number is never met."""

    def __init__(self, rule: EarlyStoppingRule) -> None:
        self._comparison = rule.comparison
        self._steps = [rule.start_step, *(one.step for one in rule.later)]
        self._limits = [number(rule.value), *(number(one.value) for one in rule.later)]

    def meets(self, report: _Report) -> bool:
        place = bisect_right(self._steps, report.number) - 1
        limit = self._limits[place] if place >= 0 else None
        if limit is None or report.standing is None:
            return False
        match self._comparison:
            case Comparison.LESS:
                return report.standing < limit
            case Comparison.GREATER:
                return report.standing > limit
            case _:
                return report.standing == limit


class _Outside:
    """A report that leaves the range; a range that is none has nothing outside."""

    def __init__(self, rule: EarlyStoppingRule) -> None:
        self._start = rule.start_step
        low, _, high = rule.value.partition(",")
        self._range: tuple[float, float] | None
        try:
            self._range = (float(low), float(high))
        except ValueError:
            self._range = None

    def meets(self, report: _Report) -> bool:
        if report.number < self._start or self._range is None:
            return False
        low, high = self._range
        return report.value is None or not low <= report.value <= high


class _Stale:
    """Reports from the start step on since the last gain; a reading that is no number is none."""

    def __init__(self, rule: EarlyStoppingRule, objective: Objective) -> None:
        self._start, self._patience, self._least = rule.start_step, rule.patience, number(rule.value)
        self._objective = objective
        self._reached: float | None = None
        self._without = 0

    def meets(self, report: _Report) -> bool:
        if self._gains(report.value):
            self._reached, self._without = report.value, 0
        elif report.number >= self._start:
            self._without += 1
        return self._least is not None and self._without >= self._patience > 0

    def _gains(self, value: float | None) -> bool:
        if value is None or self._reached is None:
            return value is not None
        return self._objective.better(value, self._reached) and abs(value - self._reached) > (self._least or 0.0)
