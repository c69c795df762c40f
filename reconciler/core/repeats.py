"""What was counted before of a file that is read anew, because it became shorter or another one took its place."""

from collections import deque
from collections.abc import Iterable, Sequence

from reconciler.ports import Reading


class Repeats:
    """Tells the new readings of a file from those that were counted before it was written anew.

    A reading with a time is known if one of the same metric, time and text was counted. One without is known as long
    as the file repeats, from its beginning, what was counted: a program that writes all its history again and again
    counts once, and a log that begins anew counts in full.
    """

    def __init__(self, known: Iterable[Sequence[Reading]]) -> None:
        """Take the readings that were counted, metric by metric in their order."""
        curves = [curve for curve in known if curve]
        self._timed = {(one.metric, one.time, one.text) for curve in curves for one in curve if one.time}
        self._next = {curve[0].metric: deque(one.text for one in curve if not one.time) for curve in curves}

    def new(self, readings: Iterable[Reading]) -> list[Reading]:
        """Those of the next readings of the file that were not counted."""
        return [one for one in readings if not self._is_known(one)]

    def _is_known(self, one: Reading) -> bool:
        if one.time:
            return (one.metric, one.time, one.text) in self._timed
        following = self._next.get(one.metric)
        if not following:
            return False
        if following[0] != one.text:
            following.clear()
            return False
        following.popleft()
        return True
