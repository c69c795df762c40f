"""Metrics that can never be found, and goals that can never be reached: what Katib only shows after many trials."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from kagit import filters
from kagit.findings import Issue, Severity
from kagit.shapes import at as look
from kagit.shapes import mapping, sequence, text
from kagit.spelling import short
from kagit.v1beta1.schema import Place

_AT: Place = ("spec", "objective")
_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z0-9]+(?![a-z])")
_PERCENT = 100
_SHARES = frozenset({"accuracy", "acc", "auc", "auroc", "f1", "precision", "recall", "iou", "map"})
"""Larger is better, and 1 is the most."""
_COSTS = frozenset({"loss", "error", "err", "rmse", "mse", "mae", "mape", "perplexity"})
"""Smaller is better, and 0 is the least."""


def check(spec: Mapping[str, Any]) -> Iterator[Issue]:
    """What an effective spec says of its metrics and cannot mean."""
    objective = mapping(spec.get("objective"))
    yield from _names(objective, mapping(spec.get("metricsCollectorSpec")))
    name = text(objective.get("objectiveMetricName"))
    words = _words(name)
    kind, goal = text(objective.get("type")), objective.get("goal")
    share, cost = bool(words & _SHARES), bool(words & _COSTS)
    if share == cost:
        return
    if (kind == "minimize") == share and kind in {"minimize", "maximize"}:
        other = "maximize" if share else "minimize"
        message = f"the search wants to {kind} {short(name)}; give {other}, unless that is what you mean"
        yield Issue(at=(*_AT, "type"), message=message, slug="objective-type-odd", severity=Severity.WARNING)
    elif goal is not None:
        yield from _goal(name, float(goal), kind)


def _goal(name: str, goal: float, kind: str) -> Iterator[Issue]:
    if kind == "maximize" and goal > _PERCENT:
        message = f"goal is {goal:g}, more than {short(name)} is as a share or in percent; give at most 1, or 100"
    elif kind == "maximize" and goal > 1:
        message = (
            f"goal is {goal:g}, but {short(name)} is usually at most 1; "
            f"give {goal / _PERCENT:g}, or leave it if the trial prints percent"
        )
    elif kind == "minimize" and goal < 0:
        message = (
            f"goal is {goal:g}, but {short(name)} is usually never below 0; "
            "give 0 or more, or leave it if the metric is a logarithm"
        )
    else:
        return
    yield Issue(at=(*_AT, "goal"), message=message, slug="goal-unreachable", severity=Severity.WARNING)


def _names(objective: Mapping[str, Any], collector: Mapping[str, Any]) -> Iterator[Issue]:
    """Names that Katib's default filter cannot find in a text."""
    kind, source = text(look(collector, "collector", "kind")), mapping(collector.get("source"))
    in_text = kind == "StdOut" or (kind == "File" and look(source, "fileSystemPath", "format") == "TEXT")
    patterns = sequence(look(source, "filter", "metricsFormat"))
    if not in_text or any(one != filters.DEFAULT for one in patterns):
        return
    name = text(objective.get("objectiveMetricName"))
    if name and not filters.finds_by_default(name):
        yield Issue(at=(*_AT, "objectiveMetricName"), message=_never(name), slug="metric-not-found")
    for i, one in enumerate(sequence(objective.get("additionalMetricNames"))):
        if text(one) and not filters.finds_by_default(text(one)):
            at = (*_AT, "additionalMetricNames", i)
            yield Issue(at=at, message=_never(text(one)), slug="metric-not-found", severity=Severity.WARNING)


def _never(name: str) -> str:
    return (
        f"metric {short(name)!r} is never found: the default filter knows letters, digits, '_', '-' and '|'; "
        "rename it, or give a metricsFormat with two groups that finds it"
    )


def _words(name: str) -> frozenset[str]:
    """The words of a metric's name in lower case: `Validation-accuracy` and `valAccuracy` both have `accuracy`."""
    return frozenset(word.lower() for word in _WORD.findall(name[:200]))
