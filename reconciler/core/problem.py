"""An experiment as the problem that its algorithm is given, and what the algorithm has against it."""

from algorithms import catalog
from algorithms.contract import Problem
from algorithms.stopping import catalog as stopping
from algorithms.stopping.contract import Case
from kagit.errors import Refused
from kagit.experiment import Experiment
from kagit.findings import Issue


def problem(experiment: Experiment, *, seed: int) -> Problem:
    """What the algorithm is asked to solve."""
    return Problem(
        space=experiment.space,
        direction=experiment.objective.type,
        settings=experiment.algorithm.settings,
        seed=seed,
        max_trials=experiment.max_trials,
    )


def issues(experiment: Experiment) -> tuple[Issue, ...]:
    """What the algorithm has against its settings or the space, with places from the root of the manifest."""
    try:
        algorithm = catalog.named(experiment.algorithm.name)
    except Refused as error:
        place = ("spec", "algorithm", "algorithmName")
        return (Issue(at=place, message=str(error), slug="algorithm-unknown"),)
    found = (*algorithm.check(problem(experiment, seed=0)), *_stopping_issues(experiment))
    return tuple(Issue(at=("spec", *i.at), message=i.message, slug=i.slug, severity=i.severity) for i in found)


def stopping_case(experiment: Experiment) -> Case:
    """What its early stopping algorithm is asked about."""
    wanted = experiment.early_stopping
    objective = experiment.objective
    return Case(
        metric=objective.metric,
        direction=objective.type,
        settings=wanted.settings if wanted is not None else {},
    )


def _stopping_issues(experiment: Experiment) -> tuple[Issue, ...]:
    if experiment.early_stopping is None:
        return ()
    try:
        return stopping.named(experiment.early_stopping.name).check(stopping_case(experiment))
    except Refused as error:
        return (Issue(at=("earlyStopping", "algorithmName"), message=str(error), slug="algorithm-unknown"),)


AHEAD = 16
"""Points that are asked for ahead of time where history does not matter."""


def ahead(experiment: Experiment) -> int:
    """How many points may be asked for before they are needed."""
    try:
        return AHEAD if catalog.named(experiment.algorithm.name).is_blind else 0
    except Refused:
        return 0
