"""Whether every suggestion of a run comes again from what it was made of (spec algorithms.md section 9)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from algorithms import catalog, search
from algorithms.contract import Answer, Finished, HistoryDigest, Optimizer, Proposal
from algorithms.seeds import seed_of
from kagit.experiment import Experiment
from kagit.suggestion import Suggestion
from reconciler.core.problem import problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """One suggestion and what comes when it is asked for again.

    `seen`: its history is the one that it was made of. `engine`: what answers now.
    """

    asked: Suggestion
    answer: Answer
    seen: bool
    engine: str

    @property
    def same(self) -> bool:
        """Whether point, labels and parent are equal to the last character."""
        given = self.answer
        if not isinstance(given, Proposal):
            return False
        return (given.point, dict(given.labels), given.parent) == (
            self.asked.point,
            dict(self.asked.labels),
            self.asked.parent,
        )


def again(
    experiment: Experiment, asked: Sequence[Suggestion], finished: Mapping[int, Finished], *, seed: int
) -> Iterator[Replayed]:
    """Ask for all of them again in their order, each with the history that was there when it was asked for first.

    `finished` are the trials that are over, by number; a suggestion names those that were running at its time.
    """
    searches = _Searches(experiment, seed=seed)
    points = {one.index: one.point for one in asked}
    history = HistoryDigest()
    untold = sorted(points)
    for one in sorted(asked, key=lambda one: one.index):
        then = {index: points[index] for index in one.running if index in points}
        late: list[int] = []
        for index in untold:
            if index >= one.index or index in then or index not in finished:
                late.append(index)
                continue
            searches.tell(finished[index])
            history.add(finished[index])
        untold = late
        digest = history.value(sum(history.share(index, point) for index, point in then.items()))
        optimizer, engine = searches.of(one)
        answer = optimizer.ask(index=one.index, running=then)
        yield Replayed(asked=one, answer=answer, seen=digest == one.history_digest, engine=engine)


class _Searches:
    """One search; of `auto` one for each algorithm that it has picked, since a raised budget may pick another one."""

    def __init__(self, experiment: Experiment, *, seed: int) -> None:
        self._name, self._problem = experiment.algorithm.name, problem(experiment, seed=seed)
        self._known: dict[str, tuple[Optimizer, str]] = {}
        self._told: list[Finished] = []

    def tell(self, trial: Finished) -> None:
        self._told.append(trial)
        for optimizer, _ in self._known.values():
            optimizer.tell(trial)

    def of(self, asked: Suggestion) -> tuple[Optimizer, str]:
        """The search that this suggestion comes from, and what answers."""
        picked = _PICKED.match(asked.engine)
        name = picked["name"] if self._name == "auto" and picked else self._name
        if name not in self._known:
            algorithm, given = catalog.chosen(name, self._problem), self._problem
            if picked and self._name == "auto":
                given = replace(given, settings={"random_state": str(seed_of(given))})
            optimizer = search.start(algorithm, given)
            for trial in self._told:
                optimizer.tell(trial)
            engine = algorithm.engine()
            self._known[name] = (optimizer, f"{picked['said']} {engine}" if picked and name != "auto" else engine)
        return self._known[name]


_PICKED = re.compile(r"(?P<said>auto \((?P<name>[a-z-]+): .*\)) ")
