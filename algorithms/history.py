"""What may be told to an algorithm."""

import math

from algorithms.contract import Finished
from kagit.errors import Broken


def checked(trial: Finished) -> Finished:
    """The trial itself; Broken if its value is not finite, which None stands for, or its index is negative."""
    if trial.index < 0:
        raise Broken(f"trial {trial.index} was told to an algorithm; indexes count from 0")
    if trial.value is not None and not math.isfinite(trial.value):
        raise Broken(f"trial {trial.index} was told with the value {trial.value}; a value that is not finite is None")
    return trial
