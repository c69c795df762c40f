"""Katib's gRPC messages into words: what a controller says of an experiment and its trials (spec katib.md section 5.1).

Law: a message is a plain dict in which fields may be missing; what it means is checked as a manifest is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from kagit.experiment import Algorithm, Experiment, Json
from kagit.findings import Issue, Severity
from kagit.objective import Metric, number
from kagit.shapes import at, mapping, sequence, text
from kagit.space import Point
from kagit.trial import Comparison, Phase, Trial
from kagit.v1beta1 import defaults, manifest, words
from kagit.v1beta1.checks import nas, objective, space

DISTRIBUTIONS = {"UNIFORM": "uniform", "LOG_UNIFORM": "logUniform", "NORMAL": "normal", "LOG_NORMAL": "logNormal"}
PHASES = {
    "CREATED": Phase.CREATED,
    "RUNNING": Phase.RUNNING,
    "SUCCEEDED": Phase.SUCCEEDED,
    "KILLED": Phase.KILLED,
    "FAILED": Phase.FAILED,
    "METRICSUNAVAILABLE": Phase.METRICS_UNAVAILABLE,
    "EARLYSTOPPED": Phase.EARLY_STOPPED,
}
COMPARISONS = {"EQUAL": Comparison.EQUAL, "LESS": Comparison.LESS, "GREATER": Comparison.GREATER}
_CHECKS = (objective.check, objective.check_algorithm, space.check, nas.check)


def experiment(message: Mapping[str, Any]) -> tuple[Experiment | None, tuple[Issue, ...]]:
    """The Experiment of a message (None if an issue is an error) and what is wrong with it, places as in a manifest.

    All that a message does not have is made up, its template above all.
    """
    body: Json = {"spec": _spec(mapping(message.get("spec")))}
    full = defaults.effective(body["spec"])
    issues = tuple(issue for check in _CHECKS for issue in check(full))
    if any(issue.severity is Severity.ERROR for issue in issues):
        return None, issues
    found = manifest.sketch(body, issues)
    return (replace(found, name=text(message.get("name"))) if found is not None else None), issues


def early_stopping(message: Mapping[str, Any]) -> Algorithm:
    """An early stopping algorithm and its settings."""
    return words.algorithm(_algorithm(message))


def trial(message: Mapping[str, Any]) -> Trial:
    """A Trial as far as a message tells it; one in a condition that is unknown has ended without a metric."""
    status = mapping(message.get("status"))
    return Trial(
        name=text(message.get("name")),
        run=1,
        index=-1,
        point=point(at(message, "spec", "parameter_assignments")),
        phase=PHASES.get(status.get("condition", "CREATED"), Phase.METRICS_UNAVAILABLE),
        started=text(status.get("start_time")),
        finished=text(status.get("completion_time")),
        observation=tuple(_metrics(at(status, "observation", "metrics"))),
    )


def point(message: object) -> Point:
    """Assignments as a point."""
    pairs = map(mapping, sequence(mapping(message).get("assignments")))
    return {text(one.get("name")): text(one.get("value")) for one in pairs}


def curve(message: object) -> tuple[float | None, ...]:
    """The values of an observation log in its order; None where one is no finite number."""
    logs = sequence(mapping(message).get("metric_logs"))
    return tuple(number(text(at(one, "metric", "value"))) for one in logs)


def _metrics(message: object) -> Iterator[Metric]:
    for one in map(mapping, sequence(message)):
        value = text(one.get("value"))
        yield Metric(name=text(one.get("name")), min=value, max=value, latest=value)


def _spec(message: Mapping[str, Any]) -> Json:
    spec: Json = {
        "objective": _objective(mapping(message.get("objective"))),
        "algorithm": _algorithm(mapping(message.get("algorithm"))),
        "parameters": _parameters(message.get("parameter_specs")),
        "parallelTrialCount": message.get("parallel_trial_count"),
        "maxTrialCount": message.get("max_trial_count"),
        "nasConfig": _nas(mapping(message.get("nas_config"))),
    }
    if text(at(message, "early_stopping", "algorithm_name")):
        spec["earlyStopping"] = _algorithm(mapping(message["early_stopping"]))
    return _given(spec)


def _objective(message: Mapping[str, Any]) -> Json:
    """Without the goal: it is 0 where none is set, and no algorithm asks for it."""
    kind = text(message.get("type")).lower()
    return _given(
        {
            "type": "" if kind == "unknown" else kind,
            "objectiveMetricName": message.get("objective_metric_name"),
            "additionalMetricNames": list(sequence(message.get("additional_metric_names"))),
        }
    )


def _algorithm(message: Mapping[str, Any]) -> Json:
    settings = [
        {"name": text(one.get("name")), "value": text(one.get("value"))}
        for one in map(mapping, sequence(message.get("algorithm_settings")))
    ]
    return _given({"algorithmName": message.get("algorithm_name"), "algorithmSettings": settings})


def _parameters(message: object) -> list[Json]:
    found = map(mapping, sequence(mapping(message).get("parameters")))
    return [
        _given(
            {
                "name": one.get("name"),
                "parameterType": text(one.get("parameter_type")).lower(),
                "feasibleSpace": _feasible(mapping(one.get("feasible_space"))),
            }
        )
        for one in found
    ]


def _feasible(message: Mapping[str, Any]) -> Json:
    distribution = DISTRIBUTIONS.get(text(message.get("distribution")))
    known = {key: message.get(key) for key in ("min", "max", "step", "list")}
    return _given({**known, "distribution": distribution})


def _nas(message: Mapping[str, Any]) -> Json:
    graph = mapping(message.get("graph_config"))
    operations = map(mapping, sequence(at(message, "operations", "operation")))
    return _given(
        {
            "graphConfig": _given(
                {
                    "numLayers": graph.get("num_layers"),
                    "inputSizes": graph.get("input_sizes"),
                    "outputSizes": graph.get("output_sizes"),
                }
            ),
            "operations": [
                _given(
                    {
                        "operationType": one.get("operation_type"),
                        "parameters": _parameters(one.get("parameter_specs")),
                    }
                )
                for one in operations
            ],
        }
    )


def _given(fields: Json) -> Json:
    """The fields that say something: proto3 does not tell what is empty from what is missing."""
    return {key: value for key, value in fields.items() if value}
