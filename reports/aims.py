"""Several objectives and constraints: which trials are on the Pareto front, and which break what."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from kagit import objective as aim
from kagit.objective import Constraint, Objective, ObjectiveType
from kagit.spelling import short
from kagit.trial import COUNTED, Trial
from reports import figures, series
from reports.contract import ReportData
from reports.tables import Cell, Table, assigned, figure, foreign, numeric, plain, value

MAX_FRONT = 100
_SIGNS = {"<=": "≤", ">=": "≥"}


def targets(objective: Objective) -> tuple[tuple[str, ObjectiveType], ...]:
    """All objectives and where each is wanted to go, the first one first."""
    return ((objective.metric, objective.type), *objective.others.items())


Spot: TypeAlias = tuple[float, ...]
"""The values of the first two objectives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aims:
    """How the trials stand to all objectives and constraints.

    `front` are those that no other one beats, the best by the first objective first; `measured` counts those that could
    have been there, `broken` those that break a constraint. `ahead`, `beaten` and `beyond` are where the front, the
    others, and those that break something lie by the first two objectives.
    """

    front: tuple[Trial, ...] = ()
    measured: int = 0
    broken: int = 0
    ahead: tuple[Spot, ...] = ()
    beaten: tuple[Spot, ...] = ()
    beyond: tuple[Spot, ...] = ()

    @property
    def spots(self) -> tuple[Spot, ...]:
        """Where all of them lie."""
        return (*self.ahead, *self.beaten, *self.beyond)


def of(data: ReportData) -> Aims:
    """One look at all trials; nothing but the count of broken constraints where there is one objective."""
    objective = data.experiment.objective
    results = [trial for trial in series.ordered(data.trials) if trial.phase in COUNTED]
    broken = [trial for trial in results if any(objective.excess(trial.observation))] if objective.constraints else []
    if not objective.others:
        return Aims(broken=len(broken))
    bad = {trial.name for trial in broken}
    known: list[tuple[Trial, tuple[float, ...]]] = []
    for trial in results:
        values = objective.values(trial.observation) if trial.name not in bad else None
        if values is not None:
            known.append((trial, values))
    places = aim.front([values for _, values in known], [kind for _, kind in targets(objective)])
    sign = 1.0 if objective.type is ObjectiveType.MINIMIZE else -1.0
    ahead = sorted(places, key=lambda at: (sign * known[at][1][0], at))
    rest = set(range(len(known))) - set(places)
    return Aims(
        front=tuple(known[at][0] for at in ahead),
        measured=len(known),
        broken=len(broken),
        ahead=tuple(known[at][1][:2] for at in ahead),
        beaten=tuple(sorted(known[at][1][:2] for at in rest)),
        beyond=tuple(sorted(spot for trial in broken for spot in _spot(objective, trial))),
    )


def _spot(objective: Objective, trial: Trial) -> Iterator[Spot]:
    x, y = (objective.value(trial.observation, name) for name, _ in targets(objective)[:2])
    if x is not None and y is not None:
        yield x, y


def breaks(objective: Objective, trial: Trial) -> str:
    """Which constraints a trial with a result breaks, and by how much; empty where it keeps all of them."""
    if not objective.constraints or trial.phase not in COUNTED:
        return ""
    excess = objective.excess(trial.observation)
    told = [_broken(one, by) for one, by in zip(objective.constraints, excess, strict=True) if by]
    return f"breaks {'; '.join(told)}" if told else ""


def _broken(one: Constraint, by: float) -> str:
    return f"{limit(one)} without a value" if math.isinf(by) else f"{limit(one)} by {figures.short(by)}"


def limit(one: Constraint) -> str:
    """A constraint as it is read: `memory ≤ 512`."""
    return f"{short(one.metric)} {_SIGNS[one.sign]} {figures.exact(one.bound).removesuffix('.0')}"


def objectives(data: ReportData, kept: Sequence[Trial]) -> Table:
    """Every objective and the best that there is of it on the front."""
    objective = data.experiment.objective
    rows: list[tuple[Cell, ...]] = []
    for name, kind in targets(objective):
        values = [(objective.value(trial.observation, name), trial) for trial in kept]
        known = [(found, trial) for found, trial in values if found is not None]
        pick = min if kind is ObjectiveType.MINIMIZE else max
        best = pick(known, key=lambda one: one[0])[1] if known else None
        shown = (value(data, best, name), foreign(best.name)) if best else (figure(figures.NOTHING), foreign(""))
        rows.append((foreign(name), plain(str(kind)), *shown))
    columns = ("Objective", "Direction", "Best of the front", "Trial")
    return Table(caption="Objectives", columns=columns, rows=tuple(rows), numeric=frozenset({2}))


def table(data: ReportData, kept: Sequence[Trial]) -> Table:
    """A row per trial of the front with all objectives and parameters."""
    metrics, space = tuple(name for name, _ in targets(data.experiment.objective)), series.searched(data)
    rows = tuple(
        (
            Cell(text=trial.name, kind="foreign", remark="best" if trial.name == data.best else ""),
            *(value(data, trial, metric) for metric in metrics),
            *assigned(data, trial, space),
        )
        for trial in kept[:MAX_FRONT]
    )
    columns = ("Trial", *metrics, *(parameter.name for parameter in space))
    left = f"{MAX_FRONT} of {len(kept)} trials are shown: the best by the first objective." if kept[MAX_FRONT:] else ""
    return Table(
        caption="Trials of the Pareto front by the first objective",
        columns=columns,
        rows=rows,
        foreign=frozenset(range(1, len(columns))),
        numeric=frozenset(set(range(1, 1 + len(metrics))) | numeric(space, 1 + len(metrics))),
        note=left,
    )


def words(data: ReportData, found: Aims) -> str:
    """What the front is, with its numbers."""
    if not found.measured:
        return "No trial has a usable value of every objective yet."
    drawn = " Drawn are the first two objectives." if len(data.experiment.objective.others) > 1 else ""
    return (
        f"{len(found.front)} of {found.measured} trials are on the front: no other one is better in an objective "
        f"without being worse in another. The best trial is the best by the first objective.{drawn}"
    )
