"""What a trial goes on from, what it leaves behind, and when that is thrown away."""

from collections.abc import Iterable

from algorithms import catalog
from kagit import names
from kagit.experiment import Experiment
from kagit.trial import Checkpoint, Trial


def wanted(experiment: Experiment) -> bool:
    """Whether its trials leave something for others, so that none can stand for another one."""
    algorithm = experiment.algorithm
    return algorithm.name in catalog.CONTINUING or bool(algorithm.settings.get(names.SETTING_TRIAL_DIR))


def of(
    experiment: Experiment, trial: Trial, *, active: Iterable[int | None], oldest: int, best: str
) -> Checkpoint | None:
    """The checkpoint of a trial that starts, None where it needs none.

    `active` are the parents of all trials that are not over: one that is tried again begins with its parent's. Of what
    is older than `oldest` the best trial's is kept too, because somebody may want it in the end.
    """
    if not wanted(experiment) and trial.parent is None:
        return None

    def name(index: int) -> str:
        return names.trial_name(experiment=experiment.name, run=trial.run, index=index)

    return Checkpoint(
        path=experiment.algorithm.settings.get(names.SETTING_TRIAL_DIR, ""),
        parent="" if trial.parent is None else name(trial.parent),
        oldest=oldest,
        kept=frozenset([*(name(index) for index in active if index is not None), *([best] if best else [])]),
    )
