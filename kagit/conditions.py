"""Status conditions with Katib's mechanics (spec katib.md section 1.7)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition; times are RFC 3339 in UTC."""

    type: str
    status: str = "True"
    reason: str
    message: str
    last_update: str
    last_transition: str


Conditions: TypeAlias = tuple[Condition, ...]


def find(conditions: Conditions, type_: str) -> Condition | None:
    """The condition of that type, or None."""
    return next((c for c in conditions if c.type == type_), None)


def put(conditions: Conditions, *, type_: str, reason: str, message: str, now: str, status: str = "True") -> Conditions:
    """Set a condition: unchanged status and reason change nothing, otherwise the new entry goes to the end."""
    old = find(conditions, type_)
    if old is not None and old.status == status and old.reason == reason:
        return conditions
    moved = old.last_transition if old is not None and old.status == status else now
    new = Condition(type=type_, status=status, reason=reason, message=message, last_update=now, last_transition=moved)
    return (*drop(conditions, type_), new)


def drop(conditions: Conditions, *types: str) -> Conditions:
    """The conditions without those of the given types."""
    return tuple(c for c in conditions if c.type not in types)


def end_running(conditions: Conditions, *, now: str) -> Conditions:
    """Running=False, keeping its reason and message, where Running is there and True."""
    running = find(conditions, "Running")
    if running is None or running.status == "False":
        return conditions
    new = replace(running, status="False", last_update=now, last_transition=now)
    return (*drop(conditions, "Running"), new)


def last_true(conditions: Sequence[Condition]) -> Condition | None:
    """The most recently changed condition that is True: what a status column shows."""
    return next((c for c in reversed(conditions) if c.status == "True"), None)
