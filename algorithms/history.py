"""What may be told to an algorithm."""

import math

from algorithms.contract import Finished
from kagit.errors import Broken
from kagit.space import Space


def checked(trial: Finished) -> Finished:
    """The trial itself; Broken if its value is not finite, which None stands for, or its index is negative."""
    if trial.index < 0:
        raise Broken(f"trial {trial.index} was told to an algorithm; indexes count from 0")
    if trial.value is not None and not math.isfinite(trial.value):
        raise Broken(f"trial {trial.index} was told with the value {trial.value}; a value that is not finite is None")
    return trial


def is_new(trial: Finished, told: dict[int, Finished], *, space: Space | None = None) -> bool:
    """Note a trial by its index; False if it is known. Broken if it was told differently or is outside the space."""
    known = told.setdefault(checked(trial).index, trial)
    if known is not trial:
        if known != trial:
            raise Broken(f"trial {trial.index} was told twice and differently: {known} and {trial}")
        return False
    if space is not None and not space.contains(trial.point):
        raise Broken(f"trial {trial.index} was told with a point outside the search space: {dict(trial.point)}")
    return True
