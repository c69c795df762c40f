"""Identity of a spec: the same meaning gives the same digest, whatever the file looks like."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from kagit import names

BUDGET = ("parallelTrialCount", "maxTrialCount", "maxFailedTrialCount", "resumePolicy")


def of(value: object) -> str:
    """SHA-256 in hex of the canonical JSON of `value`."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def shape(annotations: Mapping[str, str]) -> dict[str, Any]:
    """What annotations say of the search, as a part of the spec; empty where they say nothing."""
    given = {key: annotations[key] for key in names.SEARCH if key in annotations}
    meant: dict[str, Any] = {}
    for key, text in given.items():
        try:
            meant[key] = json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
        except (ValueError, RecursionError):
            meant[key] = text
    return {"search": meant} if meant else {}


def run(effective: Mapping[str, Any]) -> str:
    """Digest of an effective spec without what may change during a run: the three counts and resumePolicy."""
    return of({key: value for key, value in effective.items() if key not in BUDGET})
