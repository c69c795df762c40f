"""Whether an experiment is over, and why (spec katib.md 4.1.5, 1.7)."""

from dataclasses import dataclass
from typing import NamedTuple

from kagit import conditions as c
from kagit.trial import Phase
from kagit.wishes import Patience
from reconciler.core import budget, gain
from reconciler.world import Best, Counts, Recent, Run


class Verdict(NamedTuple):
    """The condition type, reason and message of an experiment's end."""

    type: str
    reason: str
    message: str


GOAL = Verdict("Succeeded", "ExperimentGoalReached", "Experiment has succeeded because Objective goal has reached")
MAX_TRIALS = Verdict(
    "Succeeded", "ExperimentMaxTrialsReached", "Experiment has succeeded because max trial count has reached"
)
END_REACHED = Verdict(
    "Succeeded",
    "ExperimentSuggestionEndReached",
    "Experiment has succeeded because suggestion service has reached the end",
)
FAILED = Verdict("Failed", "ExperimentFailed", "Experiment has failed because max failed count has reached")
MAX_DURATION = Verdict(
    "Succeeded", "ExperimentMaxDurationReached", "Experiment has succeeded because max duration has reached"
)
NOTHING_IN_TIME = Verdict(
    "Failed",
    "ExperimentFailed",
    "Experiment has failed because max duration has reached and no trial has come to a result",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a verdict is made from. `waiting` counts suggestions without a trial, `late` says that the time is up."""

    run: Run
    counts: Counts
    best: Best | None
    recent: Recent
    exhausted: bool
    waiting: int
    late: bool


def of(now: Standing) -> Verdict | None:
    """The verdict, or None while the search goes on."""
    spec, counts, best = now.run.experiment, now.counts, now.best
    if spec.objective.reached(best.value if best is not None else None):
        return GOAL
    if spec.max_failed is not None and counts.failed > 0 and counts.failed >= spec.max_failed:
        return FAILED
    return _used_up(now)


def _used_up(now: Standing) -> Verdict | None:
    """There is nothing left to try with: no trials, no points, no time."""
    active = now.counts.of(Phase.CREATED, Phase.RUNNING)
    if budget.is_spent(now.run.experiment, now.counts) and active == 0:
        return MAX_TRIALS
    if now.exhausted and now.waiting == 0 and active == 0:
        return END_REACHED
    patience = now.run.experiment.wishes.without_gain
    if patience is not None and gain.is_gone(now.recent, patience, now.run.experiment.objective):
        return _no_gain(patience)
    if now.late:
        return NOTHING_IN_TIME if now.best is None else MAX_DURATION
    return None


def _no_gain(patience: Patience) -> Verdict:
    last = f"{patience.trials} trials with a result" if patience.trials > 1 else "trial with a result"
    message = f"Experiment has succeeded because the last {last} brought no gain"
    return Verdict("Succeeded", "ExperimentNoMoreGain", message)


def conditions(*, run: Run, counts: Counts, verdict: Verdict | None, now: str) -> c.Conditions:
    """The experiment's conditions after this look."""
    result = c.put(
        run.conditions, type_="Created", reason="ExperimentCreated", message="Experiment is created", now=now
    )
    if run.is_over:
        return result
    if verdict is not None:
        result = c.end_running(result, now=now)
        return c.put(result, type_=verdict.type, reason=verdict.reason, message=verdict.message, now=now)
    if run.is_suspended:
        return _suspended(result, now=now)
    suspended = c.find(result, "Suspended")
    if suspended is not None and suspended.status == "True":
        result = c.put(result, type_="Suspended", status="False", reason="ExperimentResumed",
                       message="Experiment is resumed", now=now)  # fmt: skip
    if counts.total > 0:
        result = c.put(result, type_="Running", reason="ExperimentRunning", message="Experiment is running", now=now)
    return result


def _suspended(conditions: c.Conditions, *, now: str) -> c.Conditions:
    """Suspended is the last element, which is what clients of Katib look at."""
    result = c.end_running(conditions, now=now)
    return c.put(result, type_="Suspended", reason="ExperimentSuspended", message="Experiment is suspended", now=now)
