"""The fields of an Experiment (spec katib.md sections 1.3 and 1.4)."""

from kagit.experiment import ResumePolicy
from kagit.space import Distribution, ParameterType
from kagit.v1beta1.fields_common import (
    ALGORITHM,
    ASSIGNMENTS,
    COLLECTOR,
    COMPLETION,
    CONTAINER,
    EARLY_STOPPING,
    FAILURE,
    HEAD,
    LONGEST_NUMBER,
    MAX_PARAMETERS,
    OBJECTIVE,
    OBSERVATION,
    POD_LABELS,
    RECONCILED,
    START,
    SUCCESS,
    UNREAD,
    conditions,
)
from kagit.v1beta1.shape import NAME, TEXT, Leaf, ListOf, Record, Shape, text, whole

_REFERENCE = 340
_VALUES = 4096
_LONG = 4096

_FEASIBLE = Record(
    {
        "max": text("Largest value of a double or int, in quotes.", longest=LONGEST_NUMBER),
        "min": text("Smallest value of a double or int, in quotes.", longest=LONGEST_NUMBER),
        "step": text("Distance between two values, in quotes.", longest=LONGEST_NUMBER),
        "list": ListOf(text("A value.", longest=_LONG), doc="Values of a discrete or categorical.", most=_VALUES),
        "distribution": text("How values are drawn; uniform where nothing is said.", one_of=(*Distribution, "unknown")),
    },
    doc="Which values are possible: min and max, or a list.",
)
_PARAMETERS = ListOf(
    Record(
        {
            "name": text("Name of the parameter.", least=1, longest=NAME),
            "parameterType": text("What its values are.", one_of=tuple(ParameterType)),
            "feasibleSpace": _FEASIBLE,
        },
        required=("name", "parameterType", "feasibleSpace"),
    ),
    doc="The search space.",
    key="name",
    most=MAX_PARAMETERS,
)
_TRIAL_PARAMETERS = ListOf(
    Record(
        {
            "name": text("Name in the placeholder ${trialParameters.NAME}.", least=1, longest=NAME),
            "description": text("What it is, for people."),
            "reference": text(
                "Name of a parameter, or of metadata: ${trialSpec.Name}, ${trialSpec.Labels[x]}.",
                least=1,
                longest=_REFERENCE,
            ),
        },
        required=("name", "reference"),
    ),
    doc="What the placeholders of the template stand for.",
    key="name",
    most=MAX_PARAMETERS,
)
_TRIAL_SPEC = Leaf(
    "object",
    doc="The object to run, with placeholders ${trialParameters.NAME}; any kind, e.g. a batch/v1 Job.",
    known={
        "apiVersion": text("Its group and version.", longest=NAME),
        "kind": text("Its kind.", longest=NAME),
        "metadata": Leaf(
            "object",
            doc="Labels and annotations; name and namespace are set for each trial.",
            known={"name": TEXT, "namespace": TEXT},
        ),
    },
)
_TEMPLATE = Record(
    {
        "retain": Leaf("bool", doc="Whether what ran is kept when a trial is over."),
        "trialSpec": _TRIAL_SPEC,
        "configMap": Record(
            {
                "configMapName": text("Name of the ConfigMap.", longest=NAME),
                "configMapNamespace": text("Its namespace.", longest=NAME),
                "templatePath": text("Key of the template in it.", longest=NAME),
            },
            doc="A ConfigMap that holds the template, instead of trialSpec.",
            required=("configMapName", "configMapNamespace", "templatePath"),
        ),
        "trialParameters": _TRIAL_PARAMETERS,
        "primaryPodLabels": POD_LABELS,
        "primaryContainerName": CONTAINER,
        "successCondition": SUCCESS,
        "failureCondition": FAILURE,
    },
    doc="What a trial runs.",
    required=("primaryContainerName", "trialParameters"),
)
_SIZES = ListOf(whole("A size.", least=1), doc="Sizes, outermost first.", most=MAX_PARAMETERS)
_NAS = Record(
    {
        "graphConfig": Record(
            {"numLayers": whole("Number of layers.", least=1), "inputSizes": _SIZES, "outputSizes": _SIZES},
            doc="The graph to search.",
        ),
        "operations": ListOf(
            Record(
                {
                    "operationType": text("Kind of the operation, e.g. convolution.", longest=NAME),
                    "parameters": _PARAMETERS,
                },
                required=("operationType",),
            ),
            doc="Operations that a layer can be.",
            most=MAX_PARAMETERS,
        ),
    },
    doc="Neural architecture search, instead of parameters.",
)

SPEC = Record(
    {
        "parameters": _PARAMETERS,
        "objective": OBJECTIVE,
        "algorithm": ALGORITHM,
        "earlyStopping": EARLY_STOPPING,
        "trialTemplate": _TEMPLATE,
        "parallelTrialCount": whole(
            "Trials at the same time; 3 where nothing is said, or maxTrialCount if that is smaller.", least=1
        ),
        "maxTrialCount": whole("Trials in all; without it there is no limit.", least=1),
        "maxFailedTrialCount": whole("Failed trials at which the experiment fails; without it no limit.", least=0),
        "metricsCollectorSpec": COLLECTOR,
        "nasConfig": _NAS,
        "resumePolicy": text("Whether more trials may be granted afterwards; Never.", one_of=tuple(ResumePolicy)),
    },
    doc="What is wanted.",
    required=("objective", "algorithm", "trialTemplate"),
)


_STATES = {
    "running": "run",
    "pending": "wait to begin",
    "failed": "failed",
    "succeeded": "succeeded",
    "killed": "were stopped",
    "earlyStopped": "were stopped early",
    "metricsUnavailable": "gave no metrics",
}
_COUNTS: dict[str, Shape] = {
    "trials": whole("Number of trials.", least=0),
    "trialsSucceeded": whole("Trials that succeeded.", least=0),
    "trialsFailed": whole("Trials that failed.", least=0),
    "trialsKilled": whole("Trials that were stopped.", least=0),
    "trialsPending": whole("Trials that wait to begin.", least=0),
    "trialsRunning": whole("Trials that run.", least=0),
    "trialsEarlyStopped": whole("Trials that were stopped early.", least=0),
    "trialMetricsUnavailable": whole("Trials that gave no metrics.", least=0),
}

STATUS = Record(
    {
        "startTime": START,
        "completionTime": COMPLETION,
        "lastReconcileTime": RECONCILED,
        "conditions": conditions("Created", "Running", "Restarting", "Succeeded", "Failed"),
        "currentOptimalTrial": Record(
            {
                "bestTrialName": text("Name of the trial."),
                "parameterAssignments": ASSIGNMENTS,
                "observation": OBSERVATION,
            },
            doc="The best trial so far.",
        ),
        **{f"{key}TrialList": ListOf(TEXT, doc=f"Trials that {does}.") for key, does in _STATES.items()},
        **_COUNTS,
        "waiting": ListOf(TEXT, doc="Why nothing else happens, in words."),
    },
    doc="What is.",
)

EXPERIMENT = Record({**HEAD, "spec": SPEC, "status": UNREAD})
"""A manifest; its status is kagit's to write, and nobody reads what stands there."""
