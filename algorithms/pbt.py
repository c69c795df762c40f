"""Population based training (Jaderberg et al., 2017): generations of trials that go on from each other's checkpoints.

Generation g is the trials g × n to g × n + n - 1 of n members. Member m of it goes on from member m of the one before;
one of the worst goes on from one of the best instead, with values that are changed a little. A generation begins when
the one before is over, so that it never depends on who was done first.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from algorithms import dimensions, settings
from algorithms.contract import Absence, Answer, Finished, Problem, Proposal
from algorithms.dimensions import Choices, Dimension, Reals, Ticks
from algorithms.history import is_new
from algorithms.numbers import clamped_text, number_of
from algorithms.random_search import Draws
from algorithms.seeds import seed_of, stream
from algorithms.settings import Kind, Setting
from kagit import __version__, names
from kagit.findings import Issue, Severity
from kagit.objective import ObjectiveType
from kagit.space import Point
from kagit.spelling import short

REPLACED, ALL = "replaced", "all"

SETTINGS = (
    Setting(
        name=names.SETTING_TRIAL_DIR,
        kind=Kind.TEXT,
        required=True,
        meaning="where a trial finds the checkpoint that it goes on from, and leaves its own",
    ),
    Setting(name="n_population", kind=Kind.WHOLE, low=5, required=True, meaning="members of a generation"),
    Setting(
        name="truncation_threshold",
        kind=Kind.REAL,
        low=0,
        high=1,
        required=True,
        meaning="the share of a generation that is replaced, and the share by which it is",
    ),
    Setting(
        name="resample_probability",
        kind=Kind.REAL,
        low=0,
        high=1,
        default="unset: values are only changed a little",
        meaning="how often a value is drawn anew instead of changed by a fifth",
    ),
    Setting(
        name="explore",
        kind=Kind.TEXT,
        choices=(REPLACED, ALL),
        default=REPLACED,
        meaning="whose values are changed: those of replaced members, as in the paper, or all, as Katib does",
    ),
    settings.RANDOM_STATE,
)
_TRIES, _TRIES_NEAR = 32, 4
_FIFTH = 0.2
_LEAST = 0.02
"""The least change, as a share of a range that holds 0: no factor leads away from there."""


@dataclass(frozen=True, slots=True)
class Pbt:
    """Katib's `pbt`, with the winner's checkpoint; steps and all distributions are honoured, and none is needed."""

    name: str = "pbt"
    is_blind: bool = False

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What `algorithmSettings` may say."""
        return SETTINGS

    def check(self, problem: Problem) -> tuple[Issue, ...]:
        """What is wrong with settings or space, with places below `spec`; empty when it can run."""
        found = tuple(settings.check(problem.settings, SETTINGS, algorithm=self.name, unknown=Severity.WARNING))
        if not any(issue.severity is Severity.ERROR for issue in found):
            found = (*found, *_place(problem), *_counts(problem))
        return (*found, *dimensions.check(problem.space))

    def start(self, problem: Problem) -> "_Pbt":
        """A fresh optimizer without history."""
        return _Pbt(problem)

    def engine(self) -> str:
        """Library and version that answers."""
        return f"kagit {__version__}"


def _place(problem: Problem) -> Iterator[Issue]:
    path = problem.settings[names.SETTING_TRIAL_DIR]
    at = ("algorithm", "algorithmSettings", list(problem.settings).index(names.SETTING_TRIAL_DIR), "value")
    parts = path.strip("/").split("/")
    if not path.startswith("/") or parts == [""] or ".." in parts or not path.isprintable() or ":" in path:
        message = f"{names.SETTING_TRIAL_DIR} is {short(path)!r}; give a path of the container like /checkpoints"
        yield Issue(at=at, message=f"{message}, without '..' and ':'", slug="trial-dir-invalid")


