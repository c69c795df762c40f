"""The fields of a batch/v1 Job, so that a typo is found before anything runs (spec katib.md section 3.6, rule 18)."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from kagit.findings import Issue, Severity
from kagit.shapes import at as look
from kagit.shapes import sequence
from kagit.template import PLACEHOLDER
from kagit.v1beta1.schema import ANY, BOOL, INT, OBJECT, TEXT, TEXTS, ListOf, MapOf, Place, Record, Shape, fit

_LABELS = MapOf(TEXT)
_META = Record(
    {
        **dict.fromkeys(("name", "generateName", "namespace", "uid", "resourceVersion", "creationTimestamp"), TEXT),
        **dict.fromkeys(("labels", "annotations"), _LABELS),
        **dict.fromkeys(("ownerReferences", "managedFields", "generation", "deletionTimestamp", "selfLink"), ANY),
        **dict.fromkeys(("deletionGracePeriodSeconds",), INT),
        "finalizers": TEXTS,
    }
)
_ENV = Record({"name": TEXT, "value": TEXT, "valueFrom": OBJECT})
_MOUNT = Record(
    {
        **dict.fromkeys(("name", "mountPath", "subPath", "subPathExpr", "mountPropagation", "recursiveReadOnly"), TEXT),
        "readOnly": BOOL,
    }
)
_PORT = Record({"name": TEXT, "containerPort": INT, "hostPort": INT, "hostIP": TEXT, "protocol": TEXT})
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "securityContext")
_CONTAINER_FIELDS: dict[str, Shape] = {
    **dict.fromkeys(("name", "image", "workingDir", "imagePullPolicy", "terminationMessagePath"), TEXT),
    **dict.fromkeys(("terminationMessagePolicy", "restartPolicy"), TEXT),
    **dict.fromkeys(("command", "args"), TEXTS),
    **dict.fromkeys(("stdin", "stdinOnce", "tty"), BOOL),
    **dict.fromkeys(_PROBES, OBJECT),
    "env": ListOf(_ENV),
    "envFrom": ListOf(OBJECT),
    "ports": ListOf(_PORT),
    "resources": Record({"limits": MapOf(ANY), "requests": MapOf(ANY), "claims": ListOf(OBJECT)}),
    "resizePolicy": ListOf(OBJECT),
    "restartPolicyRules": ListOf(OBJECT),
    "volumeMounts": ListOf(_MOUNT),
    "volumeDevices": ListOf(OBJECT),
}
_CONTAINERS = ListOf(Record(_CONTAINER_FIELDS))
_POD_TEXTS = ("restartPolicy", "serviceAccountName", "serviceAccount", "nodeName", "hostname", "subdomain", "dnsPolicy")
_POD_TEXTS_2 = ("schedulerName", "priorityClassName", "runtimeClassName", "preemptionPolicy", "hostnameOverride")
_POD_BOOLS = ("hostNetwork", "hostPID", "hostIPC", "hostUsers", "shareProcessNamespace", "enableServiceLinks")
_POD_LISTS = ("volumes", "imagePullSecrets", "tolerations", "hostAliases", "readinessGates", "schedulingGates")
_POD_LISTS_2 = ("topologySpreadConstraints", "resourceClaims")
_POD_OBJECTS = ("securityContext", "affinity", "dnsConfig", "os", "resources", "workloadRef")
_POD = Record(
    {
        "containers": _CONTAINERS,
        "initContainers": _CONTAINERS,
        "ephemeralContainers": ListOf(OBJECT),
        **dict.fromkeys((*_POD_TEXTS, *_POD_TEXTS_2), TEXT),
        **dict.fromkeys((*_POD_BOOLS, "automountServiceAccountToken", "setHostnameAsFQDN"), BOOL),
        **dict.fromkeys((*_POD_LISTS, *_POD_LISTS_2), ListOf(OBJECT)),
        **dict.fromkeys(_POD_OBJECTS, OBJECT),
        **dict.fromkeys(("terminationGracePeriodSeconds", "activeDeadlineSeconds", "priority"), INT),
        "nodeSelector": _LABELS,
        "overhead": MapOf(ANY),
    }
)
_JOB_INTS = ("parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "backoffLimitPerIndex")
_JOB_INTS_2 = ("maxFailedIndexes", "ttlSecondsAfterFinished")
_JOB = Record(
    {
        "apiVersion": TEXT,
        "kind": TEXT,
        "metadata": _META,
        "status": ANY,
        "spec": Record(
            {
                **dict.fromkeys((*_JOB_INTS, *_JOB_INTS_2), INT),
                **dict.fromkeys(("suspend", "manualSelector"), BOOL),
                **dict.fromkeys(("completionMode", "podReplacementPolicy", "managedBy"), TEXT),
                **dict.fromkeys(("selector", "podFailurePolicy", "successPolicy"), OBJECT),
                "template": Record({"metadata": _META, "spec": _POD}),
            }
        ),
    }
)


def is_job(body: Mapping[str, Any]) -> bool:
    """Whether the object is exactly a batch/v1 Job, the only kind whose fields are known here."""
    return body.get("kind") == "Job" and body.get("apiVersion") == "batch/v1"


def check(body: Mapping[str, Any], *, at: Place) -> Iterator[Issue]:
    """Unknown fields and wrong types of a Job, each with its place below `at`; nothing for other kinds."""
    if not is_job(body):
        return
    issues: list[Issue] = []
    fit(body, _JOB, at, issues)
    for issue in issues:
        place = look(body, *issue.at[len(at) :])
        if isinstance(place, str) and PLACEHOLDER.search(place) and issue.slug == "wrong-type":
            message = (
                f"{issue.field} holds a placeholder, and a Job takes no text there (nor does Katib); give a fixed value"
            )
            yield replace(issue, message=message, slug="placeholder-not-text")
        else:
            yield replace(issue, severity=Severity.ERROR)
    if not sequence(look(body, "spec", "template", "spec", "containers")) and not issues:
        message = "the Job has no containers; give spec.template.spec.containers"
        yield Issue(at=at, message=message, slug="containers-missing")
