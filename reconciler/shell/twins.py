"""Trials with the same assignments: whose result may stand for whose (`kagit.dev/reuse-results`)."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from kagit.space import Point
from kagit.trial import Trial
from reconciler.core import checkpoints
from reconciler.shell.following import Follow
from reconciler.world import Run

Assignments: TypeAlias = frozenset[tuple[str, str]]


def key(point: Point) -> Assignments:
    """What is equal for equal assignments."""
    return frozenset(point.items())


def note(results: dict[Assignments, Trial], trial: Trial) -> None:
    """Keep a trial that came to a result; of several the first by number, so that a restart knows the same one.

    Who went on from another trial's checkpoint is more than its assignments, and stands for nobody.
    """
    if trial.parent is not None:
        return
    at = key(trial.point)
    if at not in results or trial.index < results[at].index:
        results[at] = trial


def of(live: Iterable[Follow], results: Mapping[Assignments, Trial], *, run: Run | None) -> dict[str, Trial]:
    """For each trial that waits the one whose result it takes, or waits for, where that is wished for.

    Nobody waits in a circle: what runs already is waited for first, then whoever has the lowest number.
    """
    if run is None or not run.experiment.wishes.reuse_results or checkpoints.wanted(run.experiment):
        return {}
    mine = [(key(one.trial.point), one) for one in live if one.trial.run == run.number and one.trial.parent is None]
    first: dict[Assignments, Follow] = {}
    for at, one in mine:
        if at not in first or (one.waits, one.trial.index) < (first[at].waits, first[at].trial.index):
            first[at] = one
    found: dict[str, Trial] = {}
    for at, one in mine:
        twin = results.get(at, first[at].trial)
        if one.waits and twin.name != one.trial.name:
            found[one.trial.name] = twin
    return found
