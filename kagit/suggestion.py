"""A suggestion: a point with everything needed to ask for it again."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kagit.space import Point


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """Answer number `index` (from 0) of an algorithm, with its provenance (spec algorithms.md section 9).

    `running` are the numbers of the points that were not over when it was asked: all others below `index` had been
    told. `labels` are put on its trial, `parent` is the number of the trial whose checkpoint it goes on from.
    """

    index: int
    point: Point
    seed: int
    history_digest: str
    engine: str
    running: tuple[int, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    parent: int | None = None
