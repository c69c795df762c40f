"""Algorithms of other packages: entry points of the group `kagit.algorithms`, looked for where no name of ours fits.

Nothing that such a package does wrong looks like a fault of kagit: it is refused under the package's name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar, cast

from algorithms.contract import Absence, Algorithm, Answer, Finished, Optimizer, Problem, Proposal
from algorithms.settings import Setting
from kagit.errors import KagitError, Refused
from kagit.findings import Issue
from kagit.space import Point, Space
from kagit.spelling import short

GROUP = "kagit.algorithms"

_Result = TypeVar("_Result")


def names() -> tuple[str, ...]:
    """The names that installed packages offer, sorted; those that hide behind one of ours included."""
    return tuple(sorted(_entries()))


def origins(name: str) -> list[str]:
    """Packages with their versions that offer an algorithm of that name, e.g. `hill-climber 1.0`."""
    return sorted(_origin(entry) for entry in _entries().get(name, ()))


@cache
def named(name: str) -> Algorithm | None:
    """The algorithm that a package offers under that name, None if none does; Refused if it is broken or two do."""
    found = origins(name)
    if not found:
        return None
    if len(found) > 1:
        raise Refused(f"algorithm {name} is offered by {' and by '.join(found)}; uninstall all but one")
    entry, origin = _entries()[name][0], found[0]

    def load() -> Algorithm:
        return cast("Algorithm", entry.load()())

    inner = _safely(load, f"algorithm {name} of {origin} cannot be loaded")
    missing = [part for part in ("name", "is_blind", "check", "start", "engine") if not hasattr(inner, part)]
    if missing:
        raise Refused(f"algorithm {name} of {origin} is no algorithm: it lacks {', '.join(missing)}; tell its authors")
    if inner.name != name:
        raise Refused(f"algorithm {name} of {origin} calls itself {short(inner.name)!r}; tell its authors")
    return _Guest(inner=inner, origin=origin)


@cache
def _entries() -> Mapping[str, list[Any]]:
    from importlib.metadata import entry_points

    found: dict[str, list[Any]] = {}
    for entry in entry_points(group=GROUP):
        found.setdefault(entry.name, []).append(entry)
    return found


def _origin(entry: Any) -> str:  # noqa: ANN401 - a type of a module that is imported late
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else entry.value


def _safely(call: Callable[[], _Result], what: str) -> _Result:
    """The result; Refused instead of whatever a foreign package raises, unless it refuses by itself."""
    try:
        return call()
    except KagitError:
        raise
    except Exception as error:
        raise Refused(f"{what}: {type(error).__name__}: {error}; tell its authors, or use another one") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Guest:
    """An algorithm of another package, with its faults under its name."""

    inner: Algorithm
    origin: str

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def is_blind(self) -> bool:
        return self.inner.is_blind is True

    @property
    def settings(self) -> tuple[Setting, ...]:
        return tuple(getattr(self.inner, "settings", ()))

    def check(self, problem: Problem) -> tuple[Issue, ...]:
        found = self._do(lambda: tuple(self.inner.check(problem)), "failed while it checked settings and space")
        if not all(isinstance(cast("object", one), Issue) for one in found):
            raise Refused(f"{self._title} found what is no Issue; tell its authors")
        return found

    def start(self, problem: Problem) -> "_GuestSearch":
        inner = self._do(lambda: self.inner.start(problem), "failed at its start")
        return _GuestSearch(inner=inner, guest=self, space=problem.space)

    def engine(self) -> str:
        return self._do(lambda: str(self.inner.engine()), "does not tell its engine")

    @property
    def _title(self) -> str:
        return f"algorithm {self.name} of {self.origin}"

    def _do(self, call: Callable[[], _Result], what: str) -> _Result:
        return _safely(call, f"{self._title} {what}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _GuestSearch:
    inner: Optimizer
    guest: _Guest
    space: Space

    def tell(self, trial: Finished) -> None:
        _safely(lambda: self.inner.tell(trial), f"{self._who} failed when it was told of trial {trial.index}")

    def ask(self, *, index: int, running: Mapping[int, Point]) -> Answer:
        call = lambda: cast("object", self.inner.ask(index=index, running=dict(running)))  # noqa: E731 - asked for once
        answer = _safely(call, f"{self._who} failed when it was asked for point {index}")
        if isinstance(answer, Proposal):
            return self._fitting(answer, index)
        if not isinstance(answer, Absence):
            raise Refused(f"{self._who} gave {short(repr(answer))} for point {index}, no Proposal; tell its authors")
        if answer is Absence.LATER and not running:
            raise Refused(f"{self._who} waits for trials although none runs; tell its authors")
        return answer

    @property
    def _who(self) -> str:
        return f"algorithm {self.guest.name} of {self.guest.origin}"

    def _fitting(self, answer: Proposal, index: int) -> Proposal:
        point = answer.point
        if not len(self.space):
            return answer
        texts = all(isinstance(cast("object", value), str) for value in point.values())
        if not texts or not self.space.contains(point):
            told = short(repr(dict(point)))
            raise Refused(f"{self._who} gave point {index} outside the search space: {told}; tell its authors")
        return answer