def _counts(problem: Problem) -> Iterator[Issue]:
    """Warnings about numbers with which nothing is learnt."""
    size, most = int(problem.settings["n_population"]), problem.max_trials
    if most is not None and most < 2 * size:
        message = (
            f"maxTrialCount is {most}, but a generation has {size} trials and the second one learns from the first; "
            f"give at least {2 * size}, or a smaller n_population"
        )
        yield _warning("maxTrialCount", message, "budget-below-generations")
    if problem.parallel > size:
        message = f"parallelTrialCount is {problem.parallel}, but a generation has {size} trials; give at most {size}"
        yield _warning("parallelTrialCount", message, "parallel-above-population")
    room = dimensions.combinations(dimensions.of(problem.space))
    if room is not None and room < size:
        message = f"there are only {room} combinations for {size} members of a generation; some do the same at first"
        yield _warning("parameters", f"{message}, widen the space or lower n_population", "space-below-population")
    if not Decimal(problem.settings["truncation_threshold"]):
        at = ("algorithm", "algorithmSettings", list(problem.settings).index("truncation_threshold"), "value")
        message = "truncation_threshold is 0, so that only members that failed are replaced; give e.g. 0.2"
        yield Issue(at=at, message=message, slug="nobody-replaced", severity=Severity.WARNING)


