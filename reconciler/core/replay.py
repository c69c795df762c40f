"""Whether every suggestion of a run comes again from what it was made of (spec algorithms.md section 9)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from algorithms import catalog, search
from algorithms.contract import Answer, Finished, HistoryDigest, Proposal
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
    algorithm = catalog.named(experiment.algorithm.name)
    optimizer = search.start(algorithm, problem(experiment, seed=seed))
    points = {one.index: one.point for one in asked}
    history, engine = HistoryDigest(), algorithm.engine()
    untold = sorted(points)
    for one in sorted(asked, key=lambda one: one.index):
        then = {index: points[index] for index in one.running if index in points}
        late: list[int] = []
        for index in untold:
            if index >= one.index or index in then or index not in finished:
                late.append(index)
                continue
            optimizer.tell(finished[index])
            history.add(finished[index])
        untold = late
        digest = history.value(sum(history.share(index, point) for index, point in then.items()))
        answer = optimizer.ask(index=one.index, running=then)
        yield Replayed(asked=one, answer=answer, seen=digest == one.history_digest, engine=engine)
