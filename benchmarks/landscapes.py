"""Simulated searches whose truth is known: landscapes, and who walks them."""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import Any, TypeAlias

from algorithms import catalog as algorithms
from algorithms import dimensions
from algorithms.contract import Finished, Problem, Proposal
from kagit.experiment import Algorithm, Experiment, TrialTemplate
from kagit.objective import Metric, Objective, ObjectiveType
from kagit.space import Parameter, ParameterType, Space
from kagit.trial import Phase, Trial
from reports.contract import ReportData

Row: TypeAlias = tuple[dict[str, str], float]
Landscape: TypeAlias = Callable[[dict[str, float | str], random.Random], float]


def _double(name: str, low: str = "-2", high: str = "3") -> Parameter:
    return Parameter(name=name, type=ParameterType.DOUBLE, minimum=Decimal(low), maximum=Decimal(high))


KIND = Parameter(name="kind", type=ParameterType.CATEGORICAL, values=("x", "y", "z"))
SPACE = (_double("a"), _double("b"), _double("c"), KIND)
WIDE = (_double("a", "0.001", "10"), _double("b"), KIND)


def experiment(space: Sequence[Parameter] = SPACE, algorithm: str = "random", **changes: Any) -> Experiment:  # noqa: ANN401
    """An experiment on the simulated space."""
    made = Experiment(
        namespace="sim",
        name="run",
        space=Space(tuple(space)),
        objective=Objective(type=ObjectiveType.MINIMIZE, metric="val-loss", additional=("train-loss",)),
        algorithm=Algorithm(name=algorithm),
        template=TrialTemplate(trial_spec={}),
    )
    return replace(made, **changes)


def trial(index: int, point: dict[str, str], value: float | None, **changes: Any) -> Trial:  # noqa: ANN401
    """A trial that succeeded with a value, or failed without one."""
    seen = () if value is None else (reading("val-loss", value),)
    phase = Phase.FAILED if value is None else Phase.SUCCEEDED
    return replace(Trial(name=f"t{index}", run=1, index=index, point=point, phase=phase, observation=seen), **changes)


def reading(name: str, value: float) -> Metric:
    """One reading of a metric."""
    return Metric(name=name, min=repr(value), max=repr(value), latest=repr(value))


def report(trials: Sequence[Trial], one: Experiment) -> ReportData:
    """The data of a report on these trials."""
    done = [(v, each.name) for each in trials if (v := each.result(one.objective)) is not None]
    return ReportData(
        experiment=one,
        status="Succeeded",
        reason="",
        message="",
        run=1,
        trials=tuple(trials),
        best=min(done)[1] if done else "",
    )


def told(rows: Sequence[Row], one: Experiment) -> ReportData:
    """The same on points and their values."""
    return report([trial(at, point, value) for at, (point, value) in enumerate(rows)], one)


# Landscapes: a point's cost. `noise` knows no parameter; the others add a little noise.
def noise(point: dict[str, float | str], chance: random.Random) -> float:  # noqa: ARG001
    """No parameter matters."""
    return chance.gauss(0, 1)


def tail(point: dict[str, float | str], chance: random.Random) -> float:  # noqa: ARG001
    """No parameter matters, and the best may be far ahead."""
    return -chance.expovariate(1)


def bowl(point: dict[str, float | str], chance: random.Random) -> float:
    """An optimum inside, a bad choice, a little noise."""
    a, b = float(point["a"]), float(point["b"])
    return (a - 0.8) ** 2 + (b - 0.2) ** 2 + (1.0 if point["kind"] == "z" else 0.0) + chance.gauss(0, 0.2)


def smooth(point: dict[str, float | str], chance: random.Random) -> float:  # noqa: ARG001
    """The same without noise."""
    return (float(point["a"]) - 0.8) ** 2 + (float(point["b"]) - 0.2) ** 2 + (point["kind"] == "z")


def slope(point: dict[str, float | str], chance: random.Random) -> float:
    """Better and better towards a bound."""
    return 4 - float(point["a"]) + (float(point["b"]) - 0.2) ** 2 / 2 + chance.gauss(0, 0.3)


def linear(point: dict[str, float | str], chance: random.Random) -> float:
    """Each of three numbers explains a good tenth, noise the rest."""
    return sum(0.25 * float(point[name]) for name in "abc") + chance.gauss(0, 0.75)


def ridge(point: dict[str, float | str], chance: random.Random) -> float:
    """Two numbers had better be equal."""
    return (float(point["a"]) - float(point["b"])) ** 2 + chance.gauss(0, 0.5)


def decades(point: dict[str, float | str], chance: random.Random) -> float:
    """An optimum at 0.1 of 0.001 to 10."""
    return abs(math.log10(float(point["a"])) + 1) + chance.gauss(0, 0.3)


def middle(point: dict[str, float | str], chance: random.Random) -> float:
    """An optimum at 5 of 0.001 to 10."""
    return abs(float(point["a"]) - 5) / 2 + chance.gauss(0, 0.3)


@cache
def _blind(shape: Landscape, count: int, seed: int, space: tuple[Parameter, ...]) -> tuple[Row, ...]:
    chance, dims = random.Random(f"{shape.__name__} {count} {seed}"), dimensions.of(Space(space))
    rows = []
    for _ in range(count):
        point = {one.name: one.at(chance.random()) for one in dims}
        rows.append((point, shape(_numbers(point), chance)))
    return tuple(rows)


def blind(shape: Landscape, count: int, seed: int, space: tuple[Parameter, ...] = SPACE) -> list[Row]:
    """Random search."""
    return list(_blind(shape, count, seed, space))


def _numbers(point: dict[str, str]) -> dict[str, float | str]:
    return {name: text if name == "kind" else float(text) for name, text in point.items()}


@cache
def tpe(shape: Landscape, count: int, seed: int, space: tuple[Parameter, ...] = SPACE) -> list[Row]:
    """A search that learns: kagit's own."""
    asked = Problem(space=Space(space), direction=ObjectiveType.MINIMIZE, seed=seed)
    optimizer, chance = algorithms.named("tpe").start(asked), random.Random(f"{shape.__name__} {seed}")
    rows: list[Row] = []
    for index in range(count):
        answer = optimizer.ask(index=index, running={})
        if not isinstance(answer, Proposal):
            raise SystemExit(f"no point {index} but {answer}")
        point = dict(answer.point)
        rows.append((point, shape(_numbers(point), chance)))
        optimizer.tell(Finished(index=index, point=point, value=rows[-1][1]))
    return rows