def _warning(field: str, message: str, slug: str) -> Issue:
    return Issue(at=(field,), message=message, slug=slug, severity=Severity.WARNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standing:
    """A generation that is over, its first member being trial `first`: who is replaced, and by whom, best first."""

    first: int
    worst: frozenset[int]
    best: tuple[int, ...]


class _Pbt:
    def __init__(self, problem: Problem) -> None:
        self._problem, self._seed = problem, seed_of(problem)
        self._space = dimensions.of(problem.space)
        self._draws = Draws(self._space, seed=self._seed)
        self._size = int(problem.settings["n_population"])
        share = Decimal(problem.settings["truncation_threshold"])
        self._replaced = max(1, int(share * self._size)) if share else 0
        self._resample = settings.real(problem.settings, "resample_probability", 0)
        self._all = problem.settings.get("explore") == ALL
        self._sign = -1.0 if problem.direction is ObjectiveType.MAXIMIZE else 1.0
        self._told: dict[int, Finished] = {}
        self._valued: set[int] = set()
        self._last: tuple[int, _Standing] | None = None

    def tell(self, trial: Finished) -> None:
        if not is_new(trial, self._told, space=self._problem.space):
            return
        generation = trial.index // self._size
        if trial.value is not None:
            self._valued.add(generation)
        if self._last is not None and self._last[0] == generation:
            self._last = None

    def ask(self, *, index: int, running: Mapping[int, Point]) -> Answer:
        others = {i: point for i, point in running.items() if i != index and i not in self._told}
        generation, member = divmod(index, self._size)
        if any(i // self._size == generation - 1 for i in others):
            return Absence.LATER
        labels = {names.LABEL_GENERATION: str(generation)}
        taken = {self._key(point) for point in self._siblings(index, others)}
        before = next((one for one in range(generation - 1, -1, -1) if one in self._valued), None)
        if before is None:
            point = self._draws.point(index)
            if self._key(point) in taken:
                point = self._draws.another(index, taken=taken) or point
            return Proposal(point=point, labels=labels)
        standing = self._standing(before)
        own = standing.first + member
        parent = self._parent(index, own, standing)
        point = self._told[parent].point
        if parent != own or self._all:
            point = self._explored(index, point, taken=taken | self._kept(standing))
        return Proposal(point=dict(point), labels=labels, parent=parent, oldest_parent=standing.first)

    def _siblings(self, index: int, others: Mapping[int, Point]) -> Iterator[Point]:
        """The points of the same generation that were made before."""
        for i in range(index - index % self._size, index):
            if i in self._told:
                yield self._told[i].point
            elif i in others:
                yield others[i]

    def _standing(self, generation: int) -> _Standing:
        """Of a generation with a value; who failed or never came is worse than everybody else."""
        if self._last is not None and self._last[0] == generation:
            return self._last[1]
        first = generation * self._size
        members = range(first, first + self._size)
        ranked = sorted((i for i in members if self._loss(i) is not None), key=lambda i: (self._loss(i), i))
        lost = [i for i in members if self._loss(i) is None]
        worst = [*ranked, *lost][self._size - max(self._replaced, len(lost)) :]
        standing = _Standing(first=first, worst=frozenset(worst), best=tuple(ranked[: max(1, self._replaced)]))
        self._last = generation, standing
        return standing

    def _loss(self, index: int) -> float | None:
        trial = self._told.get(index)
        return None if trial is None or trial.value is None else self._sign * trial.value

    def _better(self, own: int, standing: _Standing) -> list[int]:
        """Of the best those that are better than a member: who is as good has nothing to take over."""
        loss = self._loss(own)
        return [i for i in standing.best if loss is None or (self._loss(i) or 0.0) < loss]

    def _parent(self, index: int, own: int, standing: _Standing) -> int:
        better = self._better(own, standing) if own in standing.worst else []
        return better[stream(self._seed, "parent", index).randrange(len(better))] if better else own

    def _kept(self, standing: _Standing) -> set[tuple[str, ...]]:
        """The points that members of the next generation take over as they are."""
        if self._all:
            return set()
        members = range(standing.first, standing.first + self._size)
        kept = [i for i in members if i not in standing.worst or not self._better(i, standing)]
        return {self._key(self._told[i].point) for i in kept}

    def _explored(self, index: int, point: Point, *, taken: set[tuple[str, ...]]) -> Point:
        """A point near by; where all around is taken by others of its generation, one that is further away."""
        near = dict(point)
        for attempt in range(_TRIES):
            chance = stream(self._seed, "explore", index, attempt)
            near = dict(point)
            for _ in range(1 + attempt // _TRIES_NEAR):
                near = {one.name: self._value(one, near[one.name], chance) for one in self._space}
            if self._key(near) not in taken:
                return near
        return self._draws.another(index, taken=taken) or near

    def _value(self, one: Dimension, text: str, chance: Random) -> str:
        return one.at(chance.random()) if chance.random() < self._resample else changed(one, text, chance)

    def _key(self, point: Point) -> tuple[str, ...]:
        return tuple(point[one.name] for one in self._space)


def changed(one: Dimension, text: str, chance: Random) -> str:
    """Another value near by: a number by a fifth, up or down, and at least a step; in a list of numbers a neighbour;
    of categories any other. The same one only where there is no other."""
    if one.size == 1:
        return text
    if isinstance(one, Choices) and not one.ordered:
        other = chance.randrange(one.size - 1)
        return one.text(other + (other >= one.rank(text)))
    direction = chance.choice((-1, 1))
    moved = _moved(one, text, direction)
    # At the end of its range it can only turn round.
    return moved if moved != text else _moved(one, text, -direction)


def _moved(one: Dimension, text: str, direction: int) -> str:
    if isinstance(one, Reals):
        old = float(text)
        new = old + direction * _shift(old, float(one.low), float(one.high))
        if new == old:
            new = math.nextafter(old, direction * math.inf)
        return clamped_text(new, low=one.low, high=one.high)
    steps = 1
    if isinstance(one, Ticks):
        low, step = float(one.low), float(one.step)
        shift = _shift(float(number_of(text)), low, low + (one.size - 1) * step)
        steps = max(1, round(min(shift / step, one.size)))
    return one.text(min(max(one.rank(text) + direction * steps, 0), one.size - 1))


def _shift(value: float, low: float, high: float) -> float:
    """A fifth of the value, but at most of its range, so that a narrow range far from 0 is not only its two ends."""
    width = high - low
    least = _LEAST * width if low <= 0 <= high else 0.0
    return max(min(_FIFTH * abs(value), _FIFTH * width), least)
