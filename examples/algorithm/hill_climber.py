"""Hill climbing: the best point so far, with one parameter drawn anew."""

from algorithms import dimensions, settings
from algorithms.contract import Proposal
from algorithms.seeds import seed_of, stream
from kagit.objective import ObjectiveType


class HillClimber:
    name, is_blind, settings = "hill-climber", False, (settings.RANDOM_STATE,)

    def check(self, problem):
        found = settings.check(problem.settings, self.settings, algorithm=self.name)
        return (*found, *dimensions.check(problem.space))

    def start(self, problem):
        return Search(problem)

    def engine(self):
        return "hill-climber 1.0"


class Search:
    def __init__(self, problem):
        self.space, self.seed, self.best = dimensions.of(problem.space), seed_of(problem), None
        self.sign = -1 if problem.direction is ObjectiveType.MAXIMIZE else 1

    def tell(self, trial):
        if trial.value is not None:
            rank = (self.sign * trial.value, trial.index)
            self.best = min(self.best or (rank, trial.point), (rank, trial.point), key=lambda one: one[0])

    def ask(self, *, index, running):
        chance = stream(self.seed, index)
        point = {one.name: one.at(chance.random()) for one in self.space}
        moved = chance.choice(self.space).name
        return Proposal(point={**self.best[1], moved: point[moved]} if self.best else point)
