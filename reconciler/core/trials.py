"""What becomes of each trial that is not over: start, wait, retry, stop or record its end."""

from enum import StrEnum

from kagit.experiment import Experiment
from kagit.trial import Phase, Trial
from reconciler.actions import Action, FinishTrial, RecordRunning, RetryTrial, StartTrial, StopTrial
from reconciler.core import endings
from reconciler.ports import Sighting, State
from reconciler.world import Live, World

RECORD_AFTER = 0.5
"""Seconds after which it is written down that a trial runs: shorter trials are written once, when they are over."""

STOPPED = "Stopped"
"""Reason of an attempt that ended because its executor was told to stop it."""

NOT_ITS_FAULT = frozenset(
    {
        "Evicted", "Preempted", "Preempting", "NodeLost", "NodeShutdown", "Shutdown", "Terminated", "NodeAffinity",
        "UnexpectedAdmissionError", "DisruptionTarget", "PreemptionByScheduler", "DeletionByTaintManager",
        "EvictionByEvictionAPI", "DeletionByPodGC", "TerminationByKubelet",
    }
)  # fmt: skip
"""Reasons of attempts that a machine ended and not their own program; running out of memory (OOMKilled) is none."""


class Aim(StrEnum):
    """What is wanted of a trial."""

    RUN = "it is to run"
    PAUSE = "its experiment is suspended"
    FINISH = "its experiment is over; what runs may end, and nothing begins"
    END = "its experiment is over, replaced or deleted"


def decide(world: World, live: Live, *, aim: Aim) -> tuple[Action, ...]:
    """The deeds for one active trial."""
    sighting = live.sighting
    if sighting is None:
        return _unseen(world, live, aim)
    if sighting.state is State.RUNNING:
        return _running(live, aim)
    return (_over(world, live, sighting, aim),) if live.drained else ()


def _over(world: World, live: Live, sighting: Sighting, aim: Aim) -> Action:
    """Its attempt is over and read to the end."""
    if live.rules_met and (sighting.state is State.LOST or sighting.reason == STOPPED):
        return _stopped_early(live, sighting, now=world.now)
    if sighting.state is State.LOST or sighting.reason in NOT_ITS_FAULT:
        return _lost(world, live, aim)
    if aim is Aim.END and not sighting.succeeded:
        return _killed(live, now=sighting.finished or world.now)
    if sighting.reason == STOPPED:
        return _killed(live, now=sighting.finished or world.now) if aim is Aim.FINISH else _stopped(live, aim)
    return _ended(live, sighting, world.run.experiment if world.run is not None else None)


def _unseen(world: World, live: Live, aim: Aim) -> tuple[Action, ...]:
    """No attempt is known: it waits for its turn, or its attempt vanished with the executor's memory."""
    if live.trial.phase is Phase.RUNNING:
        return (_lost(world, live, aim),)
    if aim in {Aim.FINISH, Aim.END}:
        return (_killed(live, now=world.now),)
    if aim is Aim.PAUSE:
        return ()
    if live.twin is not None:
        return (_same(live, live.twin, now=world.now),) if live.twin.is_over else ()
    for grant in world.grants:
        if grant.trial == live.trial.name:
            return (StartTrial(name=live.trial.name, attempt=live.trial.attempt, gpus=grant.gpus),)
    return ()


def _running(live: Live, aim: Aim) -> tuple[Action, ...]:
    trial = live.trial
    if aim in {Aim.PAUSE, Aim.END} or live.rules_met:
        return () if live.stopping else (StopTrial(name=trial.name, attempt=trial.attempt),)
    if trial.phase is Phase.CREATED and live.age >= RECORD_AFTER and live.sighting is not None:
        return (RecordRunning(name=trial.name, started=live.sighting.started),)
    return ()


def _lost(world: World, live: Live, aim: Aim) -> Action:
    """Its attempt ended without a verdict of its own: it is started again as often as its experiment wishes."""
    trial = live.trial
    retries = world.run.experiment.wishes.retries if world.run is not None else 0
    if aim in {Aim.FINISH, Aim.END}:
        return _killed(live, now=world.now)
    if trial.lost < retries:
        again = trial.attempt + 1
        message = (
            f"attempt {trial.attempt} {_how(live)}; starting attempt {again} of {again + retries - trial.lost - 1}"
        )
        return RetryTrial(name=trial.name, attempt=again, lost=trial.lost + 1, message=message)
    tried = f"attempt {trial.attempt} {_how(live)}"
    more = f", like {trial.lost} before it" if trial.lost else ""
    return FinishTrial(
        name=trial.name,
        phase=Phase.FAILED,
        reason=f"TrialFailed. Job reason: {_reason(live)}",
        message=f"Trial has failed. Job message: {tried}{more}",
        started=trial.started,
        finished=world.now,
        observation=live.observation,
    )


def _reason(live: Live) -> str:
    return live.sighting.reason if live.sighting is not None and live.sighting.reason else "Lost"


def _how(live: Live) -> str:
    """How an attempt ended that is not to blame for it."""
    sighting = live.sighting
    if sighting is None or sighting.state is State.LOST:
        return "was lost and nobody knows how it ended"
    return f"was ended from outside ({': '.join(part for part in (sighting.reason, sighting.message) if part)})"


def _stopped(live: Live, aim: Aim) -> RetryTrial:
    """It was stopped with its reconciler or its experiment: that says nothing about the trial, however often."""
    trial = live.trial
    then = "it starts again when its experiment is resumed" if aim is Aim.PAUSE else "starting it again"
    message = f"attempt {trial.attempt} was stopped before it was over; {then}"
    return RetryTrial(name=trial.name, attempt=trial.attempt + 1, lost=trial.lost, message=message)


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


def _same(live: Live, twin: Trial, *, now: str) -> FinishTrial:
    """It need not run: what would come out is known."""
    return FinishTrial(
        name=live.trial.name,
        phase=Phase.SUCCEEDED,
        reason="TrialSucceeded",
        message=f"Trial has succeeded with the result of {twin.name}: same assignments",
        started=live.trial.started,
        finished=now,
        observation=twin.observation,
        result_of=twin.name,
    )


def _stopped_early(live: Live, sighting: Sighting, *, now: str) -> FinishTrial:
    """Its rules were met and it did not end by itself: also if nobody remembers that it was stopped for them."""
    return FinishTrial(
        name=live.trial.name,
        phase=Phase.EARLY_STOPPED,
        reason="TrialEarlyStopped",
        message="Trial is early stopped",
        started=sighting.started or live.trial.started,
        finished=sighting.finished or now,
        observation=live.observation,
        artifacts=sighting.artifacts,
    )


def _ended(live: Live, sighting: Sighting, experiment: Experiment | None) -> FinishTrial:
    ending = endings.of(live, sighting, experiment)
    return FinishTrial(
        name=live.trial.name,
        phase=ending.phase,
        reason=ending.reason,
        message=ending.message,
        started=sighting.started or live.trial.started,
        finished=sighting.finished,
        observation=live.observation,
        artifacts=sighting.artifacts,
    )
