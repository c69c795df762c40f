"""Words and manifests, there and back without loss: Katib's examples, and specs that Hypothesis makes."""

import copy
from decimal import Decimal, InvalidOperation
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kagit.findings import Severity
from kagit.v1beta1 import defaults, manifest, schema, specs
from tests.katib.test_corpus import BROKEN, FILES, each

BASE = yaml.safe_load((Path(__file__).parents[1] / "cases" / "katib" / "base.yaml").read_text())
NOT_WORDS = {"manifest", "spec_digest", "run_digest"}


def words(experiment) -> dict:
    """Everything that a decision may look at."""
    slots = [slot for slot in experiment.__slots__ if slot not in NOT_WORDS]
    return {slot: getattr(experiment, slot) for slot in slots}


def normal(value, key=""):
    """What Kubernetes cannot tell apart is written in one way: absent and empty, 1e-3 and 0.001."""
    if isinstance(value, dict):
        return {k: found for k, v in value.items() if (found := normal(v, k)) not in (None, "", [], {}, False)}
    if isinstance(value, list):
        return [normal(one) for one in value]
    if key == "distribution" and value == "unknown":
        return "uniform"
    if key in {"min", "max", "step"}:
        try:
            return Decimal(value)
        except InvalidOperation:
            return value
    return value


def effective(body: dict) -> dict:
    """The effective spec of a manifest, without the fields that nobody knows."""
    return defaults.effective(schema.fit(body["spec"], schema.SPEC, ("spec",), []))


def there_and_back(body: dict) -> None:
    one, issues = manifest.experiment(body)
    assert one is not None, [issue.message for issue in issues]
    written = specs.manifest(one)
    again, found = manifest.experiment(written)
    assert again is not None, [issue.message for issue in found]
    assert words(again) == words(one)
    assert normal(specs.spec(one)) == normal(effective(body))
    assert specs.manifest(again) == written
    assert written["spec"] == defaults.effective(written["spec"]), "every default is written out"


@pytest.mark.parametrize("path", each())
def test_katibs_examples(path):
    for body in yaml.safe_load_all(path.read_text()):
        if body and body.get("kind") == "Experiment" and manifest.experiment(body)[0] is not None:
            there_and_back(body)


@pytest.mark.skipif(not FILES, reason="no corpus")
def test_the_corpus_is_not_skipped_over():
    bodies = [body for path in FILES for body in yaml.safe_load_all(path.read_text()) if body]
    usable = [body for body in bodies if manifest.experiment(body)[0] is not None]
    assert len(usable) == len(FILES) - len(BROKEN)


NAME = st.from_regex(r"[a-z][a-z0-9]{0,7}", fullmatch=True)
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)
NUMBER = st.sampled_from(["1", "1.50", "2e3", "1E-9", "0.000001", "-4"])


def maybe(**fields):
    return st.fixed_dictionaries({}, optional=fields)


def merged(*parts):
    return st.tuples(*parts).map(lambda found: {key: value for part in found for key, value in part.items()})


SETTINGS = st.dictionaries(NAME, TEXT, max_size=3).map(
    lambda found: [{"name": name, "value": value} for name, value in found.items()]
)
ALGORITHM = merged(st.builds(lambda name: {"algorithmName": name}, NAME), maybe(algorithmSettings=SETTINGS))
DISTRIBUTION = st.sampled_from(["uniform", "logUniform", "normal", "logNormal", "unknown"])
RANGE = merged(st.just({"min": "0.5", "max": "7e1"}), maybe(step=st.just("0.50"), distribution=DISTRIBUTION))
WHOLE = merged(st.just({"min": "1", "max": "64"}), maybe(step=st.just("1"), distribution=DISTRIBUTION))
FEASIBLE = st.one_of(
    st.tuples(st.just("double"), RANGE),
    st.tuples(st.just("int"), WHOLE),
    st.tuples(st.just("categorical"), st.lists(TEXT, min_size=1, max_size=4, unique=True).map(lambda v: {"list": v})),
    st.tuples(
        st.just("discrete"), st.lists(NUMBER, min_size=1, max_size=4, unique_by=Decimal).map(lambda v: {"list": v})
    ),
)
COLLECTOR = st.one_of(
    st.just({}),
    st.just({"collector": {"kind": "File"}, "source": {"fileSystemPath": {"path": "/m.log", "format": "JSON"}}}),
    st.just({"collector": {"kind": "StdOut"}, "source": {"filter": {"metricsFormat": ["(a+)=([0-9]+)"]}}}),
    st.just({"collector": {"kind": "TensorFlowEvent"}}),
    st.just({"collector": {"kind": "PrometheusMetric"}, "source": {"httpGet": {"port": "8080", "host": "h"}}}),
    st.just({"collector": {"kind": "Custom", "customCollector": {"name": "c", "image": "i", "args": ["-x"]}}}),
)


@st.composite
def bodies(draw):
    """Manifests that the checks accept, with every optional field there or not."""
    body = copy.deepcopy(BASE)
    spec = body["spec"]
    spec |= draw(
        maybe(
            parallelTrialCount=st.integers(1, 6),
            maxFailedTrialCount=st.integers(0, 6),
            resumePolicy=st.sampled_from(["Never", "LongRunning", "FromVolume"]),
            metricsCollectorSpec=COLLECTOR,
            algorithm=ALGORITHM,
            earlyStopping=ALGORITHM,
        )
    )
    names = draw(st.lists(NAME, min_size=1, max_size=4, unique=True))
    space = []
    for name in names:
        kind, feasible = draw(FEASIBLE)
        space.append({"name": name, "parameterType": kind, "feasibleSpace": feasible})
    spec["parameters"] = space
    metrics = draw(st.lists(NAME, max_size=3, unique=True))
    spec["objective"] = {
        "type": draw(st.sampled_from(["minimize", "maximize"])),
        "objectiveMetricName": "loss-x",
        "additionalMetricNames": metrics,
        "metricStrategies": [
            {"name": name, "value": draw(st.sampled_from(["min", "max", "latest"]))} for name in metrics
        ],
    } | draw(maybe(goal=st.floats(-1e9, 1e9) | st.integers(-9, 9)))
    template = spec["trialTemplate"]
    template |= draw(
        maybe(
            retain=st.booleans(),
            primaryPodLabels=st.dictionaries(NAME, NAME, max_size=2),
            successCondition=st.just('status.conditions.#(type=="Complete")#'),
            failureCondition=st.just('status.conditions.#(type=="Failed")#'),
        )
    )
    template["trialParameters"] = [{"name": name, "reference": name} | draw(maybe(description=TEXT)) for name in names]
    container = template["trialSpec"]["spec"]["template"]["spec"]["containers"][0]
    container["command"] = ["train", *(f"--{name}=${{trialParameters.{name}}}" for name in names)]
    body["metadata"] |= draw(
        maybe(labels=st.dictionaries(NAME, NAME, max_size=2), annotations=st.dictionaries(NAME, TEXT, max_size=2))
    )
    return body


@given(bodies())
def test_any_spec(body):
    there_and_back(body)


def test_an_unknown_field_is_reported_and_kept_in_what_its_author_wrote():
    body = copy.deepcopy(BASE)
    body["spec"]["trialTemplate"]["kiosk"] = {"a": 1}
    one, issues = manifest.experiment(body)
    assert [(i.slug, i.severity) for i in issues if i.slug == "unknown-field"] == [("unknown-field", Severity.WARNING)]
    assert one.manifest["spec"]["trialTemplate"]["kiosk"] == {"a": 1}
    assert "kiosk" not in specs.spec(one)["trialTemplate"]
