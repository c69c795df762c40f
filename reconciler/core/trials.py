"""What becomes of each trial that is not over: start, wait, retry, stop or record its end."""

from kagit.experiment import Experiment
from kagit.trial import Phase
from reconciler.actions import Action, FinishTrial, RecordRunning, RetryTrial, StartTrial, StopTrial
from reconciler.core import collectors
from reconciler.ports import Sighting, State
from reconciler.world import Live, World

RECORD_AFTER = 0.5
"""Seconds after which it is written down that a trial runs: shorter trials are written once, when they are over."""

STOPPED = "Stopped"
"""Reason of an attempt that ended because its executor was told to stop it."""

MAX_ATTEMPTS = 3
"""How often a trial is started at most when its attempts are lost without a verdict of their own."""


def decide(world: World, live: Live, *, wanted: bool) -> tuple[Action, ...]:
    """The deeds for one active trial; `wanted` is False when the experiment is over, replaced or deleted."""
    sighting = live.sighting
    if sighting is None:
        return _unseen(world, live, wanted=wanted)
    if sighting.state is State.RUNNING:
        return _running(live, wanted=wanted)
    return _over(world, live, sighting, wanted=wanted) if live.drained else ()


def _over(world: World, live: Live, sighting: Sighting, *, wanted: bool) -> tuple[Action, ...]:
    """Its attempt is over and read to the end."""
    if sighting.state is State.LOST:
        return _lost(live, wanted=wanted, now=world.now)
    if not wanted and not sighting.succeeded:
        return (_killed(live, now=sighting.finished or world.now),)
    if sighting.reason == STOPPED:
        return (_stopped(live),)
    return (_ended(live, sighting, world.run.experiment if world.run is not None else None),)


def _unseen(world: World, live: Live, *, wanted: bool) -> tuple[Action, ...]:
    """No attempt is known: it waits for its turn, or its attempt vanished with the executor's memory."""
    if not wanted:
        return (_killed(live, now=world.now),)
    if live.trial.phase is Phase.RUNNING:
        return _lost(live, wanted=wanted, now=world.now)
    for grant in world.grants:
        if grant.trial == live.trial.name:
            return (StartTrial(name=live.trial.name, attempt=live.trial.attempt, gpus=grant.gpus),)
    return ()


def _running(live: Live, *, wanted: bool) -> tuple[Action, ...]:
    trial = live.trial
    if not wanted:
        return () if live.stopping else (StopTrial(name=trial.name, attempt=trial.attempt),)
    if trial.phase is Phase.CREATED and live.age >= RECORD_AFTER and live.sighting is not None:
        return (RecordRunning(name=trial.name, started=live.sighting.started),)
    return ()


def _lost(live: Live, *, wanted: bool, now: str) -> tuple[Action, ...]:
    trial = live.trial
    if not wanted:
        return (_killed(live, now=now),)
    if trial.attempt < MAX_ATTEMPTS:
        message = f"attempt {trial.attempt} was lost and nobody knows how it ended; starting it again"
        return (RetryTrial(name=trial.name, attempt=trial.attempt + 1, message=message),)
    return (
        FinishTrial(
            name=trial.name,
            phase=Phase.FAILED,
            reason="TrialFailed. Job reason: Lost",
            message=f"Trial has failed. Job message: its process was lost {trial.attempt} times without an exit code",
            started=trial.started,
            finished=now,
            observation=live.observation,
        ),
    )


def _stopped(live: Live) -> RetryTrial:
    """It was stopped together with its reconciler: that says nothing about the trial, however often it happens."""
    message = f"attempt {live.trial.attempt} was stopped before it was over; starting it again"
    return RetryTrial(name=live.trial.name, attempt=live.trial.attempt + 1, message=message)


def _killed(live: Live, *, now: str) -> FinishTrial:
    return FinishTrial(
        name=live.trial.name,
        phase=Phase.KILLED,
        reason="TrialKilled",
        message="Trial was stopped because its experiment is over",
        started=live.trial.started,
        finished=now,
        observation=live.observation,
        artifacts=live.sighting.artifacts if live.sighting is not None else (),
    )


def _ended(live: Live, sighting: Sighting, spec: Experiment | None) -> FinishTrial:
    if not sighting.succeeded:
        phase = Phase.FAILED
        reason = f"TrialFailed. Job reason: {sighting.reason or 'Error'}"
        message = f"Trial has failed. Job message: {sighting.message}"
    elif spec is not None and spec.objective.value(live.observation) is None:
        phase, reason = Phase.METRICS_UNAVAILABLE, "MetricsUnavailable"
        detail = live.note or collectors.nothing(spec.collector, spec.objective.metric)
        message = f"Metrics are not available: {detail}"
    else:
        phase, reason, message = Phase.SUCCEEDED, "TrialSucceeded", "Trial has succeeded"
    return FinishTrial(
        name=live.trial.name,
        phase=phase,
        reason=reason,
        message=message,
        started=sighting.started or live.trial.started,
        finished=sighting.finished,
        observation=live.observation,
        artifacts=sighting.artifacts,
    )
