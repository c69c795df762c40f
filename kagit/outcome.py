"""What a trial's object says about its end: success and failure conditions, as in Katib (spec katib.md 4.3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kagit import gjson
from kagit.shapes import at, text


class End(StrEnum):
    """How far a trial's object has come."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the conditions found; reason and message are those of the matching object, empty where it has none."""

    state: End
    reason: str = ""
    message: str = ""


RUNNING = Outcome(state=End.RUNNING)


def of(body: Mapping[str, Any], *, success: str, failure: str) -> Outcome:
    """The outcome of an object with its `status`; failure counts before success.

    Refused where a condition is no path that we know: validation has said so before anything ran.
    """
    for condition, state in ((failure, End.FAILED), (success, End.SUCCEEDED)):
        found = gjson.first(gjson.compiled(condition), body) if condition else None
        if found is not None:
            return Outcome(state=state, reason=found.reason, message=found.message)
    if body.get("kind") == "Workflow" and at(body, "status", "phase") == "Error":
        # Argo ends so where not a step but Argo itself failed. Katib's example knows only Failed: its trial hangs.
        return Outcome(state=End.FAILED, reason="Error", message=text(at(body, "status", "message")))
    return RUNNING
