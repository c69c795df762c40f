"""What a Suggestion says of its algorithm, in the words of a service that is started and stopped (spec katib.md 1.7).

There is no such service here: an algorithm is ready at once, and its end frees nothing. Clients wait for it still.
"""

from collections.abc import Sequence

from kagit import conditions as c
from kagit.experiment import ResumePolicy
from reconciler.actions import Action, AskForPoints, SetStatus, SetSuggestion
from reconciler.world import World

_ENDED = {
    ResumePolicy.NEVER: "Suggestion is succeeded, can't be restarted",
    ResumePolicy.FROM_VOLUME: "Suggestion is succeeded, suggestion volume is not deleted, can be restarted",
}
"""What is said of the end by each policy that ends the service; LongRunning never does."""
_STOPPED = "Suggestion is succeeded"


def decide(world: World, deeds: Sequence[Action], *, over: bool) -> tuple[SetSuggestion, ...]:
    """Bring the Suggestion up to date: its conditions at once, its count of requests whenever a status is written."""
    told, run = world.service, world.run
    if told is None or run is None:
        return ()
    resume = run.experiment.resume
    conditions = after(told.conditions, over=over, resume=resume, now=world.now)
    changed = conditions is not told.conditions or resume is not told.resume
    if not changed and not any(isinstance(deed, SetStatus) for deed in deeds):
        return ()
    asked = max([world.asked, *(deed.indexes[-1] + 1 for deed in deeds if isinstance(deed, AskForPoints))])
    if not changed and asked == told.requests:
        return ()
    return (SetSuggestion(conditions=conditions, requests=asked, resume=resume),)


def after(told: c.Conditions, *, over: bool, resume: ResumePolicy, now: str) -> c.Conditions:
    """The conditions after `told`, one step of Katib's at a time; `told` itself where nothing changes."""
    last = told[-1].type if told and told[-1].status == "True" else ""
    if over:
        return told if last == "Succeeded" or resume not in _ENDED else _end(told, message=_ENDED[resume], now=now)
    if last == "Running":  # the usual case, at every look
        return told
    return restarting(told, now=now) if last == "Succeeded" else running(told, now=now)


def running(told: c.Conditions, *, now: str) -> c.Conditions:
    """The service answers."""
    steps = (
        ("Created", "SuggestionCreated", "Suggestion is created"),
        ("DeploymentReady", "DeploymentReady", "Deployment is ready"),
        ("Running", "SuggestionRunning", "Suggestion is running"),
    )
    for type_, reason, message in steps:
        told = c.put(told, type_=type_, reason=reason, message=message, now=now)
    return told


def restarting(told: c.Conditions, *, now: str) -> c.Conditions:
    """The service is about to be started again."""
    return c.put(
        c.drop(told, "Succeeded"),
        type_="Running",
        status="False",
        reason="Experiment is restarting",
        message="Suggestion is not running",
        now=now,
    )


def _end(told: c.Conditions, *, message: str, now: str) -> c.Conditions:
    for type_, said in (("Running", "Suggestion is not running"), ("DeploymentReady", "Deployment is not ready")):
        if c.find(told, type_) is not None:
            told = c.put(told, type_=type_, status="False", reason=_STOPPED, message=said, now=now)
    return c.put(told, type_="Succeeded", reason="Experiment is succeeded", message=message, now=now)
