"""Who searches: kagit's algorithms by their names in the catalog, and the bare calls of the libraries."""

import ast
import hashlib
import importlib
import random
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from algorithms import catalog
from algorithms.contract import Finished, Problem, Proposal
from kagit.findings import Severity
from kagit.objective import ObjectiveType
from kagit.space import Distribution, Parameter, ParameterType, Point, Space

ROOT = Path(__file__).resolve().parents[2]
OURS = (
    "random", "sobol", "cmaes", "tpe", "multivariate-tpe", "hyperopt-tpe", "bayesianoptimization", "auto",
)  # fmt: skip
"""What searches without a resource; what the catalog does not have yet is left out and said."""
BARE_OF = {
    "sobol": "optuna-qmc",
    "cmaes": "optuna-cmaes",
    "tpe": "optuna-tpe",
    "multivariate-tpe": "optuna-multivariate-tpe",
    "hyperopt-tpe": "hyperopt",
    "bayesianoptimization": "optuna-gp",
}
"""The bare call that an algorithm is compared with."""
BARE = tuple(BARE_OF.values())


class Search(Protocol):
    """Asked for one point after another; `running` are those that were asked for and not told yet."""

    def ask(self, index: int, running: Mapping[int, Point]) -> Point | None:
        """Point number `index`; None where there is none any more."""
        ...

    def tell(self, index: int, point: Point, value: float) -> None:
        """What became of it."""
        ...


def started(name: str, space: Space, *, seed: int, trials: int, parallel: int) -> Search:
    """A search that minimises."""
    if name in BARE:
        return Hyperopt(space, seed) if name == "hyperopt" else Optuna(name, space, seed)
    return Ours(name, problem(space, seed=seed, trials=trials, parallel=parallel))


def problem(space: Space, *, seed: int, trials: int | None, parallel: int, **settings: str) -> Problem:
    """What a catalog's algorithm is given."""
    return Problem(
        space=space,
        direction=ObjectiveType.MINIMIZE,
        settings=settings,
        seed=seed,
        max_trials=trials,
        parallel=parallel,
    )


def missing(name: str) -> str:
    """Why there can be no result of an algorithm here; empty where there can."""
    library = {"hyperopt": "hyperopt", "optuna-gp": "torch"}.get(name, "optuna")
    return "" if name not in BARE or find_spec(library) else f"{library} is not installed"


def refusal(name: str, asked: Problem) -> str:
    """Why one of ours cannot search this space; empty where it can."""
    if name in BARE:
        return ""
    found = [issue.message for issue in catalog.named(name).check(asked) if issue.severity is Severity.ERROR]
    return "; ".join(found)


@cache
def code(name: str) -> str:
    """What tells results of one state of an algorithm from those of another: versions, and our files it is made of."""
    if name in BARE:
        library = "hyperopt" if name == "hyperopt" else "optuna"
        return f"{library} {version(library)}" + (f", torch {version('torch')}" if name == "optuna-gp" else "")
    first = type(catalog.named(name)).__module__
    files: set[Path] = set()
    _gather(first, files)
    text = b"".join(file.read_bytes() for file in sorted(files))
    return f"{hashlib.sha256(text).hexdigest()[:12]}, {_versions()}"


