"""How a trial ended whose attempt is over: by its conditions, by its readings, in Katib's words (spec katib.md 4.3)."""

from typing import NamedTuple

from kagit import outcome
from kagit.experiment import Experiment, TrialTemplate
from kagit.outcome import End, Outcome
from kagit.shapes import mapping, text
from kagit.trial import Phase
from reconciler.core import collectors
from reconciler.ports import Sighting
from reconciler.world import Live


class Ending(NamedTuple):
    """The phase of a trial that is over, with reason and message of its condition."""

    phase: Phase
    reason: str
    message: str


def of(live: Live, sighting: Sighting, experiment: Experiment | None) -> Ending:
    """The ending of a trial whose attempt ended by itself and was read out."""
    if experiment is None:
        return _failed(sighting, "") if not sighting.succeeded else _succeeded(Outcome(state=End.SUCCEEDED))
    found = _outcome(sighting, experiment.template)
    if found.state is End.FAILED:
        return _failed(sighting, found.reason)
    if found.state is End.RUNNING:
        return Ending(
            Phase.FAILED,
            "TrialFailed. Job reason: ConditionsNotMet",
            "Trial has failed. Job message: it is over, but its status meets neither successCondition "
            f"{experiment.template.success_condition!r} nor failureCondition",
        )
    objective = experiment.objective
    if objective.value(live.observation) is None and not objective.words(live.observation):
        detail = live.note or collectors.nothing(experiment.collector, objective.metric)
        reason = f"MetricsUnavailable{_suffix('reason', found.reason)}"
        return Ending(Phase.METRICS_UNAVAILABLE, reason, f"Metrics are not available: {detail}")
    return _succeeded(found)


def _outcome(sighting: Sighting, template: TrialTemplate) -> Outcome:
    """By the conditions where the object's status is known, else by how its process ended."""
    if not sighting.status:
        return Outcome(state=End.SUCCEEDED if sighting.succeeded else End.FAILED)
    kind = text(mapping(template.trial_spec).get("kind"))
    return outcome.of(
        {"kind": kind, "status": sighting.status},
        success=template.success_condition,
        failure=template.failure_condition,
    )


def _failed(sighting: Sighting, reason: str) -> Ending:
    said = reason or sighting.reason or "Error"
    return Ending(
        Phase.FAILED, f"TrialFailed. Job reason: {said}", f"Trial has failed. Job message: {sighting.message}"
    )


def _succeeded(found: Outcome) -> Ending:
    return Ending(
        Phase.SUCCEEDED,
        f"TrialSucceeded{_suffix('reason', found.reason)}",
        f"Trial has succeeded{_suffix('message', found.message)}",
    )


def _suffix(what: str, said: str) -> str:
    """What Katib adds of the condition by which a trial's object says how it stands, where it says something."""
    return f". Job {what}: {said}" if said else ""
