"""What an author knows of the search beyond Katib's spec: points to begin with, what is fixed, what goes together."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

from kagit import names
from kagit.objective import Constraint, ObjectiveType
from kagit.shapes import mapping, sequence
from kagit.space import Point

_COUNT = re.compile("[1-9][0-9]{0,2}")
_SIGNS = re.compile(r"\s*(>=|<=|!=|>|<)\s*(.*?)\s*", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """Whether one parameter has one of `values`, or how it stands to the one number: >=, <=, >, <, !=."""

    parameter: str
    sign: str = "in"
    values: tuple[str, ...]

    def holds(self, point: Point) -> bool:
        """Whether it is so in this point; numbers are compared as numbers, `0.10` is `0.1`."""
        given = point[self.parameter]
        if self.sign in {"in", "!="}:
            return any(_same(given, value) for value in self.values) is (self.sign == "in")
        left, right = number(given), number(self.values[0])
        if left is None or right is None:
            return False
        return {">": left > right, "<": left < right, ">=": left >= right, "<=": left <= right}[self.sign]


Clauses: TypeAlias = tuple[Clause, ...]
"""All of them must hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Which parameters count when, and which points are never tried."""

    active: Mapping[str, Clauses] = field(default_factory=dict[str, Clauses])
    forbidden: tuple[Clauses, ...] = ()

    def allows(self, point: Point) -> bool:
        """Whether no forbidden combination is in the point."""
        return not any(all(clause.holds(point) for clause in clauses) for clauses in self.forbidden)

    def counts(self, name: str, point: Point) -> bool:
        """Whether a parameter counts in a point that is settled."""
        return all(one.holds(point) for one in self.active.get(name, ()) if one.parameter in point)

    def settled(self, point: Point, idle: Mapping[str, str]) -> Point:
        """The point with every parameter that does not count at its idle value, so that equal trials look equal.

        A parameter counts if all its clauses hold; one whose clause looks at an idle parameter sees the idle value.
        """
        if not self.active:
            return point
        settled = dict(point)
        for name in self.order():
            if not all(clause.holds(settled) for clause in self.active[name]):
                settled[name] = idle[name]
        return settled

    def order(self) -> tuple[str, ...]:
        """Parameters with conditions, each after those that it depends on; one in a circle is left out."""
        done: list[str] = []
        left = dict(self.active)
        while left:
            ready = [name for name, clauses in left.items() if not any(clause.parameter in left for clause in clauses)]
            if not ready:
                break
            for name in ready:
                done.append(name)
                del left[name]
        return tuple(done)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """All of it. `start_from`: experiment → how many of its best points are tried first; `started` are those points."""

    initial: tuple[Point, ...] = ()
    fixed: Mapping[str, str] = field(default_factory=dict[str, str])
    rules: Rules = field(default_factory=Rules)
    start_from: Mapping[str, int] = field(default_factory=dict[str, int])
    started: tuple[Point, ...] = ()

    @property
    def first(self) -> tuple[Point, ...]:
        """All points that are tried first."""
        return (*self.initial, *self.started)


def search(annotations: Mapping[str, str]) -> Search:
    """What annotations say; what is missing or was refused by the checks is empty."""
    return Search(
        initial=points(annotations.get(names.ANNOTATION_INITIAL, "")) or (),
        fixed=fixed(annotations.get(names.ANNOTATION_FIXED, "")) or {},
        rules=Rules(
            active=active(annotations.get(names.ANNOTATION_ACTIVE, "")) or {},
            forbidden=forbidden(annotations.get(names.ANNOTATION_FORBIDDEN, "")) or (),
        ),
        start_from=starts(annotations.get(names.ANNOTATION_START_FROM, "")) or {},
    )


def points(given: str) -> tuple[Point, ...] | None:
    """Points of a JSON list `[{"lr": "0.1"}]`, numbers as they are written; None where it is none."""
    found = tuple(_texts(one) for one in sequence(_loaded(given)))
    return found if found and all(found) else None


def fixed(given: str) -> Mapping[str, str] | None:
    """Parameters and their only value, `{"optimizer": "adam"}`."""
    return _texts(_loaded(given)) or None


def active(given: str) -> Mapping[str, Clauses] | None:
    """When parameters count, `{"momentum": {"optimizer": ["sgd", "rmsprop"]}}`."""
    found = {name: _clauses(one) for name, one in mapping(_loaded(given)).items()}
    return found if found and all(found.values()) else None


def forbidden(given: str) -> tuple[Clauses, ...] | None:
    """Combinations that are never tried, `[{"optimizer": "sgd", "lr": ">0.1"}]`."""
    found = tuple(_clauses(one) for one in sequence(_loaded(given)))
    return found if found and all(found) else None


def starts(given: str) -> Mapping[str, int] | None:
    """Experiments to begin with, `{"mnist": 5}`: so many of its best points."""
    found = _texts(_loaded(given))
    good = all(names.is_experiment_name(name) and _COUNT.fullmatch(count) for name, count in found.items())
    return {name: int(count) for name, count in found.items()} if found and good else None


def objectives(given: str) -> Mapping[str, ObjectiveType] | None:
    """Further objectives, `{"latency": "minimize"}`."""
    found = _texts(_loaded(given))
    good = all(name and kind in {"minimize", "maximize"} for name, kind in found.items())
    return {name: ObjectiveType(kind) for name, kind in found.items()} if found and good else None


def constraints(given: str) -> tuple[Constraint, ...] | None:
    """Bounds of metrics, `{"memory": "<=512"}`."""
    found = [(name, _SIGNS.fullmatch(text)) for name, text in _texts(_loaded(given)).items()]
    kept = tuple(
        Constraint(metric=name, sign=match.group(1), bound=float(match.group(2)))
        for name, match in found
        if name and match and match.group(1) in {"<=", ">="} and number(match.group(2)) is not None
    )
    return kept if kept and len(kept) == len(found) and all(map(math.isfinite, (one.bound for one in kept))) else None


def number(text: str) -> Decimal | None:
    """A text as a number; None where it is none."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def _same(left: str, right: str) -> bool:
    if left == right:
        return True
    one, other = number(left), number(right)
    return one is not None and one == other


def _loaded(given: str) -> object:
    """JSON with numbers as they are written; None where it is none, or hides something by naming it twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) < len(pairs):
            raise ValueError
        return dict(pairs)

    try:
        return json.loads(given, parse_int=str, parse_float=str, parse_constant=str, object_pairs_hook=once)
    except (ValueError, RecursionError):
        return None


def _texts(given: object) -> dict[str, str]:
    """A mapping of texts; empty where it is none, or one is not a text or number."""
    found = mapping(given)
    return dict(found) if all(isinstance(value, str) for value in found.values()) else {}


def _clauses(given: object) -> Clauses:
    found = mapping(given)
    return tuple(_each(found)) if all(map(_is_clause, found.values())) else ()


def _is_clause(value: object) -> bool:
    several = sequence(value)
    return isinstance(value, str) or (bool(several) and all(isinstance(one, str) for one in several))


def _each(given: Mapping[str, Any]) -> Iterator[Clause]:
    for name, value in given.items():
        match = _SIGNS.fullmatch(value) if isinstance(value, str) else None
        if match is not None:
            yield Clause(parameter=name, sign=match.group(1), values=(match.group(2),))
        else:
            yield Clause(parameter=name, values=(value,) if isinstance(value, str) else tuple(value))
