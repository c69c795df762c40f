"""When to ask the algorithm, and for which points."""

from algorithms import catalog
from algorithms.contract import Problem
from kagit import names
from kagit.errors import Refused
from kagit.experiment import Experiment
from kagit.findings import Issue
from reconciler.actions import AskForPoints, CreateTrial
from reconciler.world import World


def create(world: World, missing: int) -> tuple[CreateTrial, ...]:
    """Trials for the suggestions that wait, oldest first, at most `missing`."""
    run = world.run
    if run is None:
        return ()
    return tuple(
        CreateTrial(
            name=names.trial_name(experiment=world.name, run=run.number, index=suggestion.index),
            run=run.number,
            suggestion=suggestion,
        )
        for suggestion in world.suggestions[:missing]
    )


def ask(world: World, missing: int) -> tuple[AskForPoints, ...]:
    """One request for as many points as no suggestion waits for; none once the space is exhausted."""
    count = missing - len(world.suggestions)
    if count <= 0 or world.exhausted:
        return ()
    return (AskForPoints(indexes=tuple(range(world.asked, world.asked + count))),)


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
    found = algorithm.check(problem(experiment, seed=0))
    return tuple(Issue(at=("spec", *i.at), message=i.message, slug=i.slug, severity=i.severity) for i in found)
