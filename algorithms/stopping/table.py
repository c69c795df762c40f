"""What trials had come to after so many reports, and the rule that holds a new trial to it step by step."""

from collections.abc import Callable, Iterable, Iterator

from algorithms.settings import Kind, Setting
from algorithms.stopping.contract import Case
from algorithms.stopping.spread import Spread
from kagit.objective import ObjectiveType
from kagit.trial import Comparison, EarlyStoppingRule, Limit

MOST_STEPS = 2**31 - 1
INTERVAL = Setting(
    name="interval_steps",
    kind=Kind.WHOLE,
    low=1,
    high=MOST_STEPS,
    default="1",
    meaning="how many reports apart the steps are at which trials are compared; beyond eight of them they grow apart",
)


class Table:
    """Numbers at the steps `start`, `start + interval` and so on.

    Steps are at least an eighth of their number apart, so that the rule of a trial with a million reports is short.
    """

    def __init__(self, *, start: int, interval: int) -> None:
        self._steps = _apart(start, interval)
        self._spreads = [(next(self._steps), Spread())]

    def begin(self, number: float | None) -> None:
        """Take in a number at the first step alone; None is none."""
        if number is not None:
            self._spreads[0][1].add(number)

    def add(self, numbers: Iterable[float | None]) -> None:
        """Take in one number for each report of a trial, in order; None is none."""
        place = 0
        for step, number in enumerate(numbers, start=1):
            if step < self._spreads[place][0]:
                continue
            if number is not None:
                self._spreads[place][1].add(number)
            place += 1
            if place == len(self._spreads):
                self._spreads.append((next(self._steps), Spread()))

    def rules(self, case: Case, *, middle: Callable[[Spread], float], least: int) -> tuple[EarlyStoppingRule, ...]:
        """Not to be worse than the middle of at least that many numbers, at any step that has them."""
        limits: list[Limit] = []
        for step, spread in self._spreads:
            value = repr(middle(spread)) if len(spread) >= least else None
            if value is not None and not (limits and limits[-1].value == value):
                limits.append(Limit(step=step, value=value))
        if not limits:
            return ()
        worse = Comparison.GREATER if case.direction is ObjectiveType.MINIMIZE else Comparison.LESS
        first, *later = limits
        return (
            EarlyStoppingRule(
                metric=case.metric,
                value=first.value,
                comparison=worse,
                start_step=first.step,
                later=tuple(later),
            ),
        )


def _apart(start: int, interval: int) -> Iterator[int]:
    step = start
    while True:
        yield step
        step += max(interval, step // (8 * interval) * interval)
