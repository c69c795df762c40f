"""When to ask the algorithm, and for which points."""

from kagit import names
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
    """One request for as many points as no suggestion waits for; none once the space is exhausted, or before
    a trial is over that the algorithm waits for.

    Where history does not matter, some more are asked for: their answers are kept with one write instead of many.
    """
    count = missing - len(world.suggestions)
    if count <= 0 or world.exhausted or world.postponed or world.run is None:
        return ()
    most = world.run.experiment.max_trials
    count += world.ahead if most is None else max(0, min(world.ahead, most - world.asked - count))
    return (AskForPoints(indexes=tuple(range(world.asked, world.asked + count))),)
