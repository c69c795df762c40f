"""Identity of a spec: the same meaning gives the same digest, whatever the file looks like."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

BUDGET = ("parallelTrialCount", "maxTrialCount", "maxFailedTrialCount", "resumePolicy")


def of(value: object) -> str:
    """SHA-256 in hex of the canonical JSON of `value`."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def run(effective: Mapping[str, Any]) -> str:
    """Digest of an effective spec without what may change during a run: the three counts and resumePolicy."""
    return of({key: value for key, value in effective.items() if key not in BUDGET})
