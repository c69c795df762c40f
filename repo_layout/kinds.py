"""Which objects of a file are ours: Experiments, alone or in lists, and what was probably meant to be one."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeAlias, cast

from kagit import names
from kagit.findings import Issue, Severity
from kagit.shapes import mapping, sequence, text
from kagit.spelling import closest, describe, short

Place: TypeAlias = tuple[str | int, ...]

_MADE_BY_US = ("Suggestion", "Trial")
_GROUP_KINDS = ("Experiment", "ExperimentList", *_MADE_BY_US)
_LIST_LEVELS = 3


class Verdict(NamedTuple):
    """Whether an object is an Experiment, whether it concerns us at all, and what is wrong with its kind."""

    is_experiment: bool = False
    ours: bool = False
    issues: tuple[Issue, ...] = ()


def objects(value: object, at: Place = ()) -> Iterator[tuple[Place, object]]:
    """The objects of a document with their places; lists of kind `List` are taken apart."""
    if text(mapping(value).get("kind")) in {"List", "ExperimentList"} and len(at) < 2 * _LIST_LEVELS:
        for i, item in enumerate(sequence(mapping(value).get("items"))):
            yield from objects(item, (*at, "items", i))
    else:
        yield at, value


def check(body: object, at: Place) -> Verdict:
    """What kind of object it is; objects of other groups are not judged."""
    if not isinstance(body, Mapping):
        message = f"a manifest is a mapping, this is {describe(body)}; write apiVersion, kind, metadata and spec"
        return Verdict(ours=True, issues=(Issue(at=at, message=message, slug="not-a-manifest"),))
    fields = cast("Mapping[str, object]", body)
    version, kind = text(fields.get("apiVersion")), text(fields.get("kind"))
    if kind == "Experiment" and (version == names.API_VERSION or not _other_group(version)):
        return Verdict(is_experiment=True, ours=True)
    if version == names.API_VERSION:
        return Verdict(ours=True, issues=_kind(kind, at))
    if not version or not kind:
        return _incomplete(fields, at)
    return Verdict()


def _other_group(version: str) -> bool:
    """Whether the version plainly names somebody else's Experiment, e.g. Iter8's or Argo Rollouts'."""
    return "/" in version and not version.startswith(f"{names.GROUP}/") and not closest(version, (names.API_VERSION,))


def _kind(kind: str, at: Place) -> tuple[Issue, ...]:
    if kind in _MADE_BY_US:
        message = f"{kind}s are made by kagit, this one is ignored; remove it"
        return (Issue(at=(*at, "kind"), message=message, slug="kind-ignored", severity=Severity.WARNING),)
    guess = closest(kind, _GROUP_KINDS) if kind else "Experiment"
    if guess:
        what = f"kind {short(kind)} does not exist" if kind else "kind is missing"
        return (Issue(at=(*at, "kind"), message=f"{what}; did you mean {guess}?", slug="kind-unknown"),)
    return ()


def _incomplete(fields: Mapping[str, object], at: Place) -> Verdict:
    missing = "apiVersion" if not text(fields.get("apiVersion")) else "kind"
    example = names.API_VERSION if missing == "apiVersion" else "Experiment"
    message = f"{missing} is missing; give it, for an experiment {missing}: {example}"
    if missing == "apiVersion" and "kind" not in fields and "spec" not in fields:
        message = "this is no manifest and is ignored; give apiVersion and kind, or move the file elsewhere"
        issue = Issue(at=at, message=message, slug="not-a-manifest", severity=Severity.WARNING)
        return Verdict(issues=(issue,))
    issue = Issue(at=at, message=message, slug="not-a-manifest")
    return Verdict(ours=True, issues=(issue,))
