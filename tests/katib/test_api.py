"""Our messages are Katib's: the same fields, the same bytes, in both directions, by its own generated code."""

import dataclasses
from decimal import Decimal

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from kagit.errors import Broken, Refused
from kagit.experiment import Algorithm, Experiment, TrialTemplate
from kagit.objective import Metric, Objective, ObjectiveType, Strategy
from kagit.space import Distribution, Space
from kagit.trial import Phase, Trial
from kagit.v1beta1 import api, api_read, api_write
from reconciler.adapters import grpc_messages
from tests.algorithms import harness
from tests.algorithms.harness import parameter

OURS = grpc_messages.katib()
NUMBERS = {"string": 9, "int32": 5, "double": 1}


@pytest.fixture(scope="module")
def katib():
    return pytest.importorskip("kubeflow.katib.katib_api_pb2", reason="kubeflow-katib is not there for this Python")


def theirs(katib, name):
    found = katib
    for part in name.split("."):
        found = getattr(found, part)
    return found


@pytest.mark.parametrize("name", api.MESSAGES)
def test_every_message_has_katibs_fields(katib, name):
    fields = theirs(katib, name).DESCRIPTOR.fields
    assert {one.name: one.number for one in fields} == {key: number for key, (number, _) in api.MESSAGES[name].items()}
    for one in fields:
        kind = api.MESSAGES[name][one.name][1]
        assert (one.label == one.LABEL_REPEATED) is (kind.startswith("*") or kind == "map")
        bare = kind.removeprefix("*")
        if bare in NUMBERS:
            assert one.type == NUMBERS[bare]
        elif bare != "map":
            assert (one.message_type or one.enum_type).full_name == f"api.v1.beta1.{bare}"


@pytest.mark.parametrize("name", api.ENUMS)
def test_every_enum_has_katibs_values(katib, name):
    found = theirs(katib, name).DESCRIPTOR.values_by_number
    assert [found[i].name for i in sorted(found)] == list(api.ENUMS[name])


def test_every_method_has_katibs_messages(katib):
    for service, methods in api.SERVICES.items():
        found = katib.DESCRIPTOR.services_by_name[service].methods_by_name
        assert set(methods) <= set(found)
        for method in methods:
            assert (found[method].input_type.name, found[method].output_type.name) == (
                f"{method}Request",
                f"{method}Reply",
            )


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def values(kind: str):
    """Any value of a type of the table, without what a message leaves out."""
    if kind.startswith("*"):
        return st.lists(values(kind[1:]), min_size=1, max_size=3)
    if kind in api.MESSAGES:
        return st.deferred(lambda: messages(kind))
    if kind in api.ENUMS:
        return st.sampled_from(api.ENUMS[kind][1:])
    return {
        "string": TEXTS.filter(bool),
        "int32": st.integers(-(2**31), 2**31 - 1).filter(bool),
        "double": st.floats(allow_nan=False).filter(lambda one: one != 0),
        "map": st.dictionaries(TEXTS, TEXTS, min_size=1, max_size=3),
    }[kind]


def messages(name: str):
    return st.fixed_dictionaries({}, optional={key: values(kind) for key, (_, kind) in api.MESSAGES[name].items()})


@pytest.mark.parametrize("name", ["GetSuggestionsRequest", "GetSuggestionsReply", "GetEarlyStoppingRulesRequest"])
@given(data=st.data())
@harness.few
def test_both_read_what_the_other_writes(katib, name, data):
    value = data.draw(messages(name))
    other = theirs(katib, name)
    written = other.FromString(OURS.encode(name, value))
    assert other.FromString(written.SerializeToString()) == written
    assert OURS.decode(name, written.SerializeToString()) == value
    read = json_format.MessageToDict(written, preserving_proto_field_name=True)
    assert other.FromString(
        OURS.encode(name, OURS.decode(name, json_format.ParseDict(read, other()).SerializeToString()))
    )


@pytest.mark.parametrize("data", [b"\xff", b"\x0a\x05ab", b"\x0a\x02\xff\xfe", b"\x12" * 1000])
def test_bytes_that_are_no_message_are_refused(data):
    with pytest.raises(Refused, match="these bytes are no Experiment"):
        OURS.decode("Experiment", data)


@pytest.mark.parametrize("value", [{"nme": "x"}, {"name": 3}, {"spec": {"max_trial_count": 2**31}}, {"name": "\ud800"}])
def test_a_dict_that_fits_no_message_is_our_fault(value):
    with pytest.raises(Broken, match="no Experiment can be made of"):
        OURS.encode("Experiment", value)


def test_fields_and_values_of_a_later_version_are_passed_over(katib):
    later = katib.TrialStatus(condition=2).SerializeToString() + b"\x7a\x01x"  # field 15
    assert OURS.decode("TrialStatus", later) == {"condition": "SUCCEEDED"}
    unknown = OURS.decode("TrialStatus", b"\x18\x63")
    assert unknown == {"condition": "99"}
    assert api_read.trial({"status": unknown}).phase is Phase.METRICS_UNAVAILABLE


