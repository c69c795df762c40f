"""What a check is, and what it says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from reports import figures
from reports.insights.facts import Facts
from reports.tables import Cell, foreign, plain

Text: TypeAlias = tuple[Cell, ...]
"""Our own words, and between them foreign ones, which each format shows as such."""


class Severity(StrEnum):
    """How bad it is: an error makes the result doubtful, a warning wants a decision, a hint may save something."""

    ERROR = "error"
    WARNING = "warning"
    HINT = "hint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Insight:
    """One finding of a check; `detail` has the numbers, `way_out` says what to do. `slug` is set by the catalog."""

    severity: Severity
    title: Text
    detail: Text
    way_out: Text
    slug: str = ""


Found: TypeAlias = Sequence[Insight] | None
"""What a check has found; None where it lacks the data to tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A check by its name; `meaning` and `rule` are for docs/insights.md: what it says, and when."""

    slug: str
    find: Callable[[Facts], Found]
    meaning: str
    rule: str


def percent(share: float) -> str:
    """A share as `12 %`."""
    return f"{100 * share:.0f} %"


def odds(chance: float) -> str:
    """How likely something is by chance, in one digit: `p 0.003`."""
    return f"p {figures.short(float(f'{chance:.1g}'))}"


def said(words: str, *names: str) -> Text:
    """Our words with foreign ones in place of each `{}`."""
    own = words.split("{}")
    cells = [plain(own[0])]
    for name, after in zip(names, own[1:], strict=True):
        cells += [foreign(name), plain(after)]
    return tuple(cell for cell in cells if cell.text or cell.kind == "foreign")
