"""Katib's `enas`: a controller writes networks down, and learns from what each of them was worth.

Its state is never stored: it follows from the history. A generation is the next trials with a value in the order of
their numbers, and the controller learns from one after another; where a trial ends out of order, what was learnt after
it is learnt anew. Katib gives the mean of all trials to networks that nobody has trained; here each has its own reward.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from algorithms import settings
from algorithms.contract import Answer, Finished, Problem, Proposal
from algorithms.history import is_new
from algorithms.nas import graph
from algorithms.nas.controller import Controller, Options, State
from algorithms.nas.graph import Architecture
from algorithms.seeds import seed_of, stream
from algorithms.settings import RANDOM_STATE, Kind, Setting
from kagit import __version__
from kagit.findings import Issue, Severity
from kagit.objective import ObjectiveType
from kagit.space import Point

LEARNING_RATE = 0.01
"""Katib's is 5e-5, with which nothing that was learnt in a run can be told from chance."""


def _real(name: str, default: str, meaning: str, *, none: bool = False, high: float = 1) -> Setting:
    return Setting(
        name=name, kind=Kind.REAL, low=0, high=high, open=True, top=True, default=default, meaning=meaning, none=none
    )


SETTINGS = (
    Setting(
        name="controller_hidden_size",
        kind=Kind.WHOLE,
        low=1,
        high=1000,
        default="64",
        meaning="units of the controller",
    ),
    _real("controller_temperature", "5.0", "how evenly decisions are drawn", none=True, high=1e6),
    _real("controller_tanh_const", "2.25", "bound of the controller's scores", none=True, high=1e6),
    _real("controller_entropy_weight", "1e-5", "weight of variety against reward", none=True, high=1e6),
    _real("controller_baseline_decay", "0.999", "how slowly what is usual follows the rewards"),
    _real("controller_learning_rate", f"{LEARNING_RATE}", "learning rate of the controller"),
    _real("controller_skip_target", "0.4", "wanted share of skip connections"),
    _real("controller_skip_weight", "0.8", "weight of that share against reward", none=True, high=1e6),
    Setting(
        name="controller_train_steps",
        kind=Kind.WHOLE,
        low=1,
        high=10_000,
        default="50",
        meaning="steps of learning from each generation",
    ),
    Setting(
        name="controller_log_every_steps",
        kind=Kind.WHOLE,
        low=1,
        default="10",
        meaning="unused: the controller writes no log",
    ),
    RANDOM_STATE,
)
GENERATION = 5
"""Trials with a value that the controller learns from together."""
_SMALL = 4096
"""Up to so many architectures are looked through for one that was not tried yet."""
_TRIES = 16
_KEPT = 8
"""States of the controller that are kept to go back to; before them everything is learnt anew."""


