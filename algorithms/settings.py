"""Algorithm settings, declared: name, type, range, default and meaning in one place."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from kagit.findings import Issue
from kagit.spelling import did_you_mean, short

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_REAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")


class Kind(StrEnum):
    """What the text of a setting stands for."""

    WHOLE = "whole number"
    REAL = "number"
    WORD = "word"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting. Bounds are inclusive unless `open`; `default` is shown to people and may be a rule in words.

    A word is one of `choices`.
    """

    name: str
    kind: Kind
    low: float = -math.inf
    high: float = math.inf
    open: bool = False
    choices: tuple[str, ...] = ()
    default: str
    meaning: str

    @property
    def range(self) -> str:
        """The legal values in words."""
        if self.kind is Kind.WORD:
            return f"one of {', '.join(self.choices)}"
        if math.isinf(self.high):
            return f"a {self.kind} above {self.low:g}" if self.open else f"a {self.kind} of at least {self.low:g}"
        if self.open:
            return f"a {self.kind} between {self.low:g} and {self.high:g}, both excluded"
        return f"a {self.kind} from {self.low:.0f} to {self.high:.0f}"

    def allows(self, text: str) -> bool:
        """Whether the text is a number of this kind inside the bounds, or one of the choices."""
        if self.kind is Kind.WORD:
            return text in self.choices
        pattern = _WHOLE if self.kind is Kind.WHOLE else _REAL
        if len(text) > 64 or pattern.fullmatch(text) is None:  # noqa: PLR2004 - no number worth writing is longer
            return False
        value = float(text)
        inside = self.low < value < self.high if self.open else self.low <= value <= self.high
        return inside and math.isfinite(value)


RANDOM_STATE = Setting(
    name="random_state",
    kind=Kind.WHOLE,
    low=0,
    high=2**32 - 1,
    default="the seed of the run",
    meaning="seed of all chance in the search; the same seed gives the same points",
)


def check(settings: Mapping[str, str], known: tuple[Setting, ...], *, algorithm: str) -> Iterator[Issue]:
    """What is wrong with the settings of one algorithm, with places below `spec`."""
    by_name = {setting.name: setting for setting in known}
    for i, (name, text) in enumerate(settings.items()):
        at = ("algorithm", "algorithmSettings", i)
        setting = by_name.get(name)
        if setting is None:
            message = f"{algorithm} has no setting {short(name)!r}; {did_you_mean(name, tuple(by_name))}"
            yield Issue(at=(*at, "name"), message=message, slug="setting-unknown")
        elif not setting.allows(text):
            message = f"setting {name} of {algorithm} is {short(text)!r}; give {setting.range}, or remove it"
            yield Issue(at=(*at, "value"), message=message, slug="setting-invalid")


def whole(settings: Mapping[str, str], name: str, default: int) -> int:
    """A checked setting as a whole number."""
    return int(settings.get(name, default))


def real(settings: Mapping[str, str], name: str, default: float) -> float:
    """A checked setting as a number."""
    return float(settings.get(name, default))
