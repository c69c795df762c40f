"""Hyperband: brackets that really halve (Li et al., 2018)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from algorithms import dimensions
from algorithms.contract import Absence, Answer, Finished, Problem, Proposal
from algorithms.halving import checks
from algorithms.halving.brackets import Place, Row, brackets, until_first
from algorithms.halving.ladder import Ladder, Rung, ladder
from algorithms.halving.ranking import Ranking, key
from algorithms.random_search import Draws
from algorithms.seeds import seed_of
from algorithms.settings import Setting
from kagit import __version__, names
from kagit.findings import Issue, Severity
from kagit.space import Point


class Source(Protocol):
    """Where new configurations come from. It only caches, like an optimizer."""

    def tell(self, trial: Finished, *, rung: int) -> None:
        """Learn of a finished trial that stands on a rung."""
        ...

    def configuration(self, index: int, running: Mapping[int, Point]) -> Point:
        """A configuration for trial number `index`; `running` are the points that run now."""
        ...


@dataclass(frozen=True, slots=True)
class Hyperband:
    """Katib's `hyperband`, which there never leaves the first rung; its trials need not all run at once."""

    name: str = "hyperband"
    is_blind: bool = False

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What `algorithmSettings` may say."""
        return checks.SETTINGS

    def check(self, problem: Problem) -> tuple[Issue, ...]:
        """What is wrong with settings or space, with places below `spec`; empty when it can run."""
        return tuple(checks.check(problem, algorithm=self.name, unknown=Severity.WARNING, needs=needs))

    def start(self, problem: Problem) -> "Halving":
        """A fresh optimizer without history; Refused where the settings allow none."""
        rungs = ladder(problem)
        return Halving(problem, rungs, source=Chance(problem, rungs))

    def engine(self) -> str:
        """Library and version that answers."""
        return f"kagit {__version__}"


def needs(rungs: tuple[Rung, ...]) -> tuple[int, int, str]:
    """Trials of the lowest rung, trials until the first bracket is over, and that in words."""
    around = brackets(rungs)
    last, trials = until_first(around), sum(one.trials for one in around)
    return around[0].sizes[0], last, f"the first bracket is over after {last} trials, and all brackets have {trials}"


class Chance:
    """Random configurations, each by the number of its trial alone."""

    def __init__(self, problem: Problem, rungs: Ladder) -> None:
        """Take the problem and its ladder."""
        self._draws = Draws(dimensions.of(rungs.space), seed=seed_of(problem))

    def tell(self, trial: Finished, *, rung: int) -> None:
        """Nothing is learned."""

    def configuration(self, index: int, running: Mapping[int, Point]) -> Point:
        """The configuration of that number."""
        del running
        return self._draws.point(index)


class Halving:
    """The optimizer of all algorithms with brackets: what a trial is follows from its number, see `brackets`.

    A place on a higher rung goes to the next best of the rung below once nothing runs there any more. Where too few
    came to a value, because trials failed or were never made, it goes to a new configuration.
    """

    def __init__(self, problem: Problem, rungs: Ladder, *, source: Source) -> None:
        """Take the problem, its ladder, and where new configurations come from."""
        self._ladder, self._source, self._direction = rungs, source, problem.direction
        self._row = Row(brackets(rungs.rungs))
        self._told: dict[int, Finished] = {}
        self._rankings: dict[tuple[int, int], Ranking] = {}

    def tell(self, trial: Finished) -> None:
        """Learn of one finished trial."""
        if not self._ladder.learns(self._told, trial):
            return
        rung = self._ladder.rung_of(trial.point)
        if rung is None:
            return  # of an amount that no rung has, so there is nothing to compare it with
        self._source.tell(trial, rung=rung)
        place = self._row.place(trial.index)
        if place.rung == rung:
            ranking = self._rankings.setdefault((place.bracket, rung), Ranking(self._direction))
            ranking.add(key(self._ladder.configuration(trial.point)), trial)

    def ask(self, *, index: int, running: Mapping[int, Point]) -> Answer:
        """Point number `index`; LATER where it depends on trials that run."""
        others = {i: point for i, point in running.items() if i != index and i not in self._told}
        place, parent = self._row.place(index), None
        if not place.is_first:
            if any(self._is_below(self._row.place(i), place) for i in others):
                return Absence.LATER
            parent = self._survivor(place)
        if parent is None:
            configuration = self._source.configuration(index, others)
        else:
            configuration = self._ladder.configuration(self._told[parent].point)
        labels = {names.LABEL_BRACKET: str(place.bracket), names.LABEL_RUNG: str(place.rung)}
        return Proposal(point=self._ladder.point(configuration, rung=place.rung), labels=labels, parent=parent)

    def _is_below(self, other: Place, place: Place) -> bool:
        return (other.bracket, other.rung) == (place.bracket, place.rung - 1)

    def _survivor(self, place: Place) -> int | None:
        below = self._rankings.get((place.bracket, place.rung - 1))
        return below.at(place.slot) if below is not None and place.slot < len(below) else None
