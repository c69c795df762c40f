"""Whatever stands in a manifest: no crash, a way out in every message, and what is accepted can be searched."""

import copy
from dataclasses import replace
from pathlib import Path

import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from algorithms import catalog
from algorithms.contract import Proposal
from kagit.errors import Refused
from kagit.findings import Severity
from kagit.v1beta1 import manifest, objects
from reconciler.core import problem
from repo_layout import emit, read

BASE = yaml.safe_load((Path(__file__).parents[1] / "cases" / "katib" / "base.yaml").read_text())
BASE["spec"]["algorithm"] = {"algorithmName": "random", "algorithmSettings": [{"name": "random_state", "value": "1"}]}
BASE["spec"]["earlyStopping"] = {
    "algorithmName": "medianstop",
    "algorithmSettings": [{"name": "start_step", "value": "4"}],
}
BASE["spec"]["metricsCollectorSpec"] = {
    "collector": {"kind": "StdOut"},
    "source": {
        "filter": {"metricsFormat": [r"(\w+)=(\d+)"]},
        "httpGet": {"port": 80},
        "fileSystemPath": {"path": "/a"},
    },
}

TEXTS = st.sampled_from(
    ("", " ", "0", "-1", "1", "5", "1e3", "0.5", "1e-400", "1e400", "-1e308", "1e308", "9" * 19, "9" * 70, "1_0", "0x1",
     "nan", "inf", "NaN", "sNaN", "٣", "\ud800", "a\nb", "\0", "../x", "/", "${trialSpec.Name}", "${trialParameters.x}",
     "(", "(a)(b)", "(a+)+(b)", r"\p", "File", "Custom", "PrometheusMetric", "TensorFlowEvent", "None", "Push", "int",
     "double", "discrete", "categorical", "unknown", "logUniform", "normal", "logNormal", "grid", "tpe", "cmaes", "pbt",
     "hyperband", "enas", "darts", "sobol", "medianstop", "minimize", "latest", "accuracy", "lr", "x" * 5000)
)  # fmt: skip
LEAVES = st.one_of(
    TEXTS,
    st.text(max_size=20),
    st.none(),
    st.booleans(),
    st.integers(-3, 20),
    st.sampled_from((2**31, 2**63, -(2**70), 10**400)),
    st.floats(),
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | TEXTS, inner, max_size=3)
)


def places(value, at=()):
    yield at
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield from places(inner, (*at, key))


PLACES = [at for at in places(BASE) if at]


def put(body, at, value):
    """Replace what stands there, or add a field beside it; whatever an earlier change has removed is left alone."""
    for key in at[:-1]:
        known = body if isinstance(body, dict) else range(len(body)) if isinstance(body, list) else ()
        if key not in known:
            return
        body = body[key]
    if isinstance(body, dict) or (isinstance(body, list) and isinstance(at[-1], int) and at[-1] < len(body)):
        body[at[-1]] = value


NAMES = ("min", "max", "step", "list", "distribution", "nasConfig", "value", "name", "host", "format", "status", "uid")
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(PLACES)
        | st.builds(lambda at, name: (*at[:-1], name), st.sampled_from(PLACES), st.sampled_from(NAMES)),
        VALUES,
    ),
    min_size=1,
    max_size=4,
)


def is_yaml(value):
    """Whether a file can hold it: no reader gives infinities, half characters or numbers beyond 64 bits."""
    try:
        emit.dump(value)
    except Refused:
        return False
    return True


def comes_back(spec):
    """What is stored, exported as YAML and pushed again, means the same."""
    stored = objects.experiment_body(spec, run=1, seed=3, commit="c", source="s", clean=None, earlier={})
    file = read.file("a.yaml", emit.dump(stored).encode())
    assert [one for one in file.findings if one.severity is Severity.ERROR] == []
    (again,) = file.experiments
    assert replace(again.experiment, annotations=spec.annotations, manifest=spec.manifest) == spec


@settings(max_examples=1500, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(CHANGES)
@example([(("spec", "trialTemplate", "trialParameters", 0, "name"), "x" * 3000)])
def test_no_manifest_is_too_odd(changes):
    body = copy.deepcopy(BASE)
    for at, value in changes:
        put(body, at, value)
    spec, issues = manifest.experiment(body)
    assert (spec is None) == any(issue.severity is Severity.ERROR for issue in issues)
    if spec is not None:
        issues += problem.issues(spec)
    elif (sketch := manifest.sketch(body, issues)) is not None:
        issues += problem.issues(sketch)
    for issue in issues:
        assert "; " in issue.message or "did you mean" in issue.message, issue
        assert len(issue.message) < 1000
    if spec is not None and is_yaml(spec.manifest):
        comes_back(spec)
    if spec is None or problem.obstacle(spec) is not None or spec.algorithm.name not in {"random", "grid"}:
        return
    search = catalog.named(spec.algorithm.name).start(problem.problem(spec, seed=1))
    answer = search.ask(index=0, running={})
    assert isinstance(answer, Proposal)
    assert spec.space.contains(answer.point)
