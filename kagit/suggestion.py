"""A suggestion: a point with everything needed to ask for it again."""

from dataclasses import dataclass

from kagit.space import Point


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """Answer number `index` (from 0) of an algorithm, with its provenance (spec algorithms.md section 9)."""

    index: int
    point: Point
    seed: int
    history_digest: str
    engine: str