@dataclass(frozen=True, slots=True)
class Enas:
    """Katib's `enas`, over the operations and layers of nasConfig."""

    name: str = "enas"
    is_blind: bool = False

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What `algorithmSettings` may say."""
        return SETTINGS

    def check(self, problem: Problem) -> tuple[Issue, ...]:
        """What is wrong with settings or nasConfig, with places below `spec`; empty when it can run."""
        return (
            *settings.check(problem.settings, SETTINGS, algorithm=self.name),
            *_unused(problem),
            *graph.check(problem),
            *graph.check_size(problem),
        )

    def start(self, problem: Problem) -> "_Enas":
        """A fresh optimizer without history."""
        return _Enas(problem)

    def engine(self) -> str:
        """Library and version that answers."""
        return f"kagit {__version__}"


def _unused(problem: Problem) -> Iterator[Issue]:
    name = "controller_log_every_steps"
    if name in problem.settings:
        at = ("algorithm", "algorithmSettings", list(problem.settings).index(name), "name")
        message = f"{name} has no effect: the controller writes no log; remove it"
        yield Issue(at=at, message=message, slug="setting-unused", severity=Severity.WARNING)


def _options(problem: Problem) -> Options:
    given = problem.settings

    def optional(name: str, default: float) -> float | None:
        return None if given.get(name) == "None" else settings.real(given, name, default)

    return Options(
        hidden=settings.whole(given, "controller_hidden_size", 64),
        temperature=optional("controller_temperature", 5.0),
        tanh=optional("controller_tanh_const", 2.25),
        entropy_weight=optional("controller_entropy_weight", 1e-5) or 0.0,
        learning_rate=settings.real(given, "controller_learning_rate", LEARNING_RATE),
        skip_target=settings.real(given, "controller_skip_target", 0.4),
        skip_weight=optional("controller_skip_weight", 0.8) or 0.0,
        steps=settings.whole(given, "controller_train_steps", 50),
    )


class _Enas:
    def __init__(self, problem: Problem) -> None:
        self._seed, self._graph = seed_of(problem), graph.of(problem)
        self._controller = Controller(self._graph, _options(problem))
        self._decay = settings.real(problem.settings, "controller_baseline_decay", 0.999)
        self._sign = -1.0 if problem.direction is ObjectiveType.MINIMIZE else 1.0
        self._told: dict[int, Finished] = {}
        self._known: list[tuple[int, Architecture, float]] = []
        self._tried: set[Architecture] = set()
        self._states: dict[int, State] = {}

    def tell(self, trial: Finished) -> None:
        if not is_new(trial, self._told):
            return
        architecture = self._graph.read(trial.point) if trial.value is not None else None
        if architecture is None:
            return  # it failed, or is a network of another search
        at = bisect_left(self._known, (trial.index,))
        self._known.insert(at, (trial.index, architecture, self._sign * (trial.value or 0.0)))
        self._tried.add(architecture)
        self._states = {end: state for end, state in self._states.items() if end <= at}

    def ask(self, *, index: int, running: Mapping[int, Point]) -> Answer:
        points = [point for i, point in running.items() if i != index and i not in self._told]
        run = {one for one in map(self._graph.read, points) if one is not None}
        numbers = stream(self._seed, "sample", index)
        wished = self._controller.sample(
            self._grown(), [numbers.random() for _ in range(_TRIES * self._controller.decisions)]
        )
        for taken in (run | self._tried, run):
            for architecture in chain(wished, self._others(index)):
                if architecture not in taken:
                    return Proposal(point=self._graph.point(architecture))
        return Proposal(point=self._graph.point(wished[0]))

    def _others(self, index: int) -> Iterator[Architecture]:
        """Architectures without history, for when the controller writes only what is there already."""
        if self._graph.size <= _SMALL:
            size = len(self._every)
            yield from (self._every[(index + k) % size] for k in range(size))
            return
        chance = stream(self._seed, "another", index)
        for _ in range(_TRIES):
            yield self._graph.drawn(chance)

    @cached_property
    def _every(self) -> Sequence[Architecture]:
        every = list(self._graph.every())
        stream(self._seed, "order").shuffle(every)
        return every

    @cached_property
    def _new(self) -> State:
        return self._controller.begin(stream(self._seed, "controller"))

    def _grown(self) -> State:
        """The controller after all generations that are complete."""
        end = max(self._states, default=0)
        state = self._states.get(end, self._new)
        while end + GENERATION <= len(self._known):
            begin, end = end, end + GENERATION
            state = self._controller.learn(state, self._gains(begin, end))
            self._states[end] = state
            if len(self._states) > _KEPT:
                del self._states[min(self._states)]
        return state

    def _gains(self, begin: int, end: int) -> list[tuple[Architecture, float]]:
        """How much better than usual the trials of a generation were, in standard deviations of all up to them.

        What is usual follows the rewards in the order of their numbers; each counts for `decay` of the next one.
        """
        rewards = [reward for _, _, reward in self._known[:end]]
        peak = max(map(abs, rewards)) or 1.0  # sums of the largest doubles are no doubles
        rewards = [reward / peak for reward in rewards]
        usual = weight = 0.0
        for reward in rewards:
            usual, weight = self._decay * usual + reward, self._decay * weight + 1
        usual /= weight
        spread = math.sqrt(sum((reward - usual) ** 2 for reward in rewards) / end)
        known = self._known[begin:end]
        return [
            (architecture, (reward - usual) / spread if spread else 0.0)
            for (_, architecture, _), reward in zip(known, rewards[begin:], strict=True)
        ]
