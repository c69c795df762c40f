"""What every algorithm must keep, over spaces of every kind. Law: an algorithm is known by its name only."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from algorithms import dimensions
from algorithms.catalog import named
from algorithms.contract import Absence, Finished, Optimizer, Problem, Proposal
from algorithms.nas import graph
from kagit.objective import ObjectiveType
from kagit.space import Distribution, Parameter, ParameterType, Point, Space

ALL = (
    "asha",
    "auto",
    "bayesianoptimization",
    "bohb",
    "cmaes",
    "darts",
    "enas",
    "grid",
    "hyperband",
    "hyperopt-tpe",
    "multivariate-tpe",
    "pbt",
    "random",
    "sobol",
    "tpe",
)
BLIND = ("darts", "grid", "random", "sobol")
GRAPHS = ("darts", "enas")
PARZEN = ("hyperopt-tpe", "multivariate-tpe", "tpe")
STARTS = (*PARZEN, "bayesianoptimization")
"""What learns from every trial from its first ones on."""
HALVING = ("asha", "bohb", "hyperband")
NEEDED = {
    **{name: {"r_l": "8", "resource_name": "budget", "eta": "2"} for name in HALVING},
    "pbt": {"suggestion_trial_dir": "/checkpoints", "n_population": "10", "truncation_threshold": "0.3"},
}
"""Settings without which an algorithm does not start."""
EARLY = {
    **{name: {"n_startup_trials": "3"} for name in PARZEN},
    "bayesianoptimization": {"n_initial_points": "3"},
    "pbt": {"n_population": "5"},
}
"""Settings with which an algorithm has something to learn from after a few trials."""
LOGARITHMIC = {Distribution.LOG_UNIFORM, Distribution.LOG_NORMAL}

few = settings(deadline=None, derandomize=True, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
many = settings(few, max_examples=200)

WORDS = ("relu", "a b", "1", "1.0", "", "{{x}}", "ağ", "true", "-", "0x1")
NUMBERS = ("1", "1.0", "-3", "0.1", "1e-5", "1E3", "32", "64", "+2", "0")
STEPS = ("0.1", "0.25", "0.05", "1", "3", "0.001", "1e-9", "2.5")
WHOLE = st.one_of(st.integers(-20, 20), st.integers(-(2**63) + 1, 2**63 - 1), st.just(0))
REAL = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(-10, 10),
    st.sampled_from((0.0, 1e-5, 0.1, 5e-324, -1.7e308, 1.7e308, 1.0, 1.0000000000000002)),
)


def parameter(name: str, kind: str, *, dist: str = "uniform", **given: str | tuple[str, ...]) -> Parameter:
    """A parameter written like a manifest: `low`, `high`, `step` and `values` are texts."""
    low, high, step = (None if given.get(key) is None else Decimal(str(given[key])) for key in ("low", "high", "step"))
    return Parameter(
        name=name,
        type=ParameterType(kind),
        minimum=low,
        maximum=high,
        step=step,
        values=tuple(given.get("values", ())),
        distribution=Distribution(dist),
    )


@st.composite
def ranges(draw: st.DrawFn, name: str) -> Parameter:
    """An int or double of any size and distribution, with or without a step."""
    kind = draw(st.sampled_from(("int", "double")))
    distribution = draw(st.sampled_from(Distribution))
    ends = [Decimal(repr(draw(WHOLE if kind == "int" else REAL))) for _ in range(2)]
    if distribution in LOGARITHMIC:
        ends = [abs(end) or Decimal(1) for end in ends]
    low, high = min(ends), max(ends)
    step = None
    if draw(st.booleans()):
        step = Decimal(draw(st.sampled_from(("1", "2", "7", "1000")))) if kind == "int" else None
        step = step or Decimal(draw(st.sampled_from(STEPS)))
        if kind == "double":
            low = low.quantize(Decimal("0.01")) if abs(low) < 10**9 else Decimal(5)
            low = max(low, Decimal("0.01")) if distribution in LOGARITHMIC else low
            high = low + step * draw(st.integers(0, 10**6)) + draw(st.sampled_from((Decimal(0), step / 3)))
    return Parameter(
        name=name, type=ParameterType(kind), minimum=low, maximum=high, step=step, distribution=distribution
    )


@st.composite
def lists(draw: st.DrawFn, name: str) -> Parameter:
    """A discrete or categorical parameter, down to a single value, sometimes with a value twice."""
    kind = draw(st.sampled_from(("discrete", "categorical")))
    values = draw(st.lists(st.sampled_from(NUMBERS if kind == "discrete" else WORDS), min_size=1, max_size=5))
    return Parameter(name=name, type=ParameterType(kind), values=tuple(values))


@st.composite
def spaces(draw: st.DrawFn) -> Space:
    """One to four parameters of every kind."""
    count = draw(st.integers(1, 4))
    return Space(tuple(draw(st.one_of(ranges(f"p{i}"), lists(f"p{i}"))) for i in range(count)))


def problem(space: Space, *, seed: int = 7, direction: str = "minimize", **settings_: str) -> Problem:
    """A problem with these settings; of networks where the space is one of them."""
    nas = space.nas if isinstance(space, Networks) else None
    searched = Space(()) if isinstance(space, Networks) else space
    return Problem(space=searched, direction=ObjectiveType(direction), settings=settings_, seed=seed, nas=nas)


@dataclass(frozen=True, slots=True)
class Networks(Space):
    """A nasConfig in the place of a space: its points are what trials are told."""

    nas: Mapping[str, Any]

    def contains(self, point: Point) -> bool:
        if "architecture" not in point:
            return set(point) == {one.name for one in self} and point["num-layers"] == str(self.graph.layers)
        return self.graph.read(point) is not None

    @property
    def graph(self) -> graph.Graph:
        return graph.of(problem(self))

    @property
    def room(self) -> float:
        return self.graph.size if "architecture" in {one.name for one in self} else 1


def networks(name: str, space: Space) -> Networks:
    """Networks of one to three layers, with an operation for each parameter of a space."""

    def field(one: Parameter) -> dict[str, Any]:
        feasible = {"min": "1", "max": "3", "step": "1"} if one.is_range else {"list": list(one.values)}
        return {"name": one.name, "parameterType": "int" if one.is_range else one.type.value, "feasibleSpace": feasible}

    operations = [{"operationType": f"op-{one.name}", "parameters": [field(one)]} for one in space]
    size = {"numLayers": 1 + len(space) % 3, "inputSizes": [8, 8, 1], "outputSizes": [10]}
    names = {"enas": ("architecture", "nn_config"), "darts": ("algorithm-settings", "search-space", "num-layers")}
    told = tuple(Parameter(name=one, type=ParameterType.CATEGORICAL) for one in names[name])
    return Networks(told, {"graphConfig": size, "operations": operations})


def for_algorithm(name: str, space: Space) -> Space:
    """The space as this algorithm can search it: for grid, every double has a step; cmaes needs two ranges, pbt room
    for its population. Halving needs a resource, and beside it room for a rung of different configurations. For those
    that search networks it is one of networks, made of the same parameters.
    """
    if name in GRAPHS:
        return networks(name, space)
    if name in HALVING:
        more = [parameter("extra", "double", low="0", high="1")] if room(space) < 64 else []
        return Space((*space, *more, parameter("budget", "int", low="1", high="8")))
    if name == "pbt" and room(space) < 20:
        return Space((*space, parameter("extra", "double", low="0", high="1")))
    if name == "cmaes":
        lacking = max(0, 2 - sum(one.is_range for one in space))
        return Space((*space, *(parameter(f"extra{i}", "double", low="0", high="1") for i in range(lacking))))
    if name != "grid":
        return space
    return Space(tuple(_stepped(one) for one in space))


def _stepped(one: Parameter) -> Parameter:
    if one.type is not ParameterType.DOUBLE or one.step is not None:
        return one
    low, high = one.bounds
    return replace(one, step=Decimal(repr(float(high - low) / 7)) if float(high - low) / 7 > 0 else Decimal(1))


def needed(name: str, the_problem: Problem) -> Problem:
    """The problem with the settings that this algorithm needs."""
    if name in HALVING and "r_l" in the_problem.settings:
        return the_problem
    return replace(the_problem, settings={**NEEDED.get(name, {}), **the_problem.settings})


def started(name: str, the_problem: Problem) -> Optimizer:
    """A fresh optimizer; the problem must pass its check."""
    algorithm, the_problem = named(name), needed(name, the_problem)
    assert not [issue for issue in algorithm.check(the_problem) if issue.severity == "error"]
    return algorithm.start(the_problem)


def value_of(index: int, point: Point) -> float | None:
    """An objective out of thin air, the same for the same trial, with many ties; every fifth trial fails."""
    chance = hash_of(index, point)
    return None if chance % 5 == 0 else chance % 7 / 7


def hash_of(index: int, point: Point) -> int:
    """A number between 0 and 996 from index and point, the same in every process."""
    total = index
    for name, text in sorted(point.items()):
        for letter in name + text:
            total = (total * 31 + ord(letter)) % 997
    return total


def asked(optimizer: Optimizer, *, index: int, running: Mapping[int, Point]) -> Point | None:
    """The point of an answer; None where the search space is exhausted, or a running trial has to be over first."""
    answer = optimizer.ask(index=index, running=running)
    if isinstance(answer, Proposal):
        return answer.point
    assert answer is Absence.EXHAUSTED or running
    return None


def batch(optimizer: Optimizer, indexes: range, running: Mapping[int, Point]) -> dict[int, Point]:
    """Ask for several points until there is none; each ask sees the ones before it as running."""
    answers: dict[int, Point] = {}
    for index in indexes:
        point = asked(optimizer, index=index, running={**running, **answers})
        if point is None:
            break
        answers[index] = point
    return answers


def walk(optimizer: Optimizer, *, rounds: int, size: int) -> Iterator[tuple[dict[int, Point], list[Finished]]]:
    """Ask in batches and finish every batch, last one first; yields the batch and all that is finished after it."""
    finished: list[Finished] = []
    start, end = 0, rounds * size
    while start < end:
        points = batch(optimizer, range(start, min(start + size, end)), {})
        for index in reversed(points):
            trial = Finished(index=index, point=points[index], value=value_of(index, points[index]))
            optimizer.tell(trial)
            finished.append(trial)
        start = max(points, default=start + size - 1) + 1  # what had to wait is asked for again
        yield points, list(finished)


def walked(name: str, the_problem: Problem, *, rounds: int, size: int) -> tuple[dict[int, Point], list[Finished]]:
    """All points and finished trials of a walk."""
    points: dict[int, Point] = {}
    finished: list[Finished] = []
    for new, finished_now in walk(started(name, the_problem), rounds=rounds, size=size):
        points |= new
        finished = finished_now
    return points, finished


def room(space: Space) -> float:
    """How many different points a space has."""
    if isinstance(space, Networks):
        return space.room
    size = dimensions.combinations(dimensions.of(space))
    return math.inf if size is None else size
