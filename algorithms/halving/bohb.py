"""BOHB: Hyperband's brackets with configurations from a model (Falkner et al., 2018)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from algorithms import dimensions
from algorithms.contract import Finished, Optimizer, Problem, Proposal
from algorithms.halving import checks
from algorithms.halving.hyperband import Halving, needs
from algorithms.halving.ladder import Ladder, ladder
from algorithms.random_search import Draws
from algorithms.seeds import seed_of, stream
from algorithms.settings import Setting
from algorithms.tpe import Tpe
from kagit.errors import Broken
from kagit.findings import Issue, Severity
from kagit.space import Point

RANDOM = 1 / 3
"""The share of configurations that are random all the same, so that no wrong model can mislead it for ever."""

PER_PARAMETER = 3
"""So many results for each parameter, and as many more, are enough for a model. The paper says 1, but takes as many of
them for good ones; our model takes a tenth."""

_MODEL = Tpe(name="multivariate-tpe")


@dataclass(frozen=True, slots=True)
class Bohb:
    """Hyperband that learns: a model of the highest rung with enough results says which configurations are tried."""

    name: str = "bohb"
    is_blind: bool = False

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What `algorithmSettings` may say."""
        return checks.SETTINGS

    def check(self, problem: Problem) -> tuple[Issue, ...]:
        """What is wrong with settings or space, with places below `spec`; empty when it can run."""
        return tuple(checks.check(problem, algorithm=self.name, unknown=Severity.ERROR, needs=needs))

    def start(self, problem: Problem) -> Halving:
        """A fresh optimizer without history; Refused where the settings allow none."""
        rungs = ladder(problem)
        return Halving(problem, rungs, source=_Models(problem, rungs))

    def engine(self) -> str:
        """Library and version that answers."""
        return _MODEL.engine()


class _Models:
    """One model for each rung, because values of different rungs cannot be compared."""

    def __init__(self, problem: Problem, rungs: Ladder) -> None:
        self._seed, self._ladder = seed_of(problem), rungs
        self._draws = Draws(dimensions.of(rungs.space), seed=self._seed)
        self._enough = PER_PARAMETER * (len(rungs.space) + 1)
        own = replace(problem, space=rungs.space, settings={"n_startup_trials": "0"}, seed=self._seed)
        self._models: tuple[Optimizer, ...] = tuple(_MODEL.start(own) for _ in rungs.rungs)
        self._valued = [0] * len(rungs.rungs)

    def tell(self, trial: Finished, *, rung: int) -> None:
        self._models[rung].tell(replace(trial, point=self._ladder.configuration(trial.point)))
        self._valued[rung] += trial.value is not None

    def configuration(self, index: int, running: Mapping[int, Point]) -> Point:
        rung = next((i for i in reversed(range(len(self._valued))) if self._valued[i] >= self._enough), None)
        if rung is None or stream(self._seed, "random", index).random() < RANDOM:
            return self._draws.point(index)
        others = {i: self._ladder.configuration(point) for i, point in running.items()}
        answer = self._models[rung].ask(index=index, running=others)
        if not isinstance(answer, Proposal):
            raise Broken(f"the model of rung {rung} has no configuration for trial {index}")
        return answer.point
