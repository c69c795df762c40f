"""Every deed as a value that leaves nothing to decide. Doing one twice is harmless."""

from dataclasses import dataclass
from typing import TypeAlias

from kagit.conditions import Conditions
from kagit.experiment import Experiment, ResumePolicy
from kagit.objective import Observation
from kagit.suggestion import Suggestion
from kagit.trial import Artifact, Phase
from reconciler.world import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRun:
    """Make run `number` of an experiment: the first creates the object, a later one replaces its spec."""

    experiment: Experiment
    number: int
    seed: int
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendRun:
    """Change the budget and the wishes of the run that is there; `conditions` are those to hold afterwards."""

    experiment: Experiment
    conditions: Conditions


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteExperiment:
    """Remove the experiment and all that it owns; its last run number is remembered."""

    run: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SetStatus:
    """Write the experiment's status with these conditions; counters and lists are the aggregates of the moment."""

    conditions: Conditions
    started: str
    completed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSuggestion:
    """Write what clients read of the algorithm: conditions, points wanted since the run began, resume policy."""

    conditions: Conditions
    requests: int
    resume: ResumePolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class AskForPoints:
    """Ask the algorithm for these point numbers and keep the answers."""

    indexes: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTrial:
    """Make the trial of a suggestion."""

    name: str
    run: int
    suggestion: Suggestion


@dataclass(frozen=True, slots=True, kw_only=True)
class StartTrial:
    """Start attempt `attempt` of a trial on these devices."""

    name: str
    attempt: int
    gpus: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordCreated:
    """Write down that a trial waits to start."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRunning:
    """Write down that a trial runs."""

    name: str
    started: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryTrial:
    """Put a trial whose attempt was lost or stopped back to waiting; `lost` is what its status counts from now on."""

    name: str
    attempt: int
    lost: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StopTrial:
    """Ask a running attempt to end."""

    name: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishTrial:
    """Record how a trial ended; `result_of` names the trial whose observation it takes over."""

    name: str
    phase: Phase
    reason: str
    message: str
    started: str
    finished: str
    observation: Observation
    artifacts: tuple[Artifact, ...] = ()
    result_of: str = ""


Action: TypeAlias = (
    StartRun
    | ExtendRun
    | DeleteExperiment
    | SetStatus
    | SetSuggestion
    | AskForPoints
    | CreateTrial
    | StartTrial
    | RecordCreated
    | RecordRunning
    | RetryTrial
    | StopTrial
    | FinishTrial
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do now, in this order, and why nothing else happens, in words.

    `wake` is how many seconds after the world's `now` time alone brings something to do; None where it never will.
    """

    actions: tuple[Action, ...] = ()
    waiting: tuple[str, ...] = ()
    wake: float | None = None
