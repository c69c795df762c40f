"""Algorithm settings, declared: name, type, range, default and meaning in one place."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from kagit.findings import Issue, Severity
from kagit.spelling import did_you_mean, short

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_REAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")


class Kind(StrEnum):
    """What the text of a setting stands for."""

    WHOLE = "whole number"
    REAL = "number"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting. Bounds are inclusive unless `open`, and `top` includes the upper one all the same.

    A text may be one of `choices`; `none` allows the word None. `default` is for people and may be a rule in words.
    """

    name: str
    kind: Kind
    low: float = -math.inf
    high: float = math.inf
    open: bool = False
    top: bool = False
    choices: tuple[str, ...] = ()
    none: bool = False
    required: bool = False
    default: str = ""
    meaning: str

    @property
    def range(self) -> str:
        """The legal values in words."""
        return f"{self._numbers()}, or None" if self.none else self._numbers()

    def _numbers(self) -> str:
        if self.kind is Kind.TEXT:
            return f"one of {', '.join(self.choices)}" if self.choices else "a text"
        if math.isinf(self.low) and math.isinf(self.high):
            return f"a {self.kind}"
        if math.isinf(self.high):
            return f"a {self.kind} above {self.low:g}" if self.open else f"a {self.kind} of at least {self.low:g}"
        if self.open and self.top:
            return f"a {self.kind} above {self.low:g} and at most {self.high:g}"
        if self.open:
            return f"a {self.kind} between {self.low:g} and {self.high:g}, both excluded"
        return f"a {self.kind} from {self.low:.0f} to {self.high:.0f}"

    def allows(self, text: str) -> bool:
        """Whether the text is a legal value."""
        if self.none and text == "None":
            return True
        if self.kind is Kind.TEXT:
            return text in self.choices if self.choices else bool(text)
        pattern = _WHOLE if self.kind is Kind.WHOLE else _REAL
        if len(text) > 64 or pattern.fullmatch(text) is None:  # noqa: PLR2004 - no number worth writing is longer
            return False
        value = float(text)
        above = self.low < value if self.open else self.low <= value
        below = value < self.high if self.open and not self.top else value <= self.high
        return above and below and math.isfinite(value)


RANDOM_STATE = Setting(
    name="random_state",
    kind=Kind.WHOLE,
    low=0,
    high=2**32 - 1,
    default="the seed of the run",
    meaning="seed of all chance in the search; the same seed gives the same points",
)


def check(
    settings: Mapping[str, str],
    known: tuple[Setting, ...],
    *,
    algorithm: str,
    field: str = "algorithm",
    unknown: Severity | None = Severity.ERROR,
) -> Iterator[Issue]:
    """What is wrong with the settings of one algorithm, with places below `spec`; `unknown` says how bad others are."""
    by_name = {setting.name: setting for setting in known}
    for i, (name, text) in enumerate(settings.items()):
        at = (field, "algorithmSettings", i)
        setting = by_name.get(name)
        if setting is None:
            if unknown is not None:
                message = f"{algorithm} has no setting {short(name)!r}; {_way(name, tuple(by_name))}"
                yield Issue(at=(*at, "name"), message=message, slug="setting-unknown", severity=unknown)
        elif not setting.allows(text):
            way = "" if setting.required else ", or remove it"
            message = f"setting {name} of {algorithm} is {short(text)!r}; give {setting.range}{way}"
            yield Issue(at=(*at, "value"), message=message, slug="setting-invalid")
    missing = [setting for setting in known if setting.required and setting.name not in settings]
    if missing:
        ways = " and ".join(f"{setting.name} ({setting.range}: {setting.meaning})" for setting in missing)
        at_all = (field, "algorithmSettings")
        yield Issue(at=at_all, message=f"settings of {algorithm} are missing; give {ways}", slug="setting-missing")


def _way(name: str, known: tuple[str, ...]) -> str:
    return did_you_mean(name, known) if known else "it has none at all, so remove it"


def whole(settings: Mapping[str, str], name: str, default: int) -> int:
    """A checked setting as a whole number."""
    return int(settings.get(name, default))


def real(settings: Mapping[str, str], name: str, default: float) -> float:
    """A checked setting as a number."""
    return float(settings.get(name, default))