def _versions() -> str:
    found: list[str] = []
    for library in ("cmaes", "hyperopt", "numpy", "optuna", "scipy"):
        try:
            found.append(f"{library} {version(library)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def _gather(module: str, files: set[Path]) -> None:
    """The file of a module of `algorithms` and of all that it imports from there."""
    base = ROOT / Path(*module.split("."))
    file = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
    if not file.is_file() or file in files:
        return
    files.add(file)
    for name in _imports(file):
        if name.partition(".")[0] == "algorithms":
            _gather(name, files)


def _imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{one.name}" for one in node.names)


class Ours:
    """An algorithm of the catalog, fed with what runs."""

    def __init__(self, name: str, asked: Problem) -> None:
        """Start it on this problem."""
        self._optimizer = catalog.named(name).start(asked)

    def ask(self, index: int, running: Mapping[int, Point]) -> Point | None:
        """Point number `index`; None where there is none any more."""
        answer = self._optimizer.ask(index=index, running=running)
        return answer.point if isinstance(answer, Proposal) else None

    def tell(self, index: int, point: Point, value: float) -> None:
        """What became of it."""
        self._optimizer.tell(Finished(index=index, point=point, value=value))


class Optuna:
    """A study in memory with one of Optuna's samplers, as its documentation has it; running trials are in the study."""

    def __init__(self, name: str, space: Space, seed: int) -> None:
        """Open a study."""
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        warnings.simplefilter("ignore")
        self._study = optuna.create_study(sampler=_samplers()[name](seed))
        self._ranges = {one.name: _distribution(one) for one in space}
        self._trials: dict[int, Any] = {}

    def ask(self, index: int, running: Mapping[int, Point]) -> Point | None:
        """Point number `index`; None where there is none any more."""
        del running
        trial = self._trials[index] = self._study.ask(self._ranges)
        return {name: value if isinstance(value, str) else repr(value) for name, value in trial.params.items()}

    def tell(self, index: int, point: Point, value: float) -> None:
        """What became of it."""
        del point
        self._study.tell(self._trials.pop(index), value)


def _samplers() -> Mapping[str, Callable[[int], Any]]:
    from optuna import samplers

    def parzen(seed: int, *, multivariate: bool) -> Any:
        return samplers.TPESampler(seed=seed, multivariate=multivariate, constant_liar=True)

    return {
        "optuna-qmc": lambda seed: samplers.QMCSampler(seed=seed, scramble=True),
        "optuna-cmaes": lambda seed: samplers.CmaEsSampler(seed=seed),
        "optuna-tpe": lambda seed: parzen(seed, multivariate=False),
        "optuna-multivariate-tpe": lambda seed: parzen(seed, multivariate=True),
        "optuna-gp": lambda seed: samplers.GPSampler(seed=seed),
    }


def _distribution(one: Parameter) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if one.type is ParameterType.CATEGORICAL:
        return CategoricalDistribution(one.values)
    low, high = one.bounds
    logarithmic = one.distribution is Distribution.LOG_UNIFORM
    if one.type is ParameterType.INT:
        return IntDistribution(int(low), int(high), log=logarithmic)
    return FloatDistribution(float(low), float(high), log=logarithmic)


class Hyperopt:
    """What `fmin` of hyperopt does, step by step: a seed for each point, running trials are not looked at."""

    def __init__(self, space: Space, seed: int) -> None:
        """Open a list of trials."""
        from hyperopt import Domain, Trials

        self._space, self._chance = space, random.Random(seed)
        self._domain = Domain(lambda values: values, {one.name: _expression(one) for one in space})
        self._trials = Trials()

    def ask(self, index: int, running: Mapping[int, Point]) -> Point | None:
        """Point number `index`; None where there is none any more."""
        from hyperopt import space_eval, tpe

        del running
        (found,) = tpe.suggest([index], self._domain, self._trials, self._chance.getrandbits(31))
        self._trials.insert_trial_docs([found])
        self._trials.refresh()
        values = space_eval(self._domain.expr, {key: value[0] for key, value in found["misc"]["vals"].items()})
        return {one.name: _text(one, values[one.name]) for one in self._space}

    def tell(self, index: int, point: Point, value: float) -> None:
        """What became of it."""
        del point
        hyperopt: Any = importlib.import_module("hyperopt")
        for trial in self._trials._dynamic_trials:  # noqa: SLF001 - as fmin does
            if trial["tid"] == index:
                trial["state"] = hyperopt.JOB_STATE_DONE
                trial["result"] = {"loss": value, "status": hyperopt.STATUS_OK}
        self._trials.refresh()


def _expression(one: Parameter) -> Any:
    import math

    from hyperopt import hp

    if one.type is ParameterType.CATEGORICAL:
        return hp.choice(one.name, list(one.values))
    low, high = map(float, one.bounds)
    logarithmic = one.distribution is Distribution.LOG_UNIFORM
    if logarithmic and one.type is ParameterType.INT:
        return hp.qloguniform(one.name, math.log(low), math.log(high), 1)
    if logarithmic:
        return hp.loguniform(one.name, math.log(low), math.log(high))
    if one.type is ParameterType.INT:
        return hp.uniformint(one.name, int(low), int(high))
    return hp.uniform(one.name, low, high)


def _text(one: Parameter, value: Any) -> str:
    if one.type is ParameterType.CATEGORICAL:
        return str(value)
    low, high = map(float, one.bounds)
    inside = min(max(float(value), low), high)
    return str(round(inside)) if one.type is ParameterType.INT else repr(inside)
