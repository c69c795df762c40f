"""How many trials may exist: Katib's arithmetic with its overshoot mended (spec katib.md 4.1.4, defect 15)."""

from kagit.experiment import Experiment
from kagit.trial import Phase
from reconciler.world import Counts


def wanted_trials(experiment: Experiment, counts: Counts) -> int:
    """How many trials should be active now: at most the parallel count, never more than the budget has left."""
    if experiment.max_trials is None:
        return experiment.parallel
    return max(0, min(experiment.max_trials - counts.over, experiment.parallel))


def is_spent(experiment: Experiment, counts: Counts) -> bool:
    """Whether so many trials are over that no other may begin; while some run, only a lowered budget is spent."""
    return experiment.max_trials is not None and counts.over >= experiment.max_trials


def missing_trials(experiment: Experiment, counts: Counts) -> int:
    """How many trials to add now. Surplus trials are left to end: none is ever deleted (defect 13)."""
    return max(0, wanted_trials(experiment, counts) - counts.of(Phase.CREATED, Phase.RUNNING))
