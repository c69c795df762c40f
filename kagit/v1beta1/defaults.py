"""Katib's defaults (spec katib.md section 2), applied to a copy: what the author wrote is never changed."""

from collections.abc import Mapping
from typing import Any

from kagit.experiment import Json
from kagit.shapes import at, mapping, sequence, text

PARALLEL = 3
_COMPLETE = 'status.conditions.#(type=="Complete")#|#(status=="True")#'
_SUCCEEDED = 'status.conditions.#(type=="Succeeded")#|#(status=="True")#'
_FAILED = 'status.conditions.#(type=="Failed")#|#(status=="True")#'
_COMPLETED = 'status.conditions.#(type=="Completed")#|#(status=="True")#'
_OPERATOR_LABELS = {"training.kubeflow.org/job-role": "master"}
_TRAINJOB_LABELS = {"jobset.sigs.k8s.io/replicatedjob-name": "node", "batch.kubernetes.io/job-completion-index": "0"}
_OPERATOR = (_SUCCEEDED, _FAILED, _OPERATOR_LABELS)
_KINDS: Mapping[str, tuple[str, str, Mapping[str, str]]] = {
    "Job": (_COMPLETE, _FAILED, {}),
    "TFJob": _OPERATOR,
    "PyTorchJob": _OPERATOR,
    "XGBoostJob": _OPERATOR,
    "MPIJob": _OPERATOR,
    "TrainJob": (_COMPLETE, _FAILED, _TRAINJOB_LABELS),
    "JobSet": (_COMPLETED, _FAILED, {}),
}
KINDS = tuple(_KINDS)
"""Kinds of trials whose conditions are known."""


def effective(spec: Mapping[str, Any]) -> Json:
    """The spec with every default in place; shares no container that it changes with `spec`."""
    full: Json = dict(spec)
    full["parallelTrialCount"] = _parallel(spec)
    full["resumePolicy"] = spec.get("resumePolicy") or "Never"
    if "objective" in full:
        full["objective"] = _objective(full["objective"])
    if "trialTemplate" in full:
        full["trialTemplate"] = _template(full["trialTemplate"])
    full["metricsCollectorSpec"] = _collector(mapping(spec.get("metricsCollectorSpec")))
    if "parameters" in full:
        full["parameters"] = [_parameter(one) for one in sequence(full["parameters"])]
    return full


def _parallel(spec: Mapping[str, Any]) -> int:
    given = spec.get("parallelTrialCount")
    if isinstance(given, int):
        return given
    most = spec.get("maxTrialCount")
    # Katib refuses maxTrialCount 1 and 2 here because its own default is larger; nobody is helped by that.
    return min(PARALLEL, most) if isinstance(most, int) and most > 0 else PARALLEL


def _objective(objective: Mapping[str, Any]) -> Json:
    default = {"minimize": "min", "maximize": "max"}.get(text(objective.get("type")), "latest")
    strategies = list(sequence(objective.get("metricStrategies")))
    named = {text(at(one, "name")) for one in strategies}
    for name in (objective.get("objectiveMetricName"), *sequence(objective.get("additionalMetricNames"))):
        if isinstance(name, str) and name not in named:
            strategies.append({"name": name, "value": default})
            named.add(name)
    return {**objective, "metricStrategies": strategies}


def _template(template: Mapping[str, Any]) -> Json:
    kind = text(at(template, "trialSpec", "kind"))
    if kind not in _KINDS:
        return dict(template)
    success, failure, labels = _KINDS[kind]
    full = dict(template)
    full["successCondition"] = template.get("successCondition") or success
    full["failureCondition"] = template.get("failureCondition") or failure
    if labels and not template.get("primaryPodLabels"):
        full["primaryPodLabels"] = dict(labels)
    return full


def _collector(given: Mapping[str, Any]) -> Json:
    full: Json = dict(given)
    full["collector"] = dict(mapping(given.get("collector"))) or {"kind": "StdOut"}
    if full["collector"].get("kind") == "None":  # its name before Katib had Push
        full["collector"]["kind"] = "Push"
    source = dict(mapping(given.get("source")))
    file = dict(mapping(source.get("fileSystemPath")))
    match full["collector"].get("kind"):
        case "File":
            defaults = {"kind": "File", "path": "/var/log/katib/metrics.log", "format": "TEXT"}
            source["fileSystemPath"] = {**defaults, **_present(file)}
        case "TensorFlowEvent":
            source["fileSystemPath"] = {"kind": "Directory", "path": "/var/log/katib/tfevent/", **_present(file)}
        case "PrometheusMetric":
            get = dict(mapping(source.get("httpGet")))
            get["path"] = get.get("path") or "/metrics"
            get["port"] = 8080 if str(get.get("port", 0)) in {"0", ""} else get["port"]
            source["httpGet"] = get
        case _:
            pass
    if source:
        full["source"] = source
    return full


def _present(values: Mapping[str, Any]) -> Json:
    return {key: value for key, value in values.items() if value}


def _parameter(parameter: object) -> Json:
    fields = dict(mapping(parameter))
    if "feasibleSpace" in fields:
        space = mapping(fields["feasibleSpace"])
        fields["feasibleSpace"] = {**space, "distribution": space.get("distribution") or "uniform"}
    return fields
