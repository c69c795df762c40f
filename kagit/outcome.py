"""How a trial's object stands, by Katib's success and failure conditions on its status (spec katib.md section 4.3)."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from kagit import gjson
from kagit.experiment import Json
from kagit.shapes import at, mapping, text

_ERROR = "Error"


class State(StrEnum):
    """What the conditions say of an object."""

    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


class Outcome(NamedTuple):
    """The state, with reason and message of the condition that matched."""

    state: State
    reason: str = ""
    message: str = ""


def of(body: Json, *, success: str, failure: str) -> Outcome:
    """The outcome of an object with a `status`: failure is looked at before success; what neither fits still runs.

    A Workflow in phase Error has failed even where its failure condition names only Failed, as Katib's own example
    does; otherwise such a trial would never end. Refused for a condition that is no path.
    """
    found = _matched(body, failure)
    if found is None and body.get("kind") == "Workflow" and at(body, "status", "phase") == _ERROR:
        found = mapping(body["status"])
    if found is not None:
        return Outcome(State.FAILED, text(found.get("reason")), text(found.get("message")))
    found = _matched(body, success)
    if found is not None:
        return Outcome(State.SUCCEEDED, text(found.get("reason")), text(found.get("message")))
    return Outcome(State.RUNNING)


def _matched(body: Json, condition: str) -> Mapping[str, object] | None:
    return gjson.first(gjson.compiled(condition)(body)) if condition else None
