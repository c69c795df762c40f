"""Running a halving algorithm in simulated time. Law: how long a trial takes is up to its number and resource alone."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from algorithms.contract import Absence, Finished, Problem, Proposal
from kagit.names import LABEL_BRACKET, LABEL_RUNG
from kagit.space import Point, Space
from tests.algorithms.harness import hash_of, parameter, problem, started

CONFIGURATIONS = (
    parameter("lr", "double", low="1e-5", high="1", dist="logUniform"),
    parameter("width", "int", low="8", high="512", dist="logUniform"),
    parameter("drop", "double", low="0", high="0.9"),
    parameter("kind", "categorical", values=("a", "b", "c")),
)


def searching(top: int, *, eta: str = "3", seed: int = 1, direction: str = "minimize") -> Problem:
    """A network to be trained for at most `top` epochs."""
    space = Space((CONFIGURATIONS[0], parameter("epochs", "int", low="1", high=str(top)), *CONFIGURATIONS[1:]))
    return problem(space, seed=seed, direction=direction, r_l=str(top), eta=eta, resource_name="epochs")


def final(point: Point) -> float:
    """Where the curve of a configuration ends."""
    lr, width = math.log10(float(point["lr"])) + 2.5, math.log2(int(point["width"])) - 6
    return (
        lr**2 / 2 + width**2 / 8 + 3 * (float(point["drop"]) - 0.3) ** 2 + {"a": 0.4, "b": 0.0, "c": 0.8}[point["kind"]]
    )


def loss(point: Point) -> float:
    """A curve that falls the faster the larger the learning rate is, so that the first epochs mislead a little."""
    speed = 0.3 + 0.1 * (math.log10(float(point["lr"])) + 5)
    return final(point) + 2 * int(point["epochs"]) ** -speed


@dataclass
class Walk:
    """What came of it: proposals by number, those over in order of completion, refused asks, epochs spent."""

    proposals: dict[int, Proposal] = field(default_factory=dict)
    finished: list[Finished] = field(default_factory=list)
    postponed: int = 0

    @property
    def points(self) -> dict[int, Point]:
        return {index: one.point for index, one in self.proposals.items()}

    def rung(self, index: int) -> tuple[int, int]:
        labels = self.proposals[index].labels
        return int(labels.get(LABEL_BRACKET, 0)), int(labels[LABEL_RUNG])

    def best(self, epochs: float = math.inf) -> float:
        """The best value that was found within so many epochs, trials counted in the order in which they ended."""
        found = math.inf
        for trial in self.finished:
            epochs -= int(trial.point["epochs"])
            if epochs < 0:
                break
            found = min(found, math.inf if trial.value is None else trial.value)
        return found


def walk(
    name: str,
    the_problem: Problem,
    *,
    trials: int,
    parallel: int = 1,
    value: Callable[[int, Point], float | None] = lambda _, point: loss(point),
    pace: int = 0,
    reborn: bool = False,
) -> Walk:
    """Run so many trials; `pace` changes how long each takes, `reborn` begins anew before every ask."""
    result, optimizer = Walk(), started(name, the_problem)
    running: dict[int, tuple[float, Point]] = {}
    now = 0.0
    while len(result.finished) < trials:
        while len(running) < parallel and len(result.proposals) < trials:
            if reborn:
                optimizer = started(name, the_problem)
                for trial in sorted(result.finished, key=lambda one: one.index):
                    optimizer.tell(trial)
            index = len(result.proposals)
            answer = optimizer.ask(index=index, running={i: point for i, (_, point) in running.items()})
            if not isinstance(answer, Proposal):
                assert answer is Absence.LATER
                assert running, "nothing runs, so nothing can be waited for"
                result.postponed += 1
                break
            assert the_problem.space.contains(answer.point)
            result.proposals[index] = answer
            slow = 1 + (hash_of(index * pace, {}) % 7 if pace else 0)
            running[index] = (now + int(answer.point.get("epochs", "1")) * slow, answer.point)
        index = min(running, key=lambda one: (running[one][0], one))
        now, point = running.pop(index)
        result.finished.append(Finished(index=index, point=point, value=value(index, point)))
        optimizer.tell(result.finished[-1])
    return result
