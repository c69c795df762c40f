"""What all parsers of a trial's metrics have in common: bytes go in as they come, readings come out."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from reconciler.ports import Reading

_LONG_EXAMPLE = 120


class Incremental(ABC):
    """Finds the readings of one trial in its output or in one of its files, which is fed in order."""

    def __init__(self, *, trial: str, metrics: Sequence[str]) -> None:
        """Take the trial's name in the store and the metrics to look for."""
        self.rejected = 0
        """How many times a metric's name came with something that is no number."""
        self.rejected_example = ""
        """The first such place, at most 120 characters."""
        self.lost = 0
        """Bytes that were gone before they could be read."""
        self._trial = trial
        self._steps = dict.fromkeys(metrics, 0)
        self._rest: bytes = b""
        self._fed = 0

    @property
    def consumed(self) -> int:
        """Offset before which everything is counted: read on from here after a restart."""
        return self._fed - len(self._rest)

    def resume(self, *, offset: int, counts: Mapping[str, int]) -> None:
        """Go on at `offset`, where each metric had `counts` readings: steps come out as before."""
        self._fed = offset
        self._steps = {name: counts.get(name, 0) for name in self._steps}
        self._drop()

    def feed(self, data: bytes, start: int | None = None) -> list[Reading]:
        """The readings completed by `data`; its offset `start` shows a gap (rotated away) or an overlap."""
        if start is not None and start < self._fed:
            data = data[self._fed - start :]
        elif start is not None and start > self._fed:
            self.lost += start - self.consumed
            self._fed = start
            self._drop()
        self._fed += len(data)
        return self._take(data)

    @abstractmethod
    def finish(self) -> list[Reading]:
        """The readings of an incomplete end; call it when nothing more will come."""

    @abstractmethod
    def _take(self, data: bytes) -> list[Reading]: ...

    def _drop(self) -> None:
        """Forget the incomplete end."""
        self._rest = b""

    def _reading(self, metric: str, *, time: str, value: float, text: str) -> Reading:
        step = self._steps[metric]
        self._steps[metric] = step + 1
        return Reading(self._trial, metric, step, time, value if math.isfinite(value) else None, text)

    def _reject(self, example: bytes | str) -> None:
        self.rejected += 1
        if not self.rejected_example:
            text = example if isinstance(example, str) else example[: 4 * _LONG_EXAMPLE].decode(errors="replace")
            self.rejected_example = text.strip()[:_LONG_EXAMPLE]
