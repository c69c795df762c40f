"""From readings to an observation: min, max and latest of every metric, with Katib's rules."""

import math
from collections.abc import Iterable, Sequence

from kagit.names import UNAVAILABLE
from kagit.objective import Metric, Observation, number
from reconciler.core.times import earlier
from reconciler.ports import Reading


class _Roll:
    """Roll-up of one metric."""

    __slots__ = ("count", "high", "latest", "low", "max", "min", "time")

    def __init__(self) -> None:
        self.count = 0
        self.low, self.high = math.inf, -math.inf
        self.min = self.max = self.latest = UNAVAILABLE
        self.time = ""

    def add(self, *, value: float | None, text: str, time: str) -> None:
        self.count += 1
        if time == self.time or not earlier(time, self.time):
            self.latest, self.time = text, time
        if value is None:
            return
        if value < self.low:
            self.low, self.min = value, text
        if value > self.high:
            self.high, self.max = value, text


class Tally:
    """Roll-up of a trial's readings, reading by reading: texts as printed, non-finite values only as latest."""

    def __init__(self) -> None:
        self._rolls: dict[str, _Roll] = {}

    def add(self, readings: Iterable[Reading]) -> None:
        """Count readings that come after those counted before."""
        for one in readings:
            roll = self._rolls.get(one.metric)
            if roll is None:
                roll = self._rolls[one.metric] = _Roll()
            roll.add(value=one.value, text=one.text, time=one.time)

    def merge(self, observation: Observation) -> None:
        """Go on from a stored observation, whose readings came before those to be added."""
        for metric in observation:
            roll = self._rolls.setdefault(metric.name, _Roll())
            for text, time in ((metric.min, ""), (metric.max, ""), (metric.latest, metric.time)):
                if text != UNAVAILABLE:
                    roll.add(value=number(text), text=text, time=time)

    def count(self, metric: str) -> int:
        """How many readings of a metric were added; what was merged counts as up to three."""
        return self._rolls[metric].count if metric in self._rolls else 0

    def observation(self, names: Sequence[str] = ()) -> Observation:
        """The metrics in the order of `names` (objective first), by default all by name; empty without any reading."""
        if not any(name in self._rolls for name in names or self._rolls):
            return ()
        rolls = [(name, self._rolls.get(name, _Roll())) for name in names or sorted(self._rolls)]
        return tuple(
            Metric(name=name, min=roll.min, max=roll.max, latest=roll.latest, time=roll.time) for name, roll in rolls
        )

    def note(self, metric: str) -> str:
        """What is odd about a metric's readings, in words: none was a number, or the last was not; else empty."""
        roll = self._rolls.get(metric)
        if roll is None or number(roll.latest) is not None:
            return ""
        many = (
            f"the last of {roll.count} readings" if roll.min != UNAVAILABLE else f"every one of {roll.count} readings"
        )
        return f"{many} of {metric} is not a finite number: {roll.latest}"
