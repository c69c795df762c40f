"""Words into Katib's gRPC messages (`api_read.py` backwards), as plain dicts."""

from collections.abc import Mapping, Sequence
from typing import Any

from kagit.experiment import Algorithm, Experiment, Json
from kagit.shapes import at, mapping, sequence, text
from kagit.space import Distribution, Parameter, Point, Space
from kagit.trial import EarlyStoppingRule, Trial
from kagit.v1beta1.api_read import COMPARISONS, DISTRIBUTIONS, PHASES

_DISTRIBUTIONS = {Distribution(value): name for name, value in DISTRIBUTIONS.items()}
_CONDITIONS = {phase: name for name, phase in PHASES.items()}
_COMPARISONS = {one: name for name, one in COMPARISONS.items()}


def experiment(spec: Experiment) -> Json:
    """The Experiment as Katib's controller tells it to a suggestion service."""
    fields: Json = {
        "objective": {
            "type": spec.objective.type.value.upper(),
            "goal": spec.objective.goal or 0.0,
            "objective_metric_name": spec.objective.metric,
            "additional_metric_names": list(spec.objective.additional),
        },
        "algorithm": _algorithm(spec.algorithm),
        "parallel_trial_count": spec.parallel,
        "max_trial_count": spec.max_trials or 0,
    }
    if spec.early_stopping is not None:
        fields["early_stopping"] = _algorithm(spec.early_stopping)
    if len(spec.space):
        fields["parameter_specs"] = {"parameters": _parameters(spec.space)}
    if spec.nas is not None:
        fields["nas_config"] = _nas(spec.nas)
    return {"name": spec.name, "spec": fields}


def trial(one: Trial, spec: Experiment) -> Json:
    """A Trial with the metrics that it was observed with, each by its strategy as a text."""
    status: Json = {"condition": _CONDITIONS[one.phase]}
    if one.observation:
        found = ((metric.name, spec.objective.value(one.observation, metric.name)) for metric in one.observation)
        metrics = [{"name": name, "value": repr(value)} for name, value in found if value is not None]
        status["observation"] = {"metrics": metrics}
    return {
        "name": one.name,
        "spec": {"objective": experiment(spec)["spec"]["objective"], "parameter_assignments": assignments(one.point)},
        "status": status,
    }


def assignments(point: Point) -> Json:
    """A point as assignments."""
    return {"assignments": [{"name": name, "value": value} for name, value in point.items()]}


def has_words(rule: EarlyStoppingRule) -> bool:
    """Whether Katib's messages can say what the rule says at its first step; what comes later they cannot."""
    return rule.comparison in _COMPARISONS


def rules(found: Sequence[EarlyStoppingRule]) -> list[Json]:
    """Early stopping rules."""
    return [
        {
            "name": rule.metric,
            "value": rule.value,
            "comparison": _COMPARISONS[rule.comparison],
            "start_step": rule.start_step,
        }
        for rule in found
    ]


def _algorithm(given: Algorithm) -> Json:
    settings = [{"name": name, "value": value} for name, value in given.settings.items()]
    return {"algorithm_name": given.name, "algorithm_settings": settings}


def _parameters(space: Space) -> list[Json]:
    return [
        {"name": one.name, "parameter_type": one.type.value.upper(), "feasible_space": _feasible(one)} for one in space
    ]


def _feasible(one: Parameter) -> Json:
    numbers = {"min": one.minimum, "max": one.maximum, "step": one.step}
    feasible: Json = {key: str(value) for key, value in numbers.items() if value is not None}
    return {**feasible, "list": list(one.values), "distribution": _DISTRIBUTIONS[one.distribution]}


def _nas(config: Mapping[str, Any]) -> Json:
    graph = mapping(config.get("graphConfig"))
    return {
        "graph_config": {
            "num_layers": graph.get("numLayers") or 0,
            "input_sizes": list(sequence(graph.get("inputSizes"))),
            "output_sizes": list(sequence(graph.get("outputSizes"))),
        },
        "operations": {"operation": [_operation(mapping(one)) for one in sequence(config.get("operations"))]},
    }


def _operation(operation: Mapping[str, Any]) -> Json:
    found: list[Json] = []
    for one in sequence(operation.get("parameters")):
        feasible = mapping(at(one, "feasibleSpace"))
        known = {key: feasible[key] for key in ("min", "max", "step", "list") if feasible.get(key)}
        kind = text(at(one, "parameterType")).upper()
        found.append({"name": text(at(one, "name")), "parameter_type": kind, "feasible_space": known})
    return {"operation_type": text(operation.get("operationType")), "parameter_specs": {"parameters": found}}
