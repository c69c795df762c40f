"""What the trials of one run amount to: counts, values, best so far, places in the range."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext

from kagit.objective import Objective, number
from kagit.space import Distribution, Parameter, ParameterType
from kagit.trial import Phase, Trial
from reports.contract import ReportData

COUNTS = frozenset({Phase.SUCCEEDED, Phase.EARLY_STOPPED})
"""Trials whose value counts for the best-so-far line."""

FAILED = frozenset({Phase.FAILED, Phase.METRICS_UNAVAILABLE})
"""Trials that count against maxFailedTrialCount (spec katib.md section 4.1.5)."""

MARKS = 60
"""How many marks a line without axes has at most."""

_EXACT = Context(prec=40, Emax=99_999, Emin=-99_999)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How many trials are in which state; `done` are those that are over."""

    done: int
    running: int
    created: int
    succeeded: int
    failed: int
    early_stopped: int
    killed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Values by trial number (from 1): every measured trial, those without a value, and each new best."""

    values: tuple[tuple[int, float], ...]
    missing: tuple[int, ...]
    best: tuple[tuple[int, float], ...]
    last: int


def ordered(trials: Sequence[Trial]) -> tuple[Trial, ...]:
    """The trials in their total order: by index, then name."""
    return tuple(sorted(trials, key=lambda trial: (trial.index, trial.name)))


def budget(trials: Sequence[Trial]) -> Budget:
    """Count the trials by state."""
    phases = [trial.phase for trial in trials]
    running, created = phases.count(Phase.RUNNING), phases.count(Phase.CREATED)
    return Budget(
        done=len(phases) - running - created,
        running=running,
        created=created,
        succeeded=phases.count(Phase.SUCCEEDED),
        failed=sum(phases.count(phase) for phase in FAILED),
        early_stopped=phases.count(Phase.EARLY_STOPPED),
        killed=phases.count(Phase.KILLED),
    )


def searched(data: ReportData) -> tuple[Parameter, ...]:
    """The parameters of the space; where networks are searched, what their trials were told."""
    if data.experiment.nas is None:
        return tuple(data.experiment.space)
    names = dict.fromkeys(name for trial in ordered(data.trials) for name in trial.point)
    return tuple(Parameter(name=name, type=ParameterType.CATEGORICAL) for name in names)


def best_trial(data: ReportData) -> Trial | None:
    """The trial that `data.best` names, or None."""
    return next((trial for trial in data.trials if data.best and trial.name == data.best), None)


def history(objective: Objective, trials: Sequence[Trial]) -> History:
    """What became of every trial that is over, in the order of index, and the best value so far."""
    values: list[tuple[int, float]] = []
    missing: list[int] = []
    best: list[tuple[int, float]] = []
    over = [trial for trial in ordered(trials) if trial.is_over]
    for trial in over:
        value = objective.value(trial.observation)
        place = trial.index + 1
        if value is None:
            missing.append(place)
            continue
        values.append((place, value))
        if _counted(objective, trial) is not None and (not best or objective.better(value, best[-1][1])):
            best.append((place, value))
    last = over[-1].index + 1 if over else 0
    return History(values=tuple(values), missing=tuple(missing), best=tuple(best), last=last)


def line(past: History) -> tuple[float, ...]:
    """The best value after each trial that is over, from the first one that counts on."""
    steps = dict(past.best)
    values: list[float] = []
    for place in sorted((*past.missing, *(place for place, _ in past.values))):
        if place in steps:
            values.append(steps[place])
        elif values:
            values.append(values[-1])
    return tuple(values)


def thinned(values: Sequence[float], most: int = MARKS) -> tuple[float, ...]:
    """At most `most` of the values, evenly spread, the first and the last among them."""
    if len(values) <= most:
        return tuple(values)
    return tuple(values[round(at * (len(values) - 1) / (most - 1))] for at in range(most))


def chosen(objective: Objective, trials: Sequence[Trial], limit: int) -> tuple[Trial, ...]:
    """At most `limit` trials worth showing, by index: the best half, failed ones, and the newest for the rest."""
    everyone = ordered(trials)
    if len(everyone) <= limit:
        return everyone
    sign = 1.0 if objective.better(0.0, 1.0) else -1.0
    measured = [
        (sign * value, at) for at, trial in enumerate(everyone) if (value := _counted(objective, trial)) is not None
    ]
    places = {at for _, at in sorted(measured)[: limit // 2]}
    failed = [at for at, trial in enumerate(everyone) if trial.phase in FAILED]
    places.update(failed[-(limit // 4) :])
    for at in range(len(everyone) - 1, -1, -1):
        if len(places) >= limit:
            break
        places.add(at)
    return tuple(everyone[at] for at in sorted(places))


def _counted(objective: Objective, trial: Trial) -> float | None:
    return objective.result(trial.observation) if trial.phase in COUNTS else None


def percent(parameter: Parameter, text: str) -> int | None:
    """Where a value lies in its range, 0 to 100 on the parameter's own scale; None for lists and illegal values."""
    if not parameter.is_range or parameter.minimum is None or parameter.maximum is None or number(text) is None:
        return None
    with localcontext(_EXACT):
        low, high, value = parameter.minimum, parameter.maximum, Decimal(text)
        if low >= high or not low <= value <= high:
            return None
        if is_log(parameter) and low > 0:
            low, high, value = low.ln(), high.ln(), value.ln()
        return int(((value - low) / (high - low) * 100).to_integral_value())


def is_log(parameter: Parameter) -> bool:
    """Whether the parameter is searched on a logarithmic scale."""
    return parameter.distribution in {Distribution.LOG_UNIFORM, Distribution.LOG_NORMAL}
