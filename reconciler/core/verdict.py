"""Whether an experiment is over, and why (spec katib.md 4.1.5, 1.7)."""

from typing import NamedTuple

from kagit import conditions as c
from kagit.trial import Phase
from reconciler.core import budget
from reconciler.world import Best, Counts, Run


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


def of(*, run: Run, counts: Counts, best: Best | None, exhausted: bool, waiting: int) -> Verdict | None:
    """The verdict, or None while the search goes on. `waiting` counts suggestions without a trial."""
    spec = run.experiment
    if spec.objective.reached(best.value if best is not None else None):
        return GOAL
    if spec.max_failed is not None and counts.failed > 0 and counts.failed >= spec.max_failed:
        return FAILED
    active = counts.of(Phase.CREATED, Phase.RUNNING)
    if budget.is_spent(spec, counts) and active == 0:
        return MAX_TRIALS
    if exhausted and waiting == 0 and active == 0:
        return END_REACHED
    return None


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
    if counts.total > 0:
        result = c.put(result, type_="Running", reason="ExperimentRunning", message="Experiment is running", now=now)
    return result
