"""What a watcher sees of a change: with a selector, a change of labels may be an arrival or a departure."""

from collections.abc import Mapping
from typing import Literal, cast

from kagit.experiment import Json
from reconciler.adapters.embedded_row import Change, whole
from reconciler.adapters.embedded_selectors import Test
from reconciler.adapters.json_text import loads
from reconciler.ports import Event


def labels(body: Json) -> Mapping[str, str]:
    """An object's labels."""
    return body["metadata"].get("labels") or {}


def event(change: Change, matches: Test | None) -> Event | None:
    """The event for a watcher with that selector, or None where it concerns objects that are not selected."""
    body = whole(change.main, change.status, change.version)
    type_ = cast("Literal['ADDED', 'MODIFIED', 'DELETED']", change.type)
    if matches is None:
        return Event(type_, body)
    now = matches(labels(body))
    if change.before is None:
        return Event(type_, body) if now else None
    before: Json = loads(change.before)
    if matches(labels(before)):
        before["metadata"]["resourceVersion"] = str(change.version)
        return Event("MODIFIED", body) if now else Event("DELETED", before)
    return Event("ADDED", body) if now else None
