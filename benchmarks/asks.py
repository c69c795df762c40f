"""One suggestion of each algorithm: CPU time against the number of finished trials, beside the bare call of Optuna.

Three parameters, as in most experiments: a logarithmic double, an int from 1 to 128, a category of three. Those that
search networks have three layers and six operations instead.
"""

import random
import statistics
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lines import Line, Wishes, apart

from algorithms import catalog, dimensions
from algorithms.contract import Finished, Optimizer, Problem, Proposal
from kagit.findings import Severity
from kagit.objective import ObjectiveType
from kagit.space import Distribution, Parameter, ParameterType, Point, Space

COUNTS = (10, 100, 1000)
FEW = {"bayesianoptimization": (10, 100, 300)}
"""Finished trials where there is a target for fewer than 1,000."""
MOST = {"random": 5, "grid": 5, "sobol": 5, "cmaes": 5, "tpe": 50, "multivariate-tpe": 50, "bayesianoptimization": 1000}
"""Milliseconds of CPU for one suggestion at the last of the counts."""
BARE = {"tpe": False, "multivariate-tpe": True}
_HALVING = {"r_l": "81", "resource_name": "units", "eta": "3"}
SETTINGS: Mapping[str, Mapping[str, str]] = {
    "hyperband": _HALVING,
    "asha": _HALVING,
    "bohb": _HALVING,
    "pbt": {"suggestion_trial_dir": "/tmp", "n_population": "20", "truncation_threshold": "0.2"},
}
_NETWORKS: Mapping[str, Any] = {
    "graphConfig": {"numLayers": 3, "inputSizes": [8, 8, 1], "outputSizes": [10]},
    "operations": [
        {
            "operationType": kind,
            "parameters": [
                {"name": "size", "parameterType": "categorical", "feasibleSpace": {"list": ["1", "3"]}},
            ],
        }
        for kind in ("convolution", "separable_convolution", "max_pooling")
    ],
}
_LONG = 5.0
"""CPU seconds after which three steps are enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """CPU seconds: of one ask, of one tell, of a fresh optimizer up to its first answer."""

    ask: float
    tell: float
    rebuild: float


def asking(wishes: Wishes) -> Iterator[Line]:
    """Every algorithm of the catalog that can search the space."""
    for name in catalog.names():
        asked = _problem(name)
        if any(issue.severity is Severity.ERROR for issue in catalog.named(name).check(asked)):
            continue
        wishes.progress(f"asks, {name}")
        yield from _algorithm(name, asked, wishes)


def _algorithm(name: str, asked: Problem, wishes: Wishes) -> Iterator[Line]:
    counts = FEW.get(name, COUNTS)
    _times(name, asked, 20, 3)  # imports
    found = {count: _times(name, asked, count, wishes.of(15, 5)) for count in counts}
    last, before = found[counts[-1]], found[counts[-2]]
    asks = ", ".join(f"{found[count].ask * 1000:.2g} at {count}" for count in counts[:-1])
    yield Line(
        name=f"one suggestion of {name}, {counts[-1]:,} trials finished",
        value=last.ask * 1000,
        unit="ms CPU",
        most=MOST.get(name),
        about=f"{asks}; one more trial told in {last.tell * 1e6:.1f} µs, {before.tell * 1e6:.1f} at {counts[-2]}",
    )
    yield Line(
        name=f"{name} made anew, per finished trial of {counts[-1]:,}",
        value=max(last.rebuild - last.ask, 0) / counts[-1] * 1000,
        unit="ms CPU",
        most=0.5,
        about=f"{last.rebuild * 1000:.0f} ms up to its first answer, of which that one is taken off",
    )
    if name in BARE:
        wishes.progress(f"asks, {name} and bare Optuna in turns")
        yield _against(name, asked, counts[-1], wishes.of(15, 5))


def _times(name: str, asked: Problem, count: int, steps: int) -> Times:
    history = _history(name, asked, count)
    begin = time.process_time()
    optimizer = _fed(name, asked, history)
    _ask(optimizer, count)
    rebuild = time.process_time() - begin
    asks: list[float] = []
    tells: list[float] = []
    for index in range(count, count + steps):
        seconds, point = _clocked(lambda index=index: _ask(optimizer, index))
        trial = Finished(index=index, point=point, value=_value(point))
        asks.append(seconds)
        tells.append(_clocked(lambda trial=trial: optimizer.tell(trial))[0])
        if len(asks) >= 3 and sum(asks) > _LONG:
            break
    return Times(ask=statistics.median(asks), tell=statistics.median(tells), rebuild=rebuild)


def _against(name: str, asked: Problem, count: int, steps: int) -> Line:
    """Ours and the bare call of the library in turns, on the same history."""
    history = _history(name, asked, count)
    optimizer, study = _fed(name, asked, history), _study(history, multivariate=BARE[name])
    _ask(optimizer, count)
    ours: list[float] = []
    bare: list[float] = []
    for index in range(count, count + steps):
        seconds, point = _clocked(lambda index=index: _ask(optimizer, index))
        ours.append(seconds)
        optimizer.tell(Finished(index=index, point=point, value=_value(point)))
        seconds, trial = _clocked(lambda: study.ask(_ranges()))
        bare.append(seconds)
        study.tell(trial, _value({key: str(value) for key, value in trial.params.items()}))
    ratios = [one / other for one, other in zip(ours, bare, strict=True)]
    own, other = statistics.median(ours) * 1000, statistics.median(bare) * 1000
    return Line(
        name=f"one suggestion of {name} / of bare Optuna, {count:,} finished",
        value=statistics.median(ratios),
        unit="x",
        most=1.3,
        about=f"{apart(ratios)}; ours {own:.1f} ms, Optuna's {other:.1f} ms",
    )


def _clocked(do: Callable[[], Any]) -> tuple[float, Any]:
    begin = time.process_time()
    found = do()
    return time.process_time() - begin, found


def _ask(optimizer: Optimizer, index: int) -> Point:
    answer = optimizer.ask(index=index, running={})
    if not isinstance(answer, Proposal):
        raise SystemExit(f"no point {index} but {answer}")
    return answer.point


def _fed(name: str, asked: Problem, history: Sequence[Finished]) -> Optimizer:
    optimizer = catalog.named(name).start(asked)
    for trial in history:
        optimizer.tell(trial)
    return optimizer


def _problem(name: str) -> Problem:
    """`grid` needs a step for its double."""
    if name in catalog.GRAPHS:
        return Problem(space=Space(()), direction=ObjectiveType.MINIMIZE, seed=1, nas=_NETWORKS)
    more = {"step": Decimal("1e-4")} if name == "grid" else {"distribution": Distribution.LOG_UNIFORM}
    rate, units = _range("rate", "1e-5", "0.1", **more), _range("units", "1", "128")
    kind = Parameter(name="kind", type=ParameterType.CATEGORICAL, values=("a", "b", "c"))
    return Problem(
        space=Space((rate, units, kind)), direction=ObjectiveType.MINIMIZE, settings=SETTINGS.get(name, {}), seed=1
    )


def _range(name: str, low: str, high: str, **more: Any) -> Parameter:  # noqa: ANN401 - as Parameter has them
    kind = ParameterType.INT if low.isdigit() else ParameterType.DOUBLE
    return Parameter(name=name, type=kind, minimum=Decimal(low), maximum=Decimal(high), **more)


def _history(name: str, asked: Problem, count: int) -> list[Finished]:
    """Random points: what an algorithm with rungs or generations makes of its own while all that it asked for ends."""
    if name in SETTINGS or name in catalog.GRAPHS:
        return _own(name, asked, count)
    chance, space = random.Random(1), dimensions.of(asked.space)
    points = [{one.name: one.at(chance.random()) for one in space} for _ in range(count)]
    return [Finished(index=index, point=point, value=_value(point)) for index, point in enumerate(points)]


def _own(name: str, asked: Problem, count: int) -> list[Finished]:
    optimizer, found = catalog.named(name).start(asked), list[Finished]()
    for index in range(count):
        point = _ask(optimizer, index)
        found.append(Finished(index=index, point=point, value=_value(point)))
        optimizer.tell(found[-1])
    return found


def _value(point: Point) -> float:
    if "rate" not in point:
        return sum(map(ord, "".join(point.values()))) % 97 / 97
    return abs(float(point["rate"]) - 0.01) * 10 + abs(int(point["units"]) - 40) / 128 + "bca".index(point["kind"]) / 3


def _ranges() -> dict[str, Any]:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    return {
        "rate": FloatDistribution(1e-5, 0.1, log=True),
        "units": IntDistribution(1, 128),
        "kind": CategoricalDistribution(("a", "b", "c")),
    }


def _study(history: Sequence[Finished], *, multivariate: bool) -> Any:  # noqa: ANN401 - a library's
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sampler = optuna.samplers.TPESampler(seed=1, multivariate=multivariate, constant_liar=True)
    study = optuna.create_study(sampler=sampler)
    ranges = _ranges()
    for one in history:
        point = {"rate": float(one.point["rate"]), "units": int(one.point["units"]), "kind": one.point["kind"]}
        study.add_trial(optuna.trial.create_trial(params=point, distributions=ranges, value=one.value))
    return study
