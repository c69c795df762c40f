"""Grid search: every combination exactly once, by counting."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from algorithms import budgets, dimensions, settings
from algorithms.contract import Absence, Answer, Finished, Problem, Proposal
from algorithms.dimensions import Countable
from algorithms.history import checked
from algorithms.seeds import seed_of, shuffled
from algorithms.settings import Setting
from kagit import __version__
from kagit.errors import Refused
from kagit.findings import Issue, Severity
from kagit.space import Distribution, Point

SETTINGS = (settings.RANDOM_STATE,)


@dataclass(frozen=True, slots=True)
class Grid:
    """Katib's `grid`, in the order of the manifest, the last parameter fastest; `random_state` shuffles it."""

    name: str = "grid"
    is_blind: bool = True

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What `algorithmSettings` may say."""
        return SETTINGS

    def check(self, problem: Problem) -> tuple[Issue, ...]:
        """What is wrong with settings or space, with places below `spec`; empty when it can run."""
        return (
            *settings.check(problem.settings, SETTINGS, algorithm=self.name),
            *dimensions.check(problem.space),
            *_space(problem),
            *budgets.check(problem, ends=True),
        )

    def start(self, problem: Problem) -> "_Grid":
        """A fresh optimizer without history; Refused where a parameter cannot be counted."""
        return _Grid(problem)

    def engine(self) -> str:
        """Library and version that answers."""
        return f"kagit {__version__}"


class _Grid:
    def __init__(self, problem: Problem) -> None:
        self._dimensions = tuple(_countable(problem))
        self._size = math.prod(one.size for one in self._dimensions)
        self._shuffle = "random_state" in problem.settings
        self._seed = seed_of(problem)

    def tell(self, trial: Finished) -> None:
        checked(trial)

    def ask(self, *, index: int, running: Mapping[int, Point]) -> Answer:
        del running
        if index >= self._size:
            return Absence.EXHAUSTED
        rest = shuffled(index, size=self._size, seed=self._seed) if self._shuffle else index
        ranks: list[int] = []
        for one in reversed(self._dimensions):
            rest, rank = divmod(rest, one.size)
            ranks.append(rank)
        pairs = zip(self._dimensions, reversed(ranks), strict=True)
        return Proposal(point={one.name: one.text(rank) for one, rank in pairs})


def _countable(problem: Problem) -> Iterator[Countable]:
    for one in dimensions.of(problem.space):
        if one.size is None:
            raise Refused(_needs_step(one.name))
        yield one


def _needs_step(name: str) -> str:
    return f"grid cannot list every double of {name}; give a step, or make it discrete with a list"


def _space(problem: Problem) -> Iterator[Issue]:
    for i, (parameter, one) in enumerate(zip(problem.space, dimensions.of(problem.space), strict=True)):
        at = ("parameters", i, "feasibleSpace")
        if one.size is None:
            yield Issue(at=(*at, "step"), message=_needs_step(one.name), slug="grid-needs-step")
        elif parameter.is_range and parameter.distribution is not Distribution.UNIFORM:
            message = (
                f"grid lists {one.name} in even steps, its distribution {parameter.distribution} has no effect; "
                "remove it, or make the parameter discrete with a list"
            )
            yield Issue(
                at=(*at, "distribution"), message=message, slug="distribution-ignored", severity=Severity.WARNING
            )
