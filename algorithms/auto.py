"""`auto`: the algorithm that fits the space and the budget, and says with every point which one it is and why."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from algorithms import budgets, dimensions, settings
from algorithms.contract import Algorithm, Optimizer, Problem
from algorithms.dimensions import Choices
from algorithms.seeds import seed_of
from algorithms.settings import Setting
from algorithms.sobol import MOST_DIMENSIONS
from kagit import __version__
from kagit.findings import Issue, Severity

SETTINGS = (settings.RANDOM_STATE,)

SMALL = 64
"""Without a limit on trials, so many combinations are tried one by one."""
MODELLED = 300
"""Up to so many trials a Gaussian process is worth its time: its cost per point grows with their square."""
WIDE = 20
"""Parameters up to which it learns enough from so few trials."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """An algorithm by its name in the catalog, and why it."""

    name: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Auto:
    """Not one of Katib's. The choice depends on the problem alone, never on history; `said` tells it once it was made.

    `named` gives the algorithms to choose from.
    """

    named: Callable[[str], Algorithm]
    name: str = "auto"
    is_blind: bool = False
    said: str = ""

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What `algorithmSettings` may say."""
        return SETTINGS

    def check(self, problem: Problem) -> tuple[Issue, ...]:
        """What is wrong with settings or space, with places below `spec`; empty when it can run."""
        found = (*settings.check(problem.settings, SETTINGS, algorithm=self.name), *dimensions.check(problem.space))
        if any(issue.severity is Severity.ERROR for issue in found):
            return found
        return (*found, *budgets.check(problem, ends=choice(problem).name == "grid"))

    def start(self, problem: Problem) -> Optimizer:
        """A fresh optimizer of the algorithm that was chosen; a grid is gone through in random order."""
        given = {"random_state": str(seed_of(problem))}
        return self.named(choice(problem).name).start(replace(problem, settings=given))

    def engine(self) -> str:
        """Library and version that answers; before them which algorithm that is and why, once it is `bound`."""
        return self.said or f"kagit {__version__}"

    def bound(self, problem: Problem) -> "Auto":
        """The same for this problem alone, which makes the choice known."""
        chosen = choice(problem)
        algorithm = self.named(chosen.name)
        said = f"auto ({chosen.name}: {chosen.why}) {algorithm.engine()}"
        return replace(self, said=said, is_blind=algorithm.is_blind)


def choice(problem: Problem) -> Choice:
    """What fits a problem that `check` finds no error in; docs/quality.md has the measurements."""
    space = tuple(one for one in dimensions.of(problem.space) if one.size != 1)
    size, budget = dimensions.combinations(space), problem.max_trials
    trials = "no limit of trials" if budget is None else _count(budget, "trial")
    if size is not None and size <= (SMALL if budget is None else budget):
        return Choice(name="grid", why=f"{_count(size, 'combination')}, {trials}")
    if budget is not None and budget <= problem.parallel and len(space) <= MOST_DIMENSIONS:
        return Choice(name="sobol", why=f"{trials}, all at once")
    categories = sum(isinstance(one, Choices) and not one.ordered for one in space)
    kinds = f", {_count(categories, 'category', 'categories')} among them" if categories else ""
    why = f"{_count(len(space), 'parameter')}{kinds}, {trials}"
    if problem.others or problem.constraints:
        aims = _count(1 + len(problem.others), "objective")
        return Choice(name="multivariate-tpe", why=f"{aims}, {_count(problem.constraints, 'constraint')}, {why}")
    if budget is not None and budget <= MODELLED and len(space) <= WIDE:
        return Choice(name="bayesianoptimization", why=why)
    evolves = not categories and sum(one.is_range for one in problem.space) > 1
    return Choice(name="cmaes" if evolves else "multivariate-tpe", why=why)


def _count(number: int, word: str, words: str = "") -> str:
    return f"{number} {word}" if number == 1 else f"{number} {words or word + 's'}"
