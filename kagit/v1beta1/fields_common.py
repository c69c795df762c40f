"""Fields that several of Katib's kinds share (spec katib.md sections 1.2 and 1.7)."""

from kagit.objective import ObjectiveType, Strategy
from kagit.trial import Comparison
from kagit.v1beta1.shape import ANY, NAME, TEXT, Leaf, ListOf, MapOf, Record, Shape, text, time, whole

MAX_PARAMETERS = 200
"""Every pair of parameters is compared, within the server's budget for rules."""
MAX_METRICS = 256
LONGEST_NUMBER = 64
_LONG = 1024
_CONTAINER_NAME = 63
COLLECTORS = ("StdOut", "File", "TensorFlowEvent", "PrometheusMetric", "Custom", "Push")

_SETTING = Record(
    {"name": text("Name of the setting.", least=1, longest=NAME), "value": text("Its value, always text.")},
    required=("name",),
)


def algorithm(doc: str, name: str) -> Record:
    """An algorithm or a way of early stopping: a name and settings."""
    return Record(
        {
            "algorithmName": text(name, least=1, longest=NAME),
            "algorithmSettings": ListOf(
                _SETTING, doc="Settings of the algorithm; numbers in quotes.", key="name", most=MAX_PARAMETERS
            ),
        },
        doc=doc,
        required=("algorithmName",),
    )


ALGORITHM = algorithm("How points are chosen.", "Name of the algorithm, e.g. random, grid or tpe.")
EARLY_STOPPING = algorithm("When a trial is ended early.", "Name of the early stopping algorithm, e.g. medianstop.")
SETTINGS = ListOf(_SETTING, doc="Settings that the algorithm chose; they override those of the spec.", key="name")

OBJECTIVE = Record(
    {
        "type": text("Whether the metric is to become small or large.", one_of=tuple(ObjectiveType)),
        "goal": Leaf("number", doc="Value at which the experiment has succeeded; without it the budget decides."),
        "objectiveMetricName": text("Name of the metric, as the trial prints it.", least=1, longest=_LONG),
        "additionalMetricNames": ListOf(
            text("Name of a metric.", least=1, longest=_LONG), doc="Metrics that are only recorded.", most=MAX_METRICS
        ),
        "metricStrategies": ListOf(
            Record(
                {
                    "name": text("Name of the metric.", least=1, longest=_LONG),
                    "value": text("The reading that counts.", one_of=tuple(Strategy)),
                },
                required=("name", "value"),
            ),
            doc="Which reading of a trial counts; min or max by the objective's type where nothing is said.",
            most=MAX_METRICS,
        ),
    },
    doc="What is optimised.",
    required=("type", "objectiveMetricName"),
)

_PAIR = Record(
    {"name": text("Name of the parameter.", longest=NAME), "value": text("Its value, always text.")},
    required=("name", "value"),
)
ASSIGNMENTS = ListOf(_PAIR, doc="One value for each parameter.", key="name", most=MAX_PARAMETERS)
OBSERVATION = Record(
    {
        "metrics": ListOf(
            Record(
                {
                    "name": text("Name of the metric.", longest=_LONG),
                    "min": text("Smallest reading, or unavailable."),
                    "max": text("Largest reading, or unavailable."),
                    "latest": text("Last reading, or unavailable."),
                },
                required=("name",),
            ),
            doc="One entry for each metric.",
            key="name",
        )
    },
    doc="What was measured.",
)
STOPPING_RULES = ListOf(
    Record(
        {
            "name": text("Name of the metric."),
            "value": text("Value that a reading is compared with."),
            "comparison": text("How it is compared.", one_of=tuple(Comparison)),
            "startStep": whole("The comparison begins with this report of the metric.", least=0),
            "later": ListOf(
                Record(
                    {
                        "step": whole("Number of the report.", least=0),
                        "value": text("Value that counts from this report on."),
                    },
                    required=("step", "value"),
                ),
                doc="Values for later reports.",
            ),
            "patience": whole("Reports without a gain above the value, where the comparison is stale.", least=0),
        },
        required=("name", "value", "comparison"),
    ),
    doc="Rules by which a trial is ended early; made by the early stopping algorithm.",
)

_HEADER = Record(
    {"name": text("Name of the header.", longest=NAME), "value": text("Its value.")}, required=("name", "value")
)
_HTTP_GET = Record(
    {
        "path": text("Path of the URL; /metrics where nothing is said.", longest=_LONG),
        "port": Leaf("any", doc="Port; 8080 where nothing is said.", format="int-or-string"),
        "host": text("Host; the trial's pod where nothing is said.", longest=NAME),
        "scheme": text("HTTP or HTTPS.", longest=NAME),
        "httpHeaders": ListOf(_HEADER, doc="Headers of the request.", most=64),
    },
    doc="Where a PrometheusMetric collector asks.",
)
_FILE = Record(
    {
        "path": text("Absolute path inside the container.", longest=_LONG),
        "kind": text("What stands at the path.", one_of=("Directory", "File"), longest=NAME),
        "format": text("How a file is written.", one_of=("TEXT", "JSON"), longest=NAME),
    },
    doc="Where a File or TensorFlowEvent collector reads.",
)
_FILTER = Record(
    {
        "metricsFormat": ListOf(
            text("Regular expression (RE2).", longest=_LONG), doc="Each with two groups: name and value.", most=64
        )
    },
    doc="How metrics are found in text.",
)
_CUSTOM = Leaf(
    "object",
    doc="Container of a Custom collector, as in a Pod.",
    known={"name": text("Name of the container.", longest=NAME), "image": text("Its image.", longest=_LONG)},
)
COLLECTOR = Record(
    {
        "collector": Record(
            {
                "kind": text("Kind of the collector; None is an old word for Push.", one_of=COLLECTORS, longest=NAME),
                "customCollector": _CUSTOM,
            },
            doc="Who collects.",
        ),
        "source": Record(
            {"httpGet": _HTTP_GET, "fileSystemPath": _FILE, "filter": _FILTER}, doc="Where the metrics come from."
        ),
    },
    doc="How metrics are collected; from standard output where nothing is said.",
)

POD_LABELS = MapOf(TEXT, doc="Labels of the pod whose metrics are read.")
CONTAINER = text("Name of the container that trains.", least=1, longest=_CONTAINER_NAME)
SUCCESS = text("GJSON path that finds something in a trial's object when it has succeeded.", longest=_LONG)
FAILURE = text("GJSON path that finds something in a trial's object when it has failed.", longest=_LONG)


def conditions(*types: str) -> ListOf:
    """Katib's conditions, of which the last is the most recent change."""
    return ListOf(
        Record(
            {
                "type": text("What is said.", one_of=types),
                "status": text("Whether it holds.", one_of=("True", "False", "Unknown")),
                "reason": text("Why, in one word."),
                "message": text("Why, for people."),
                "lastUpdateTime": time("When this was last said."),
                "lastTransitionTime": time("When the status last changed."),
            },
            required=("type", "status"),
        ),
        doc="What has happened; the last entry is the most recent change.",
        key="type",
    )


START = time("When it began.")
COMPLETION = time("When it was over.")
RECONCILED = time("When it was last looked at.")

METADATA: dict[str, Shape] = {"name": TEXT, "namespace": TEXT, "labels": MapOf(TEXT), "annotations": MapOf(TEXT)}
"""What kagit reads of an object's metadata; the rest is Kubernetes' business."""
HEAD: dict[str, Shape] = {"apiVersion": TEXT, "kind": TEXT, "metadata": Leaf("object", known=METADATA)}
UNREAD = ANY
