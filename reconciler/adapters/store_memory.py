"""Every reading in memory: the Store of tests and simulations."""

from collections.abc import Mapping, Sequence

from kagit.errors import Refused
from kagit.objective import Observation
from reconciler.core.tally import Tally
from reconciler.ports import Reading, Table


class MemoryStore:
    """The Store port without a file: it is gone with the process, and it speaks no SQL."""

    def __init__(self) -> None:
        """Start empty."""
        self._readings: dict[str, dict[str, dict[int, Reading]]] = {}
        self._cursors: dict[str, int] = {}

    def append(self, readings: Sequence[Reading], *, cursors: Mapping[str, int]) -> None:
        """Add readings, replacing those of the same trial, metric and step, and move the cursors."""
        for one in readings:
            self._readings.setdefault(one.trial, {}).setdefault(one.metric, {})[one.step] = one
        self._cursors.update(cursors)

    def cursors(self, trials: Sequence[str]) -> Mapping[str, int]:
        """How far each trial's output was read, 0 if never."""
        return {trial: self._cursors.get(trial, 0) for trial in trials}

    def steps(self, trial: str) -> Mapping[str, int]:
        """The next step of every metric of a trial: what a parser needs to go on at the cursor."""
        return {metric: max(rows) + 1 for metric, rows in self._readings.get(trial, {}).items()}

    def observations(self, trials: Sequence[str]) -> Mapping[str, Observation]:
        """Roll-up of every metric of these trials, metrics by name; empty for a trial without readings."""
        answer: dict[str, Observation] = {}
        for trial in trials:
            tally = Tally()
            for metric in self._readings.get(trial, {}):
                tally.add(self.curve(trial, metric))
            answer[trial] = tally.observation()
        return answer

    def curve(self, trial: str, metric: str) -> Sequence[Reading]:
        """All readings of one metric of one trial in the order of steps."""
        rows = self._readings.get(trial, {}).get(metric, {})
        return [rows[step] for step in sorted(rows)]

    def query(self, sql: str) -> Table:
        """Refused: there is no SQL without a database."""
        raise Refused(f"a store in memory cannot answer {sql!r}; run with a state directory to have one that can")

    def flush(self) -> None:
        """Nothing is buffered."""

    def flush_if_due(self) -> None:
        """Nothing is buffered."""

    def close(self) -> None:
        """Nothing to let go of."""
