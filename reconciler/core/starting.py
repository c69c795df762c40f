"""What a new run begins with: the best points of other experiments, as far as they fit its space."""

from collections.abc import Mapping, Sequence
from functools import cmp_to_key

from kagit.experiment import Experiment
from kagit.objective import Objective
from kagit.space import Point
from kagit.trial import COUNTED, Trial

Judged = tuple[Objective, Trial]
"""A trial and the objective of its own time."""


def points(experiment: Experiment, others: Mapping[str, Sequence[Judged]]) -> tuple[Point, ...]:
    """The best points of each experiment that is named, best first, without what the space has not; none twice."""
    found: dict[tuple[tuple[str, str], ...], Point] = {}
    for name, count in experiment.search.start_from.items():
        for point in _best(others.get(name, ()), count):
            fitting = {one.name: point[one.name] for one in experiment.space if one.name in point}
            legal = {key: value for key, value in fitting.items() if experiment.space[key].contains(value)}
            fixed = experiment.search.fixed
            whole = {key: fixed.get(key, value) for key, value in legal.items()}
            allowed = set(whole) != {one.name for one in experiment.space} or experiment.search.rules.allows(whole)
            if whole and allowed:
                found.setdefault(tuple(whole.items()), whole)
    return tuple(found.values())


def _best(judged: Sequence[Judged], count: int) -> list[Point]:
    valued = [
        (value, objective, trial)
        for objective, trial in judged
        if trial.phase in COUNTED and (value := objective.result(trial.observation)) is not None
    ]

    def order(left: tuple[float, Objective, Trial], right: tuple[float, Objective, Trial]) -> int:
        if left[0] == right[0]:
            return (left[2].name > right[2].name) - (left[2].name < right[2].name)
        return -1 if left[1].better(left[0], right[0]) else 1

    return [trial.point for _, _, trial in sorted(valued, key=cmp_to_key(order))[:count]]
