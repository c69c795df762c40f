"""Objective, algorithm and early stopping (spec katib.md section 3.4)."""

from collections.abc import Iterator, Mapping
from typing import Any

from kagit.findings import Issue, Severity
from kagit.objective import ObjectiveType, Strategy
from kagit.shapes import mapping, sequence, text
from kagit.spelling import did_you_mean, short
from kagit.v1beta1.schema import Place


def check(spec: Mapping[str, Any]) -> Iterator[Issue]:
    """What is wrong with the objective of an effective spec."""
    at: Place = ("spec", "objective")
    if "objective" not in spec:
        yield Issue(at=at, message="objective is missing; give type and objectiveMetricName", slug="objective-missing")
        return
    objective = mapping(spec["objective"])
    kind, metric, known = text(objective.get("type")), text(objective.get("objectiveMetricName")), tuple(ObjectiveType)
    if not kind:
        message = "objective has no type; give minimize or maximize"
        yield Issue(at=(*at, "type"), message=message, slug="objective-type-missing")
    elif kind not in known:
        message = f"type is {short(kind)!r}; {did_you_mean(kind, known)}"
        yield Issue(at=(*at, "type"), message=message, slug="objective-type-unknown")
    if not metric:
        message = "objective has no objectiveMetricName; give the name as the trial prints it"
        yield Issue(at=(*at, "objectiveMetricName"), message=message, slug="metric-missing")
    yield from _additional(sequence(objective.get("additionalMetricNames")), metric)
    yield from _strategies(objective, at)


def _additional(names: Any, metric: str) -> Iterator[Issue]:  # noqa: ANN401 - items are untyped
    at: Place = ("spec", "objective", "additionalMetricNames")
    seen: set[str] = set()
    for i, name in enumerate(names):
        if not name:
            yield Issue(at=(*at, i), message="metric name is empty; give one or remove the line", slug="metric-missing")
        elif name == metric:
            message = f"{short(name)} is the objective already; remove it from additionalMetricNames"
            yield Issue(at=at, message=message, slug="metric-twice")
        elif name in seen:
            message = f"{short(name)} is listed twice; remove one"
            yield Issue(at=(*at, i), message=message, slug="metric-twice", severity=Severity.WARNING)
        seen.add(name)


def _strategies(objective: Mapping[str, Any], at: Place) -> Iterator[Issue]:
    metrics = {objective.get("objectiveMetricName"), *sequence(objective.get("additionalMetricNames"))}
    seen: set[str] = set()
    for i, one in enumerate(sequence(objective.get("metricStrategies"))):
        place, name, value = (
            (*at, "metricStrategies", i),
            text(mapping(one).get("name")),
            text(mapping(one).get("value")),
        )
        if value not in tuple(Strategy):
            message = f"strategy of {short(name)} is {short(value)!r}; {did_you_mean(value, tuple(Strategy))}"
            yield Issue(at=(*place, "value"), message=message, slug="strategy-unknown")
        if name not in metrics:
            way = did_you_mean(name, _texts(metrics))
            message = f"strategy for {short(name)!r}, which is no metric of this objective; {way}"
            yield Issue(at=(*place, "name"), message=message, slug="strategy-unused", severity=Severity.WARNING)
        elif name in seen:
            message = f"strategy of {short(name)} is there twice, and the last counts; remove one"
            yield Issue(at=(*place, "name"), message=message, slug="strategy-twice", severity=Severity.WARNING)
        seen.add(name)


def _texts(values: set[Any]) -> tuple[str, ...]:
    return tuple(sorted(value for value in values if isinstance(value, str)))


def check_algorithm(spec: Mapping[str, Any]) -> Iterator[Issue]:
    """What is wrong with the shape of algorithm and earlyStopping; whether they exist is for others to say."""
    if "algorithm" not in spec:
        message = "algorithm is missing; give algorithmName, e.g. random"
        yield Issue(at=("spec", "algorithm"), message=message, slug="algorithm-missing")
    else:
        yield from _algorithm(mapping(spec["algorithm"]), "algorithm")
    if "earlyStopping" in spec:
        yield from _algorithm(mapping(spec["earlyStopping"]), "earlyStopping")


def _algorithm(algorithm: Mapping[str, Any], field: str) -> Iterator[Issue]:
    at: Place = ("spec", field)
    if not algorithm.get("algorithmName"):
        message = f"{field} has no algorithmName; give one"
        yield Issue(at=(*at, "algorithmName"), message=message, slug="algorithm-missing")
    seen: set[str] = set()
    for i, setting in enumerate(sequence(algorithm.get("algorithmSettings"))):
        place, name = (*at, "algorithmSettings", i), text(mapping(setting).get("name"))
        if not name:
            yield Issue(at=place, message="setting has no name; give one or remove it", slug="setting-missing")
        elif name in seen:
            message = f"setting {short(name)} is there twice; remove one"
            yield Issue(at=(*place, "name"), message=message, slug="setting-twice")
        seen.add(name)
