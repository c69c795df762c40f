"""Success and failure conditions: paths that can be read, that may match, and not too early (spec katib.md 4.3)."""

from collections.abc import Iterator, Mapping
from typing import Any

from kagit import gjson
from kagit.errors import Refused
from kagit.findings import Issue, Severity
from kagit.shapes import at as look
from kagit.shapes import text
from kagit.spelling import short
from kagit.v1beta1.schema import Place

_AT: Place = ("spec", "trialTemplate")
FIELDS = ("successCondition", "failureCondition")
_TOP = frozenset({"apiVersion", "kind", "metadata", "spec", "status", "data"})
_SCALARS = frozenset(
    {
        *("apiVersion", "kind", "name", "type", "status", "reason", "message", "phase", "state", "result"),
        *("active", "ready", "succeeded", "failed", "completed", "terminalState", "progress", "exitCode", "code"),
        *("startTime", "completionTime", "startedAt", "finishedAt", "observedGeneration", "restarts", "replicas"),
    }
)
"""Keys behind which kinds keep a text, a number or a boolean, which Katib never counts as a match."""
EXAMPLES: Mapping[str, tuple[str, str]] = {
    "Workflow": ('status.[@this].#(phase=="Succeeded")#', 'status.[@this].#(phase=="Failed")#'),
    "PipelineRun": (
        'status.conditions.#(type=="Succeeded")#|#(status=="True")#',
        'status.conditions.#(type=="Succeeded")#|#(status=="False")#',
    ),
}
USUAL = (
    'status.conditions.#(type=="Complete")#|#(status=="True")#',
    'status.conditions.#(type=="Failed")#|#(status=="True")#',
)


def check(template: Mapping[str, Any]) -> Iterator[Issue]:
    """What is wrong with the conditions of a trial template, defaults applied."""
    given = {field: text(template.get(field)) for field in FIELDS}
    if not all(given.values()):
        yield _missing(template, [field for field, one in given.items() if not one])
    for field, condition in given.items():
        if condition:
            yield from _path(condition, (*_AT, field))
    success, failure = given.values()
    if success and success == failure:
        message = "successCondition and failureCondition are the same, so that each trial fails; correct one"
        yield Issue(at=(*_AT, "successCondition"), message=message, slug="condition-twice", severity=Severity.WARNING)


def check_body(template: Mapping[str, str], body: Mapping[str, Any]) -> Iterator[Issue]:
    """Conditions that hold for the template itself: they end a trial before it has done anything."""
    for field, condition in template.items():
        try:
            path = gjson.compiled(condition) if condition else None
        except Refused:
            continue  # said by `check`
        if path is not None and gjson.first(path, body) is not None:
            message = f"{field} holds before anything has run; look at what stands in status once the trial is over"
            yield Issue(at=(*_AT, field), message=message, slug="condition-at-once", severity=Severity.WARNING)


def _missing(template: Mapping[str, Any], lacking: list[str]) -> Issue:
    kind = text(look(template, "trialSpec", "kind"))
    example: dict[str, str] = dict(zip(FIELDS, EXAMPLES.get(kind, USUAL), strict=True))
    if "configMap" in template:
        whose = "a template in a ConfigMap"
    else:
        whose = f"a trial of kind {short(kind)}" if kind else "this trial"
    wanted = " and ".join(f"{field}, e.g. {example[field]}" for field in lacking)
    message = f"there is no default {' or '.join(lacking)} for {whose}; give {wanted}"
    return Issue(at=_AT, message=message, slug="conditions-missing")


def _path(condition: str, at: Place) -> Iterator[Issue]:
    try:
        path = gjson.compiled(condition)
    except Refused as error:
        yield Issue(at=at, message=f"{at[-1]}, {error}", slug="condition-invalid")
        return
    for note in path.notes:
        yield Issue(at=at, message=f"{at[-1]}: {note}", slug="condition-odd", severity=Severity.WARNING)
    head = condition.split(".", 1)[0].split("|", 1)[0]
    if path.last in _SCALARS or path.last == "#":
        yield _never(condition, at, path.last)
    elif head.isalnum() and head not in _TOP:
        message = f"{at[-1]} starts at the trial's object, which has no {short(head)}; write status.{short(condition)}"
        yield Issue(at=at, message=message, slug="condition-outside", severity=Severity.WARNING)


def _never(condition: str, at: Place, last: str) -> Issue:
    what = "how many there are" if last == "#" else f"{last} alone"
    before = condition.removesuffix(f".{last}")
    plain = last != "#" and before != condition and not set("#[{*?|@") & set(condition)
    out = f'{before}.[@this].#({last}=="…")#' if plain else "a path that leads to an object or a list, e.g. with #(…)#"
    message = f"{at[-1]} never matches, because only objects and lists do and not {what}; write {out}"
    return Issue(at=at, message=message, slug="condition-never", severity=Severity.WARNING)
