"""An Experiment's effective spec as lines for people; what its author did not write is marked as a default."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from kagit.experiment import Json
from kagit.shapes import at, mapping, sequence, text

DEFAULT = " (default)"


class Table(NamedTuple):
    """A heading and what stands below it."""

    columns: tuple[str, ...]
    rows: list[tuple[object, ...]]


def lines(given: Mapping[str, Any], full: Json) -> Iterator[tuple[str, str]]:
    """Name and value of everything but the lists: `given` as its author wrote it, `full` with every default."""
    yield from _objective(mapping(given.get("objective")), mapping(full.get("objective")))
    yield from _algorithm("Algorithm", mapping(full.get("algorithm")))
    if "earlyStopping" in full:
        yield from _algorithm("Early stopping", mapping(full["earlyStopping"]))
    else:
        yield "Early stopping:", f"none{DEFAULT}"
    yield "Parallel trials:", _told(given, full, "parallelTrialCount")
    yield "Max trials:", _told(given, full, "maxTrialCount", missing="no limit")
    yield "Max failed trials:", _told(given, full, "maxFailedTrialCount", missing="no limit")
    yield "Resume policy:", _told(given, full, "resumePolicy")
    yield from _collector(mapping(given.get("metricsCollectorSpec")), mapping(full.get("metricsCollectorSpec")))
    yield from _template(mapping(given.get("trialTemplate")), mapping(full.get("trialTemplate")))
    if "nasConfig" in full:
        graph = mapping(at(full, "nasConfig", "graphConfig"))
        yield "Network:", ", ".join(f"{name} {value}" for name, value in graph.items())


def parameters(given: Mapping[str, Any], full: Json) -> Table:
    """The search space; operations of a network come with their own parameters."""
    written = [*_all_parameters(given)]
    rows: list[tuple[object, ...]] = []
    for (where, old), (_, one) in zip(written, _all_parameters(full), strict=True):
        space = mapping(one.get("feasibleSpace"))
        values = ", ".join(map(str, sequence(space.get("list"))))
        span = f"{space.get('min')} to {space.get('max')}" if space.get("min") is not None else ""
        spread = _told(mapping(old.get("feasibleSpace")), space, "distribution", missing="uniform")
        name = f"{where}{text(one.get('name'))}"
        rows.append((name, one.get("parameterType"), values or span or "-", space.get("step") or "-", spread))
    return Table(("PARAMETER", "TYPE", "VALUES", "STEP", "DISTRIBUTION"), rows)


def placeholders(full: Json) -> Table:
    """What the template fills in: placeholder, what it refers to, and what its author says of it."""
    found = sequence(at(full, "trialTemplate", "trialParameters"))
    rows = [(f"${{trialParameters.{at(one, 'name')}}}", at(one, "reference"), _said(one)) for one in found]
    return Table(("PLACEHOLDER", "REFERENCE", "DESCRIPTION"), [tuple(row) for row in rows])


def _said(one: object) -> str:
    return text(at(one, "description")) or "-"


def _all_parameters(spec: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for one in sequence(spec.get("parameters")):
        yield "", mapping(one)
    for operation in sequence(at(spec, "nasConfig", "operations")):
        for one in sequence(at(operation, "parameters")):
            yield f"{text(at(operation, 'operationType'))}.", mapping(one)


def _objective(given: Mapping[str, Any], full: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "Objective:", f"{full.get('type')} {full.get('objectiveMetricName')}"
    yield "  Goal:", _told(given, full, "goal", missing="none")
    yield "  Additional metrics:", ", ".join(sequence(full.get("additionalMetricNames"))) or f"none{DEFAULT}"
    written = {text(at(one, "name")) for one in sequence(given.get("metricStrategies"))}
    for one in sequence(full.get("metricStrategies")):
        mark = "" if at(one, "name") in written else DEFAULT
        yield f"  Strategy of {at(one, 'name')}:", f"{at(one, 'value')}{mark}"


def _algorithm(title: str, full: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield f"{title}:", text(full.get("algorithmName"))
    for one in sequence(full.get("algorithmSettings")):
        yield f"  {at(one, 'name')}:", text(at(one, "value"))


def _collector(given: Mapping[str, Any], full: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "Metrics collector:", _told(mapping(given.get("collector")), mapping(full.get("collector")), "kind")
    custom = mapping(at(full, "collector", "customCollector"))
    if custom:
        yield "  Container:", f"{custom.get('name')} {custom.get('image')}"
    for part in ("fileSystemPath", "httpGet"):
        old, new = mapping(at(given, "source", part)), mapping(at(full, "source", part))
        for key in new:
            yield f"  {part}.{key}:", _told(old, new, key)
    for one in sequence(at(full, "source", "filter", "metricsFormat")):
        yield "  Filter:", text(one)


def _template(given: Mapping[str, Any], full: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    config = mapping(full.get("configMap"))
    if config:
        where = f"{config.get('configMapNamespace')}/{config.get('configMapName')} {config.get('templatePath')}"
        yield "Trial template:", f"ConfigMap {where}"
    else:
        kind, version = at(full, "trialSpec", "kind"), at(full, "trialSpec", "apiVersion")
        yield "Trial template:", f"{kind} ({version})"
    yield "  Primary container:", _told(given, full, "primaryContainerName", missing="none")
    labels = ", ".join(f"{key}={value}" for key, value in mapping(full.get("primaryPodLabels")).items())
    yield (
        "  Primary pod labels:",
        _told(given, {**full, "primaryPodLabels": labels}, "primaryPodLabels", missing="none"),
    )
    yield "  Success condition:", _told(given, full, "successCondition", missing="none")
    yield "  Failure condition:", _told(given, full, "failureCondition", missing="none")
    yield "  Retain:", _told(given, full, "retain", missing="false")


def _told(given: Mapping[str, Any], full: Mapping[str, Any], key: str, *, missing: str = "-") -> str:
    """The value that counts, marked where nobody wrote it."""
    value = full.get(key)
    if value is None or value == "":
        return f"{missing}{DEFAULT}"
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    return shown if given.get(key) not in (None, "", {}) else f"{shown}{DEFAULT}"
