"""The fields of a Suggestion and of a Trial, which kagit makes (spec katib.md sections 1.5 and 1.6)."""

from kagit.experiment import ResumePolicy
from kagit.v1beta1.fields_common import (
    ALGORITHM,
    ASSIGNMENTS,
    COLLECTOR,
    COMPLETION,
    CONTAINER,
    EARLY_STOPPING,
    FAILURE,
    OBJECTIVE,
    OBSERVATION,
    POD_LABELS,
    RECONCILED,
    SETTINGS,
    START,
    STOPPING_RULES,
    SUCCESS,
    conditions,
)
from kagit.v1beta1.shape import TEXT, Leaf, ListOf, MapOf, Record, long, text, whole

SUGGESTION_SPEC = Record(
    {
        "algorithm": ALGORITHM,
        "earlyStopping": EARLY_STOPPING,
        "requests": whole("Points wanted since the run began.", least=0),
        "resumePolicy": text("The experiment's resumePolicy.", one_of=tuple(ResumePolicy)),
    },
    doc="What is asked for.",
    required=("algorithm",),
)
_POINT = Record(
    {
        "name": text("Name of the trial."),
        "parameterAssignments": ASSIGNMENTS,
        "earlyStoppingRules": STOPPING_RULES,
        "labels": MapOf(TEXT, doc="Labels of the trial."),
        "index": long("Number of the point in its run, from 0.", least=0),
        "seed": long("Seed of the run.", least=0),
        "historyDigest": text("Digest of the history from which the point was made."),
        "engine": text("Algorithm and version that made the point."),
        "running": text("Numbers of the points that were not over when it was made, e.g. `3,5-20`."),
        "parent": long("Number of the trial whose checkpoint it goes on from.", least=0),
    }
)
SUGGESTION_STATUS = Record(
    {
        "algorithmSettings": SETTINGS,
        "suggestionCount": whole("Points given.", least=0),
        "suggestions": ListOf(_POINT, doc="Points without a trial yet; all others stand in their trials."),
        "startTime": START,
        "completionTime": COMPLETION,
        "lastReconcileTime": RECONCILED,
        "conditions": conditions("Created", "DeploymentReady", "Running", "Succeeded", "Failed"),
        "run": long("Run of the experiment that asks.", least=1),
        "exhausted": Leaf("bool", doc="Whether the algorithm has no more points."),
    },
    doc="What was answered.",
)

TRIAL_SPEC = Record(
    {
        "objective": OBJECTIVE,
        "parameterAssignments": ASSIGNMENTS,
        "earlyStoppingRules": STOPPING_RULES,
        "runSpec": Leaf("object", doc="The object that runs, with its placeholders filled."),
        "retainRun": Leaf("bool", doc="Whether what ran is kept when the trial is over."),
        "metricsCollector": COLLECTOR,
        "primaryPodLabels": POD_LABELS,
        "primaryContainerName": CONTAINER,
        "successCondition": SUCCESS,
        "failureCondition": FAILURE,
        "labels": MapOf(TEXT, doc="Labels for the algorithm."),
    },
    doc="What runs.",
    required=("objective", "parameterAssignments", "runSpec"),
)
_ARTIFACT = Record(
    {
        "path": text("Path below the folder of the trial."),
        "size": long("Bytes.", least=0),
        "digest": text("SHA-256 of the content."),
    },
    required=("path",),
)
TRIAL_STATUS = Record(
    {
        "startTime": START,
        "completionTime": COMPLETION,
        "lastReconcileTime": RECONCILED,
        "conditions": conditions(
            "Created", "Running", "Succeeded", "Killed", "Failed", "MetricsUnavailable", "EarlyStopped"
        ),
        "observation": OBSERVATION,
        "attempt": long("Number of the present attempt, from 1.", least=1),
        "lostAttempts": long("Attempts that were lost through no fault of the trial.", least=0),
        "message": text("Why it waits, for people."),
        "artifacts": ListOf(_ARTIFACT, doc="Files that the trial left."),
        "gpus": ListOf(TEXT, doc="Devices that the trial was given."),
    },
    doc="What is.",
)
