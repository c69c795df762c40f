"""ASHA: halving that never waits (Li et al., 2020)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from algorithms import dimensions
from algorithms.contract import Answer, Finished, Problem, Proposal
from algorithms.halving import checks
from algorithms.halving.ladder import Ladder, Rung, ladder
from algorithms.halving.ranking import Key, Ranking, key
from algorithms.random_search import Draws
from algorithms.seeds import seed_of
from algorithms.settings import Setting
from kagit import __version__, names
from kagit.findings import Issue, Severity
from kagit.space import Point


@dataclass(frozen=True, slots=True)
class Asha:
    """Whatever is among the best of its rung and not on the next yet climbs; if nothing is, a new one begins."""

    name: str = "asha"
    is_blind: bool = False

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What `algorithmSettings` may say."""
        return checks.SETTINGS

    def check(self, problem: Problem) -> tuple[Issue, ...]:
        """What is wrong with settings or space, with places below `spec`; empty when it can run."""
        return tuple(checks.check(problem, algorithm=self.name, unknown=Severity.ERROR, needs=_needs))

    def start(self, problem: Problem) -> "_Asha":
        """A fresh optimizer without history; Refused where the settings allow none."""
        return _Asha(problem, ladder(problem))

    def engine(self) -> str:
        """Library and version that answers."""
        return f"kagit {__version__}"


def _needs(rungs: tuple[Rung, ...]) -> tuple[int, int, str]:
    """Trials of the lowest rung, and of all, until one has climbed to the highest, and that in words."""
    sizes = [1]
    for upper, lower in pairwise(reversed(rungs)):
        sizes.append(math.ceil(sizes[-1] * lower.divisor / upper.divisor))
    return sizes[-1], sum(sizes), f"the first trial on the highest rung is number {sum(sizes)}"


class _Asha:
    def __init__(self, problem: Problem, rungs: Ladder) -> None:
        self._ladder = rungs
        self._draws = Draws(dimensions.of(rungs.space), seed=seed_of(problem))
        self._told: dict[int, Finished] = {}
        self._rankings = tuple(Ranking(problem.direction) for _ in rungs.rungs)
        self._met: tuple[set[Key], ...] = tuple(set() for _ in rungs.rungs)

    def tell(self, trial: Finished) -> None:
        if not self._ladder.learns(self._told, trial):
            return
        rung = self._ladder.rung_of(trial.point)
        if rung is not None:
            of = key(self._ladder.configuration(trial.point))
            self._rankings[rung].add(of, trial)
            self._met[rung].add(of)

    def ask(self, *, index: int, running: Mapping[int, Point]) -> Answer:
        """Point number `index`: from the highest rung down, the first that may climb."""
        others = {i: point for i, point in running.items() if i != index and i not in self._told}
        climbing: dict[int | None, set[Key]] = {}
        for point in others.values():
            of = key(self._ladder.configuration(point))
            climbing.setdefault(self._ladder.rung_of(point), set()).add(of)
        for rung in reversed(range(len(self._rankings) - 1)):
            parent = self._next(rung, climbing.get(rung + 1, set()))
            if parent is not None:
                configuration = self._ladder.configuration(self._told[parent].point)
                return self._proposal(configuration, rung=rung + 1, parent=parent)
        return self._proposal(self._fresh(index, climbing.get(0, set())), rung=0)

    def _next(self, rung: int, climbing: set[Key]) -> int | None:
        """The best trial of a rung's best part whose configuration has not been on the next one, failed or not."""
        ranking, here, above = self._rankings[rung], *self._ladder.rungs[rung : rung + 2]
        count = math.floor(len(self._met[rung]) * above.divisor / here.divisor)  # who failed is there, and last
        gone = self._met[rung + 1]
        return next((index for index, of in ranking.best(count) if of not in gone and of not in climbing), None)

    def _fresh(self, index: int, taken: set[Key]) -> Point:
        drawn = self._draws.point(index)
        return drawn if key(drawn) not in taken else self._draws.another(index, taken=taken) or drawn

    def _proposal(self, configuration: Point, *, rung: int, parent: int | None = None) -> Proposal:
        point = self._ladder.point(configuration, rung=rung)
        return Proposal(point=point, labels={names.LABEL_RUNG: str(rung)}, parent=parent)
