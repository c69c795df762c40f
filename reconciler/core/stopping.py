"""Whether a trial is to be stopped early: Katib's rules (spec katib.md section 6), tested at every report."""

from collections.abc import Iterable, Sequence

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
        self._left = list(rules)
        self._objective = objective
        self._counts: dict[str, int] = {}
        self._best: float | None = None

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics whose readings count for the rules that are left."""
        return tuple(dict.fromkeys(rule.metric for rule in self._left))

    def add(self, readings: Iterable[Reading]) -> None:
        """Take in readings that come after those added before."""
        wanted = set(self.metrics)
        for one in readings:
            if one.metric in wanted:
                self._add(one)

    def _add(self, reading: Reading) -> None:
        count = self._counts[reading.metric] = self._counts.get(reading.metric, 0) + 1
        value = self._standing(reading)
        if value is None or not self._left:
            return
        self._left = [rule for rule in self._left if not _meets(rule, reading.metric, count=count, value=value)]
        self.met = not self._left

    def _standing(self, reading: Reading) -> float | None:
        """What counts for a report: its value, or the best so far where it is the objective's."""
        if reading.metric != self._objective.metric:
            return reading.value
        if reading.value is not None and (self._best is None or self._objective.better(reading.value, self._best)):
            self._best = reading.value
        return self._best


def _meets(rule: EarlyStoppingRule, metric: str, *, count: int, value: float) -> bool:
    limit = number(rule.value)
    if rule.metric != metric or count < rule.start_step or limit is None:
        return False
    match rule.comparison:
        case Comparison.EQUAL:
            return value == limit
        case Comparison.LESS:
            return value < limit
        case Comparison.GREATER:
            return value > limit
