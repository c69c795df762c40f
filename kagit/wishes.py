"""What the annotations of an experiment ask for beyond Katib's spec; they may change while it runs."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kagit import names

LONGEST = 10 * 366 * 86400
"""Seconds: a duration above ten years is a mistake."""
MOST_RETRIES = 100
MOST_WITHOUT_GAIN = 1000
WITHOUT_GAIN = r"([1-9][0-9]{0,2}|1000)(, ?([0-9]{1,15}([.][0-9]{1,15})?(e-?[0-9]{1,2})?)(%?))?"
"""A number of trials up to MOST_WITHOUT_GAIN, and how much better is a gain."""
WITHOUT_GAIN_WAY = (
    f"a number of trials up to {MOST_WITHOUT_GAIN}, and after a comma the least gain if need be, "
    "as a value or in percent, e.g. 20 or 20, 0.001"
)

_DURATION = re.compile(r"(?=.)(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?", re.ASCII)
_WITHOUT_GAIN = re.compile(WITHOUT_GAIN, re.ASCII)
_ENDPOINT = re.compile(
    r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?):(?P<port>[0-9]{1,5})", re.ASCII
)
_UNITS = (86400, 3600, 60, 1)
_FLAGS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How many trials with a result may bring no gain, one above `least`: a value, or a share of the best before."""

    trials: int
    least: float = 0.0
    relative: bool = False

    def allows(self, gain: float, *, best: float) -> bool:
        """Whether so much better than `best` is a gain."""
        return gain > (self.least * abs(best) if self.relative else self.least)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What is asked for. `max_duration` is in seconds; `retries` counts new starts of a trial that was lost.

    `suggestion_endpoint` is host and port of a service that is asked for points in place of our algorithms.
    """

    max_duration: int | None = None
    suspended: bool = False
    retries: int = 2
    reuse_results: bool = False
    stops_trials: bool = True
    without_gain: Patience | None = None
    suggestion_endpoint: str = ""


def wishes(annotations: Mapping[str, str]) -> Wishes:
    """The wishes of an experiment; what is missing or was refused by the checks is the default."""
    retries = whole(annotations.get(names.ANNOTATION_RETRIES, ""))
    return Wishes(
        max_duration=seconds(annotations.get(names.ANNOTATION_MAX_DURATION, "")),
        suspended=flag(annotations.get(names.ANNOTATION_SUSPEND, "")) is True,
        retries=Wishes().retries if retries is None else retries,
        reuse_results=flag(annotations.get(names.ANNOTATION_REUSE_RESULTS, "")) is True,
        stops_trials=flag(annotations.get(names.ANNOTATION_STOP_TRIALS, "")) is not False,
        without_gain=patience(annotations.get(names.ANNOTATION_WITHOUT_GAIN, "")),
        suggestion_endpoint=endpoint(annotations.get(names.ANNOTATION_SUGGESTION_ENDPOINT, "")),
    )


def seconds(text: str) -> int | None:
    """The seconds of `90s`, `2h` or `1d12h`; None where it is no duration, zero, or above ten years."""
    match = _DURATION.fullmatch(text)
    if match is None:
        return None
    total = sum(int(count or 0) * unit for count, unit in zip(match.groups(), _UNITS, strict=True))
    return total if 0 < total <= LONGEST else None


def flag(text: str) -> bool | None:
    """The meaning of `true` and `false`; None for any other text."""
    return _FLAGS.get(text)


def endpoint(text: str) -> str:
    """A host and a port as they were written; empty where it is none."""
    match = _ENDPOINT.fullmatch(text)
    return text if match and 0 < int(match["port"]) < 2**16 else ""


def whole(text: str) -> int | None:
    """A number of retries; None where it is none, or too large."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MOST_RETRIES))):
        return None
    return int(text) if int(text) <= MOST_RETRIES else None


def patience(text: str) -> Patience | None:
    """The meaning of `20`, `20, 0.001` and `20, 0.5%`; None for any other text."""
    match = _WITHOUT_GAIN.fullmatch(text)
    if match is None:
        return None
    trials, _, least, *_, percent = match.groups()
    return Patience(trials=int(trials), least=float(least or 0) / (100 if percent else 1), relative=bool(percent))


def changes(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    """What differs between two experiments' annotations, `max-duration none → 2h`, but for the suspension."""
    before, after = wishes(old), wishes(new)
    for field, key in FIELDS.items():
        if getattr(before, field) != getattr(after, field):
            yield f"{key} {old.get(key, 'none')} → {new.get(key, 'none')}"


FIELDS: Mapping[str, str] = {
    "max_duration": names.ANNOTATION_MAX_DURATION,
    "retries": names.ANNOTATION_RETRIES,
    "reuse_results": names.ANNOTATION_REUSE_RESULTS,
    "stops_trials": names.ANNOTATION_STOP_TRIALS,
    "without_gain": names.ANNOTATION_WITHOUT_GAIN,
    "suggestion_endpoint": names.ANNOTATION_SUGGESTION_ENDPOINT,
}
"""The annotation behind each wish but the suspension."""
