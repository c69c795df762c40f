"""A search as its author wants it: points to begin with, parameters that count only sometimes, points that never do.

Every algorithm is led the same way, from outside. One that looks at history is asked again with other chance where its
point must not be; of one that does not, the points that may not be are left out of its sequence.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from algorithms import dimensions
from algorithms.contract import Absence, Algorithm, Answer, Finished, Optimizer, Problem, Proposal
from algorithms.random_search import Draws
from algorithms.seeds import seed_of, stream
from kagit.objective import ObjectiveType
from kagit.space import Point

SEVERAL = frozenset({"auto", "multivariate-tpe", "tpe"})
"""Algorithms that learn from several objectives, and from how much a constraint is broken."""
_TERRIBLE = 1e100
"""Worse than what anybody measures; twice of it is where a constraint is broken without end."""
_OTHERS = 8
"""So often a learning algorithm is asked again with other chance."""
_DRAWS = 10_000
"""So many points are drawn to find one that is allowed before the space counts as exhausted."""
_REPEATS = 1_000
"""So many points that were there already are passed over before one is tried again."""


def start(algorithm: Algorithm, problem: Problem) -> Optimizer:
    """A fresh optimizer that keeps to the problem's rules and begins with its initial points."""
    if problem.constraints and not algorithm.is_blind and algorithm.name not in SEVERAL:
        return _Kept(start(algorithm, replace(problem, constraints=0)), problem)
    rules = problem.rules
    if not (rules.active or rules.forbidden or problem.initial):
        return algorithm.start(problem)
    return _Sequence(algorithm, problem) if algorithm.is_blind else _Led(algorithm, problem)


class _Kept:
    """An algorithm with one objective: a trial that breaks constraints is told as terrible, the more it breaks them.

    That it failed would teach nothing: failures are chance, and the best of what is forbidden would be tried for ever.
    """

    def __init__(self, inner: Optimizer, problem: Problem) -> None:
        self._inner = inner
        self._terrible = -_TERRIBLE if problem.direction is ObjectiveType.MAXIMIZE else _TERRIBLE

    def tell(self, trial: Finished) -> None:
        total = sum(trial.excess)
        value = self._terrible * (1 + total / (1 + total)) if total and trial.value is not None else trial.value
        self._inner.tell(replace(trial, value=value, excess=()))

    def ask(self, *, index: int, running: Mapping[int, Point]) -> Answer:
        return self._inner.ask(index=index, running=running)


class _Ruled:
    """What both ways share."""

    def __init__(self, problem: Problem) -> None:
        self._rules = problem.rules
        self._space = dimensions.of(problem.space)
        self._idle = {one.name: one.at(0.0) if one.size is None else one.text(0) for one in self._space}
        resource = problem.settings.get("resource_name", "")
        self._resource = resource if resource in self._idle else ""
        self._draws = Draws(self._space, seed=seed_of(problem))
        self._initial = [{n: v for n, v in one.items() if n != resource} for one in problem.initial]

    def _settled(self, point: Point) -> Point:
        return self._rules.settled(point, self._idle)

    def _free(self, index: int, seed: int) -> Iterator[Point]:
        """Random points that are allowed, without end but for that of the tries."""
        chance = stream(seed, "allowed", index)
        for _ in range(_DRAWS):
            point = self._settled({one.name: one.at(chance.random()) for one in self._space})
            if self._rules.allows(point):
                yield point


class _Sequence(_Ruled):
    """The points of a blind algorithm without those that are forbidden, or equal to an earlier one once settled."""

    def __init__(self, algorithm: Algorithm, problem: Problem) -> None:
        super().__init__(problem)
        self._inner, self._next = algorithm.start(problem), 0
        self._seed = seed_of(problem)
        self._known: list[Point] = []
        self._seen: set[tuple[str, ...]] = set()
        self._ended = False

    def tell(self, trial: Finished) -> None:
        self._inner.tell(trial)

    def ask(self, *, index: int, running: Mapping[int, Point]) -> Answer:
        del running
        while len(self._known) <= index and not self._ended:
            point = self._first(len(self._known)) or self._following()
            if point is None:
                self._ended = True
                break
            self._known.append(point)
            self._seen.add(tuple(point.values()))
        return Absence.EXHAUSTED if index >= len(self._known) else Proposal(point=dict(self._known[index]))

    def _first(self, index: int) -> Point | None:
        """An initial point; what it leaves open is drawn."""
        if index >= len(self._initial):
            return None
        given = self._initial[index]
        for point in self._free(index, self._seed):
            whole = self._settled({**point, **given})
            if self._rules.allows(whole):
                return whole
        return None

    def _following(self) -> Point | None:
        repeats = 0
        for _ in range(_DRAWS):
            answer = self._inner.ask(index=self._next, running={})
            if isinstance(answer, Absence):
                return None
            self._next += 1
            point = self._settled(answer.point)
            if not self._rules.allows(point):
                continue
            repeats += 1
            if tuple(point.values()) not in self._seen or repeats > _REPEATS:
                return point
        return None


class _Led(_Ruled):
    """A learning algorithm, asked again with other chance as long as its point is not allowed or runs already."""

    def __init__(self, algorithm: Algorithm, problem: Problem) -> None:
        super().__init__(problem)
        self._algorithm, self._problem = algorithm, problem
        self._told: list[Finished] = []
        self._optimizers: list[Optimizer] = []

    def tell(self, trial: Finished) -> None:
        self._told.append(trial)
        for one in self._optimizers:
            one.tell(trial)

    def ask(self, *, index: int, running: Mapping[int, Point]) -> Answer:
        taken = {tuple(sorted(point.items())) for number, point in running.items() if number != index}
        allowed: Answer | None = None
        answer: Answer = Absence.EXHAUSTED
        for attempt in range(_OTHERS):
            answer = self._optimizer(attempt).ask(index=index, running=running)
            if isinstance(answer, Absence):
                return answer
            point = self._settled({**answer.point, **self._given(index)})
            if self._rules.allows(point):
                allowed = replace(answer, point=point)
                if tuple(sorted(point.items())) not in taken:
                    return allowed
        return allowed or self._anything(index, answer)

    def _given(self, index: int) -> Point:
        return self._initial[index] if index < len(self._initial) else {}

    def _anything(self, index: int, answer: Answer) -> Answer:
        """What is allowed and random, with the resource that the algorithm wants to give."""
        kept = {self._resource: answer.point[self._resource]} if self._resource and isinstance(answer, Proposal) else {}
        for point in self._free(index, seed_of(self._problem)):
            whole = self._settled({**point, **self._given(index), **kept})
            if self._rules.allows(whole):
                return Proposal(point=whole)
        return Absence.EXHAUSTED

    def _optimizer(self, attempt: int) -> Optimizer:
        """The algorithm with the chance of this attempt; it was told the same as the first."""
        while len(self._optimizers) <= attempt:
            number = len(self._optimizers)
            problem = self._problem if number == 0 else self._other(number)
            fresh = self._algorithm.start(problem)
            for trial in self._told:
                fresh.tell(trial)
            self._optimizers.append(fresh)
        return self._optimizers[attempt]

    def _other(self, number: int) -> Problem:
        seed = stream(seed_of(self._problem), "other", number).getrandbits(31)
        given = self._problem.settings
        settings = {**given, "random_state": str(seed)} if "random_state" in given else given
        return replace(self._problem, seed=seed, settings=settings)
