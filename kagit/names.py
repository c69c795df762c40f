"""Names, labels, annotations and environment variables that kagit shares with Katib (spec katib.md section 1.8)."""

import re

GROUP = "kubeflow.org"
API_VERSION = "kubeflow.org/v1beta1"

"""What annotations and labels of kagit begin with."""

LABEL_EXPERIMENT = "katib.kubeflow.org/experiment"
LABEL_RUN = "kagit.dev/run"
LABEL_BRACKET = "kagit.dev/bracket"
LABEL_RUNG = "kagit.dev/rung"
LABEL_PARENT = "kagit.dev/parent"
LABEL_GENERATION = "pbt.suggestion.katib.kubeflow.org/generation"
LABEL_PBT_PARENT = "pbt.suggestion.katib.kubeflow.org/parent"

ANNOTATION_RUN = "kagit.dev/run"
ANNOTATION_SEED = "kagit.dev/seed"
ANNOTATION_SPEC_DIGEST = "kagit.dev/spec-digest"
ANNOTATION_COMMIT = "kagit.dev/commit"
ANNOTATION_SOURCE = "kagit.dev/source"
ANNOTATION_CLEAN = "kagit.dev/clean"
ANNOTATION_INDEX = "kagit.dev/index"
ANNOTATION_HISTORY = "kagit.dev/history-digest"
ANNOTATION_ENGINE = "kagit.dev/engine"
ANNOTATION_RUNNING = "kagit.dev/running"
ANNOTATION_PARENT = "kagit.dev/parent"
ANNOTATION_REPORT = "kagit.dev/report-digest"
ANNOTATION_RESULT_OF = "kagit.dev/result-of"
ANNOTATION_ON_SPEC_CHANGE = "kagit.dev/on-spec-change"
ANNOTATION_MAX_DURATION = "kagit.dev/max-duration"
ANNOTATION_SUSPEND = "kagit.dev/suspend"
ANNOTATION_RETRIES = "kagit.dev/retries"
ANNOTATION_REUSE_RESULTS = "kagit.dev/reuse-results"
ANNOTATION_STOP_TRIALS = "kagit.dev/stop-trials-at-end"
ANNOTATION_INITIAL = "kagit.dev/initial-points"
ANNOTATION_FIXED = "kagit.dev/fixed"
ANNOTATION_ACTIVE = "kagit.dev/active-when"
ANNOTATION_FORBIDDEN = "kagit.dev/forbidden"
ANNOTATION_OBJECTIVES = "kagit.dev/objectives"
ANNOTATION_CONSTRAINTS = "kagit.dev/constraints"
ANNOTATION_START_FROM = "kagit.dev/start-from"
ANNOTATION_STARTED_FROM = "kagit.dev/started-from"
ANNOTATION_WITHOUT_GAIN = "kagit.dev/stop-without-gain"
ANNOTATION_SUGGESTION_ENDPOINT = "kagit.dev/suggestion-endpoint"

ANNOTATION_PREFIX = "kagit.dev/"
WISHES = (
    ANNOTATION_MAX_DURATION,
    ANNOTATION_SUSPEND,
    ANNOTATION_RETRIES,
    ANNOTATION_REUSE_RESULTS,
    ANNOTATION_STOP_TRIALS,
    ANNOTATION_WITHOUT_GAIN,
    ANNOTATION_SUGGESTION_ENDPOINT,
)
"""Annotations by which an author says how an experiment lives; they may change without a new run."""
AIMS = (ANNOTATION_OBJECTIVES, ANNOTATION_CONSTRAINTS)
SEARCH = (
    ANNOTATION_INITIAL,
    ANNOTATION_FIXED,
    ANNOTATION_ACTIVE,
    ANNOTATION_FORBIDDEN,
    ANNOTATION_START_FROM,
    *AIMS,
)
"""Annotations by which an author shapes the search; a change of them is a new run."""
FOR_AUTHORS = (ANNOTATION_SEED, ANNOTATION_ON_SPEC_CHANGE, *WISHES, *SEARCH)
"""Annotations that kagit reads in a manifest."""
WRITTEN = (
    ANNOTATION_RUN,
    ANNOTATION_SPEC_DIGEST,
    ANNOTATION_COMMIT,
    ANNOTATION_SOURCE,
    ANNOTATION_CLEAN,
    ANNOTATION_INDEX,
    ANNOTATION_HISTORY,
    ANNOTATION_ENGINE,
    ANNOTATION_RUNNING,
    ANNOTATION_PARENT,
    ANNOTATION_REPORT,
    ANNOTATION_RESULT_OF,
    ANNOTATION_STARTED_FROM,
)
"""Annotations that kagit writes into its objects."""

ENV_TRIAL_NAME = "KATIB_TRIAL_NAME"
ENV_TRIAL_DIR = "KAGIT_TRIAL_DIR"
ENV_CHECKPOINT_DIR = "KAGIT_CHECKPOINT_DIR"
ENV_METRICS_DIR = "KAGIT_METRICS_DIR"
ENV_METRICS_FILE = "KAGIT_METRICS_FILE"
ENV_METRICS_PORT = "KAGIT_METRICS_PORT"

SETTING_TRIAL_DIR = "suggestion_trial_dir"
"""Katib's setting that says where a trial finds and leaves its checkpoint."""

TRACKING_LABELS = ("argocd.argoproj.io/", "app.kubernetes.io/instance", "kustomize.toolkit.fluxcd.io/")
"""By these (or what begins with them) a GitOps tool knows the objects that it made itself."""

UNAVAILABLE = "unavailable"
"""Katib's marker for a metric without a value."""

MAX_EXPERIMENT_NAME = 40
EXPERIMENT_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def is_experiment_name(name: str) -> bool:
    """Whether the whole of `name` is a legal Experiment name of at most 40 characters."""
    return len(name) <= MAX_EXPERIMENT_NAME and EXPERIMENT_NAME.fullmatch(name) is not None


def is_namespace(name: str) -> bool:
    """Whether `name` is a legal namespace (an RFC 1123 label)."""
    return DNS_LABEL.fullmatch(name) is not None


def trial_name(*, experiment: str, run: int, index: int) -> str:
    """Name of trial `index` (from 0) of run `run` (from 1): always the same for the same three."""
    return f"{experiment}-{run}-{index:04d}"


def experiment_of(trial: str) -> str:
    """The experiment's name in a trial's name; empty where it is no trial's name."""
    parts = trial.rsplit("-", 2)
    return parts[0] if len(parts) == len(("experiment", "run", "index")) else ""


def work_name(*, namespace: str, trial: str, attempt: int) -> str:
    """Name of an attempt: unique on a machine, and the same for the same attempt."""
    return f"{namespace}.{trial}.{attempt}"


def parse_work_name(name: str) -> tuple[str, str, int]:
    """Namespace, trial and attempt of an attempt's name; attempt 0 where it is none."""
    namespace, _, rest = name.partition(".")
    trial, _, attempt = rest.rpartition(".")
    return namespace, trial, int(attempt) if attempt.isdecimal() else 0
