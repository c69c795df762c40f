"""The way back: words into the spec of a manifest, with every default written out (`words.py` backwards)."""

from collections.abc import Mapping

from kagit import names
from kagit.experiment import Algorithm, Collector, Experiment, Json, TrialTemplate
from kagit.objective import Objective
from kagit.space import Parameter, Space


def manifest(experiment: Experiment) -> Json:
    """A manifest that means the same experiment, whatever its author wrote."""
    meta: Json = {"name": experiment.name, "namespace": experiment.namespace}
    for key, found in (("labels", experiment.labels), ("annotations", experiment.annotations)):
        if found:
            meta[key] = dict(found)
    return {"apiVersion": names.API_VERSION, "kind": "Experiment", "metadata": meta, "spec": spec(experiment)}


def spec(experiment: Experiment) -> Json:
    """The effective spec of an experiment, in Katib's order of fields."""
    full: Json = {
        "objective": objective(experiment.objective),
        "algorithm": algorithm(experiment.algorithm),
        "parallelTrialCount": experiment.parallel,
        "maxTrialCount": experiment.max_trials,
        "maxFailedTrialCount": experiment.max_failed,
        "resumePolicy": experiment.resume.value,
        "metricsCollectorSpec": collector(experiment.collector),
        "trialTemplate": template(experiment.template),
    }
    if experiment.early_stopping is not None:
        full["earlyStopping"] = algorithm(experiment.early_stopping)
    if experiment.nas is not None:
        full["nasConfig"] = dict(experiment.nas)
    if len(experiment.space):
        full["parameters"] = parameters(experiment.space)
    return {key: value for key, value in full.items() if value is not None}


def objective(given: Objective) -> Json:
    """Katib's objective, strategies complete."""
    full: Json = {"type": given.type.value}
    if given.goal is not None:
        full["goal"] = given.goal
    full["objectiveMetricName"] = given.metric
    if given.additional:
        full["additionalMetricNames"] = list(given.additional)
    full["metricStrategies"] = [{"name": name, "value": one.value} for name, one in given.strategies.items()]
    return full


def algorithm(given: Algorithm) -> Json:
    """Katib's algorithm, or its earlyStopping."""
    full: Json = {"algorithmName": given.name}
    if given.settings:
        full["algorithmSettings"] = [{"name": name, "value": value} for name, value in given.settings.items()]
    return full


def collector(given: Collector) -> Json:
    """Katib's metricsCollectorSpec."""
    full: Json = {"collector": {"kind": given.kind}}
    if given.custom is not None:
        full["collector"]["customCollector"] = dict(given.custom)
    if given.source:
        full["source"] = dict(given.source)
    return full


def template(given: TrialTemplate) -> Json:
    """Katib's trialTemplate."""
    full: Json = {
        "retain": given.retain or None,
        "primaryContainerName": given.primary_container,
        "primaryPodLabels": dict(given.primary_pod_labels),
        "successCondition": given.success_condition,
        "failureCondition": given.failure_condition,
        "trialParameters": [
            _texts({"name": one.name, "description": one.description, "reference": one.reference})
            for one in given.parameters
        ],
    }
    full = {key: value for key, value in full.items() if value}
    if given.config_map is not None:
        full["configMap"] = dict(given.config_map)
    if given.trial_spec is not None:
        full["trialSpec"] = dict(given.trial_spec)
    return full


def parameters(space: Space) -> list[Json]:
    """Katib's parameters."""
    return [_parameter(one) for one in space]


def _parameter(given: Parameter) -> Json:
    numbers = {"min": given.minimum, "max": given.maximum, "step": given.step}
    feasible: Json = {key: str(value) for key, value in numbers.items() if value is not None}
    if given.values:
        feasible["list"] = list(given.values)
    feasible["distribution"] = given.distribution.value
    return {"name": given.name, "parameterType": given.type.value, "feasibleSpace": feasible}


def _texts(given: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in given.items() if value}
