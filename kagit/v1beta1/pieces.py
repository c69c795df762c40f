"""Pieces that several of Katib's objects share: conditions, assignments, observations, owners (spec section 1.2)."""

from collections.abc import Sequence
from typing import Any

from kagit.conditions import Condition, Conditions
from kagit.experiment import Json
from kagit.objective import Metric, Observation
from kagit.shapes import at, sequence, text
from kagit.space import Point
from kagit.trial import Comparison, EarlyStoppingRule, Limit


def owner(body: Json) -> Json:
    """The owner reference that makes `body` the controlling owner (section 1.8)."""
    return {
        "apiVersion": body["apiVersion"],
        "kind": body["kind"],
        "name": body["metadata"]["name"],
        "uid": body["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def assignments(point: Point) -> list[Json]:
    """Katib's parameterAssignments."""
    return [{"name": name, "value": value} for name, value in point.items()]


def point(given: object) -> Point:
    """The point of Katib's parameterAssignments."""
    return {text(at(one, "name")): text(at(one, "value")) for one in sequence(given)}


def numbers_out(given: Sequence[int]) -> str:
    """Whole numbers from 0 in ascending order as text: `3,5-20`."""
    spans: list[list[int]] = []
    for one in given:
        if spans and one == spans[-1][1] + 1:
            spans[-1][1] = one
        else:
            spans.append([one, one])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in spans)


def numbers_in(given: str) -> tuple[int, ...]:
    """The numbers of such a text."""
    found: list[int] = []
    for span in filter(None, given.split(",")):
        low, _, high = span.partition("-")
        found += range(int(low), int(high or low) + 1)
    return tuple(found)


def metrics(given: Observation) -> list[Json]:
    """Katib's observation.metrics."""
    return [{"name": m.name, "min": m.min, "max": m.max, "latest": m.latest} for m in given]


def observation(given: object) -> Observation:
    """The observation of Katib's metrics list."""
    return tuple(
        Metric(name=text(m.get("name")), min=text(m.get("min")), max=text(m.get("max")), latest=text(m.get("latest")))
        for m in sequence(given)
    )


def rules_out(rules: Sequence[EarlyStoppingRule]) -> list[Json]:
    """Katib's earlyStoppingRules, with what Katib has no word for where it is needed."""
    return [
        {"name": one.metric, "value": one.value, "comparison": one.comparison.value, "startStep": one.start_step}
        | ({"later": [{"step": each.step, "value": each.value} for each in one.later]} if one.later else {})
        | ({"patience": one.patience} if one.patience else {})
        for one in rules
    ]


def rules_in(given: object) -> tuple[EarlyStoppingRule, ...]:
    """The early stopping rules of a Trial."""
    return tuple(
        EarlyStoppingRule(
            metric=text(at(one, "name")),
            value=text(at(one, "value")),
            comparison=Comparison(text(at(one, "comparison"))),
            start_step=int(at(one, "startStep") or 0),
            later=tuple(
                Limit(step=int(at(each, "step") or 0), value=text(at(each, "value")))
                for each in sequence(at(one, "later"))
            ),
            patience=int(at(one, "patience") or 0),
        )
        for one in sequence(given)
    )


def conditions_out(conditions: Conditions) -> list[Json]:
    """Conditions as objects carry them, oldest change first."""
    return [
        {
            "type": c.type,
            "status": c.status,
            "reason": c.reason,
            "message": c.message,
            "lastUpdateTime": c.last_update,
            "lastTransitionTime": c.last_transition,
        }
        for c in conditions
    ]


def conditions_in(given: object) -> Conditions:
    """Conditions of an object."""
    return tuple(
        Condition(
            type=text(c.get("type")),
            status=text(c.get("status")),
            reason=text(c.get("reason")),
            message=text(c.get("message")),
            last_update=text(c.get("lastUpdateTime")),
            last_transition=text(c.get("lastTransitionTime")),
        )
        for c in sequence(given)
    )


def note(body: Json, key: str) -> str:
    """An annotation of an object, empty where it is missing."""
    value: Any = at(body, "metadata", "annotations", key)
    return text(value)