# ------------------------------------------------------------------------------------------------ words and messages


EMPTY = Space(())


def spec(space=EMPTY, **more) -> Experiment:
    objective = Objective(
        type=ObjectiveType.MAXIMIZE, metric="accuracy", additional=("loss",),
        strategies={"accuracy": Strategy.MAX, "loss": Strategy.MIN},
    )  # fmt: skip
    algorithm = Algorithm(name="tpe", settings={"random_state": "1"})
    given = {"namespace": "default", "name": "mnist", "objective": objective, "algorithm": algorithm}
    return Experiment(**given | {"space": space, "template": TrialTemplate(trial_spec=None)} | more)


def through(message: dict, name: str = "Experiment") -> dict:
    return OURS.decode(name, OURS.encode(name, message))


@given(space=harness.spaces())
@harness.many
def test_every_space_comes_through(space):
    found, issues = api_read.experiment(through(api_write.experiment(spec(space))))
    if found is None:
        assert issues  # the harness also makes what a manifest may not say
        return
    assert [dataclasses.replace(one, step=None) for one in found.space] == [
        dataclasses.replace(one, step=None) for one in space
    ]
    assert [one.step for one in found.space] == [one.step for one in space]


def test_an_experiment_comes_through():
    space = Space(
        (
            parameter("lr", "double", low="1e-5", high="0.1", dist="logUniform"),
            parameter("n", "int", low="1", high="9", step="2", dist="normal"),
            parameter("w", "double", low="1", high="2", dist="logNormal"),
            parameter("b", "discrete", values=("1", "2")),
            parameter("k", "categorical", values=("x", "y")),
        )
    )
    given = spec(
        space, max_trials=12, parallel=4, early_stopping=Algorithm(name="medianstop", settings={"start_step": "2"})
    )
    found, issues = api_read.experiment(through(api_write.experiment(given)))
    assert issues == ()
    for field in ("name", "space", "algorithm", "early_stopping", "max_trials", "parallel", "nas"):
        assert getattr(found, field) == getattr(given, field), field
    assert (found.objective.type, found.objective.metric) == (given.objective.type, given.objective.metric)
    assert [one.distribution for one in found.space][:3] == [
        Distribution.LOG_UNIFORM, Distribution.NORMAL, Distribution.LOG_NORMAL,
    ]  # fmt: skip


def test_a_nas_config_comes_through():
    config = {
        "graphConfig": {"numLayers": 8, "inputSizes": [32, 32, 3], "outputSizes": [10]},
        "operations": [
            {
                "operationType": "convolution",
                "parameters": [
                    {"name": "f", "parameterType": "categorical", "feasibleSpace": {"list": ["3", "5"]}},
                    {"name": "n", "parameterType": "int", "feasibleSpace": {"min": "1", "max": "3", "step": "1"}},
                ],
            }
        ],
    }
    found, issues = api_read.experiment(
        through(api_write.experiment(spec(nas=config, algorithm=Algorithm(name="enas", settings={}))))
    )
    assert (found.nas, issues) == (config, ())


@pytest.mark.parametrize("phase", Phase)
def test_a_trial_comes_through(phase):
    metrics = (Metric(name="accuracy", min="0.1", max="0.9", latest="0.5"), Metric(name="loss", latest="nan"))
    given = Trial(name="mnist-1-0003", run=1, index=3, point={"lr": "0.1"}, phase=phase, observation=metrics)
    found = api_read.trial(through(api_write.trial(given, spec()), "Trial"))
    assert (found.name, found.point, found.phase) == (given.name, given.point, phase)
    assert spec().objective.value(found.observation) == 0.9
    assert spec().objective.value(found.observation, "loss") is None


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"objective": {}}, "spec.objective"),
        ({"algorithm": {}}, "spec.algorithm"),
        ({"parameter_specs": {"parameters": [{"name": "x"}]}}, "spec.parameters[0].parameterType"),
        ({"parameter_specs": {}}, "spec"),
        (
            {
                "parameter_specs": {
                    "parameters": [{"name": "x", "parameter_type": "INT", "feasible_space": {"min": "2", "max": "1"}}]
                }
            },
            "spec.parameters[0].feasibleSpace",
        ),
    ],
)
def test_what_is_wrong_has_the_place_of_a_manifest(change, place):
    message = api_write.experiment(spec(Space((parameter("x", "double", low="0", high="1"),))))
    message["spec"] |= change
    found, issues = api_read.experiment(message)
    assert found is None
    assert any(one.field.startswith(place) for one in issues), [one.field for one in issues]


def test_numbers_are_exact():
    space = Space((parameter("x", "double", low="0.10000000000000000001", high="1e400"),))
    found, _ = api_read.experiment(through(api_write.experiment(spec(space))))
    assert found is None or found.space["x"].minimum == Decimal("0.10000000000000000001")
