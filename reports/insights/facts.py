"""What checks look at, prepared once: results as costs, parameters as places in their range."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from kagit.experiment import Experiment
from kagit.objective import number
from kagit.space import Parameter, ParameterType
from kagit.trial import Phase, Trial
from reports import series
from reports.contract import ReportData

UNORDERED = frozenset({"grid"})
"""Algorithms whose trials come in an order that says nothing."""

BLIND = frozenset({"random", "sobol", "grid"})
"""Algorithms that do not learn from results."""

INCOMPARABLE = frozenset({"pbt", "enas", "darts"})
"""Algorithms whose later trials go on from earlier ones, so that their results cannot be compared."""

Places: TypeAlias = tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A trial that succeeded; the smaller its `cost`, the better its value."""

    trial: Trial
    value: float
    cost: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One run. `results` are those that can be compared, in order, and `best` is the one that the report calls so.

    `space` has the parameters that were really searched: without those of one value, and without a resource.
    """

    data: ReportData
    over: tuple[Trial, ...]
    results: tuple[Result, ...]
    best: Result | None
    space: tuple[Parameter, ...]

    @property
    def one(self) -> Experiment:
        """The experiment."""
        return self.data.experiment

    @property
    def ended(self) -> bool:
        """Whether no further trial will come."""
        return self.data.status in {"Succeeded", "Failed"}

    @property
    def costs(self) -> tuple[float, ...]:
        """The costs in order."""
        return tuple(one.cost for one in self.results)

    @property
    def learns(self) -> bool:
        """Whether the algorithm looks at results."""
        return self.one.algorithm.name not in BLIND

    @property
    def has_resource(self) -> bool:
        """Whether trials are given more or less of something, and most of them little."""
        return "resource_name" in self.one.algorithm.settings

    @property
    def in_order(self) -> bool:
        """Whether it means anything that a result came early or late."""
        return self.one.algorithm.name not in UNORDERED


STRETCH = 20
"""So many results in a row are compared with each other where a search learns."""


def best_of(costs: Sequence[float], share: float) -> frozenset[int]:
    """The places of the best results, that share of all."""
    return frozenset(sorted(range(len(costs)), key=lambda at: (costs[at], at))[: math.ceil(share * len(costs))])


def fair_top(known: Facts, costs: Sequence[float], share: float) -> frozenset[int]:
    """The best share of costs in order; of a search that learns, the best share of each stretch.

    Such a search ends where it found luck early, in a parameter without effect too: late results are good because they
    are late, and lie there. Beside those of the same time they are not better.
    """
    if not known.learns:
        return best_of(costs, share)
    found, parts = set[int](), max(1, len(costs) // STRETCH)
    for part in range(parts):
        begin, end = len(costs) * part // parts, len(costs) * (part + 1) // parts
        found.update(begin + at for at in best_of(costs[begin:end], share))
    return frozenset(found)


def facts(data: ReportData) -> Facts:
    """The facts of a run."""
    one = data.experiment
    over = tuple(trial for trial in series.ordered(data.trials) if trial.is_over)
    resource = one.algorithm.settings.get("resource_name", "")
    results = _results(data, over, resource)
    return Facts(
        data=data,
        over=over,
        results=results,
        best=next((each for each in results if data.best and each.trial.name == data.best), None),
        space=tuple(each for each in one.space if each.name != resource and _size(each) != 1),
    )


def _results(data: ReportData, over: Sequence[Trial], resource: str) -> tuple[Result, ...]:
    one = data.experiment
    if one.algorithm.name in INCOMPARABLE or one.nas is not None or one.objective.others:
        return ()
    sign = 1.0 if one.objective.better(0.0, 1.0) else -1.0
    done = [trial for trial in over if trial.phase is Phase.SUCCEEDED]
    if resource:
        spent = [number(trial.point.get(resource, "")) or 0.0 for trial in done]
        most = max(spent, default=0.0)
        done = [trial for trial, resource in zip(done, spent, strict=True) if resource == most]
    values = ((trial, trial.result(one.objective)) for trial in done)
    found = tuple(Result(trial=trial, value=v, cost=sign * v) for trial, v in values if v is not None)
    return found if all(abs(each.value) < _LARGEST for each in found) else ()


_LARGEST = 1e150
"""Values whose squares can be summed; nobody compares larger ones."""


def _size(one: Parameter) -> int | None:
    """How many values a parameter has; None for a range without a step."""
    if not one.is_range:
        return len(set(one.values))
    if not is_number(one):
        return None
    low, high = map(float, one.bounds)
    if low >= high:
        return 1
    step = float(one.step or (1 if one.type is ParameterType.INT else 0))
    steps = (high - low) / step if step > 0 else math.inf
    return round(steps) + 1 if steps <= _COUNTABLE else None


_COUNTABLE = 1e9


def points(space: Sequence[Parameter]) -> int | None:
    """How many different points there are; None where they cannot be counted."""
    sizes = [_size(one) for one in space]
    whole = [size for size in sizes if size is not None]
    return math.prod(whole) if len(whole) == len(sizes) else None


def is_number(one: Parameter) -> bool:
    """Whether values of it are smaller and larger."""
    if one.is_range:
        return one.minimum is not None and one.maximum is not None
    return one.type is ParameterType.DISCRETE and None not in map(number, one.values)


def places(one: Parameter, trials: Sequence[Trial]) -> Places:
    """Where each trial lies in the range of a number, 0 to 1 on the parameter's own scale; None outside of it."""
    values = sorted({value for text in one.values if (value := number(text)) is not None})
    ranks = {value: at / max(1, len(values) - 1) for at, value in enumerate(values)}
    found: list[float | None] = []
    for trial in trials:
        value = number(trial.point.get(one.name, ""))
        if value is None:
            found.append(None)
        elif one.is_range:
            found.append(_place(one, value))
        else:
            found.append(ranks.get(value))
    return tuple(found)


def _place(one: Parameter, value: float) -> float | None:
    low, high = map(float, one.bounds)
    if not low <= value <= high or low >= high:
        return None
    if series.is_log(one) and low > 0:
        return math.log(value / low) / math.log(high / low)
    return (value - low) / (high - low)


def groups(one: Parameter, trials: Sequence[Trial]) -> list[tuple[str, frozenset[int]]]:
    """The trials by value of a list, or by quarter of what was tried of a range: its name, and their places."""
    if not one.is_range:
        found: dict[str, list[int]] = {text: [] for text in one.values}
        for at, trial in enumerate(trials):
            found.get(trial.point.get(one.name, ""), []).append(at)
        return [(text, frozenset(inside)) for text, inside in found.items()]
    valued = [(v, at) for at, each in enumerate(trials) if (v := number(each.point.get(one.name, ""))) is not None]
    values = sorted({value for value, _ in valued})
    if len(values) <= _FEW:
        return [(f"{value:.4g}", frozenset(at for v, at in valued if v == value)) for value in values]
    ordered = sorted(value for value, _ in valued)
    cuts = [ordered[len(ordered) * at // 4] for at in (1, 2, 3)]
    parts: list[tuple[str, frozenset[int]]] = []
    for low, high in zip([values[0], *cuts], [*cuts, math.inf], strict=True):
        inside = [(value, at) for value, at in valued if low <= value < high]
        if inside:
            name = f"{min(inside)[0]:.4g} to {max(inside)[0]:.4g}"
            parts.append((name, frozenset(at for _, at in inside)))
    return parts


_FEW = 4
