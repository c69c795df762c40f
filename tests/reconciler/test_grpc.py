"""Over a real wire: Katib's own client asks us, we ask its services, and what goes wrong is said plainly."""

import signal
import subprocess
import sys
import threading

import grpc
import pytest

from kagit.errors import Broken, Conflict, NotFound, Refused, Unavailable
from kagit.v1beta1 import api_write
from reconciler.adapters import grpc_messages
from reconciler.adapters.grpc_client import GrpcService
from reconciler.adapters.grpc_server import GrpcServer
from tests.cli.support import KAGIT, environment, kagit
from tests.reconciler.katib_controller import Controller, experiment, ours, served


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """The address of a real `kagit serve-suggestions`."""
    process = subprocess.Popen(
        [*KAGIT, "serve-suggestions", "--address", "127.0.0.1:0"],
        cwd=tmp_path_factory.mktemp("serving"), env=environment(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    line = process.stdout.readline()
    assert line.startswith("serving Katib's Suggestion and EarlyStopping on 127.0.0.1:"), process.stderr.read()
    yield line.split()[-1]
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (out, err, process.returncode) == ("", "stopped\n", 0)


@pytest.fixture
def katib():
    """Katib's generated code: messages, and stubs made of it."""
    return pytest.importorskip("kubeflow.katib.katib_api_pb2", reason="kubeflow-katib is not there for this Python")


def unary(channel, katib, method):
    """Katib's stub of a method; its generated ones import a module that its wheel does not have."""
    service, name = method.split("/")
    return channel.unary_unary(
        f"/api.v1.beta1.{service}/{name}",
        request_serializer=getattr(katib, f"{name}Request").SerializeToString,
        response_deserializer=getattr(katib, f"{name}Reply").FromString,
    )


def test_katibs_client_is_answered(service, katib):
    request = katib.GetSuggestionsRequest(current_request_number=3, total_request_number=3)
    request.experiment.ParseFromString(grpc_messages.katib().encode("Experiment", api_write.experiment(experiment())))
    with grpc.insecure_channel(service) as channel:
        reply = unary(channel, katib, "Suggestion/GetSuggestions")(request)
        assert [one.trial_name for one in reply.parameter_assignments] == [f"mnist-1-000{i}" for i in range(3)]
        assert {one.name for one in reply.parameter_assignments[0].assignments} == {"x", "n", "k"}
        validate = unary(channel, katib, "Suggestion/ValidateAlgorithmSettings")
        assert validate(katib.ValidateAlgorithmSettingsRequest(experiment=request.experiment)).ByteSize() == 0
        request.experiment.spec.algorithm.algorithm_settings.add(name="gamma", value="7")
        with pytest.raises(grpc.RpcError) as error:
            validate(katib.ValidateAlgorithmSettingsRequest(experiment=request.experiment))
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error.value.details().startswith("spec.algorithm.algorithmSettings[0].value: setting gamma of tpe is '7'")


def test_an_experiment_over_the_wire_is_the_same_as_without(service):
    client = GrpcService(service, "Suggestion")
    far, near = (Controller(experiment(n_startup_trials="3"), call) for call in (client.call, ours()))
    for _ in range(6):
        assert far.ask(2) == near.ask(2)
        for one in (*far.running, *near.running):
            (far if one in far.trials else near).finish(one)
    client.close()


@pytest.mark.parametrize(
    "name", ["", "manager.v1beta1.Suggestion", "api.v1.beta1.Suggestion", "api.v1.beta1.EarlyStopping"]
)
def test_probes_are_told_that_it_serves(service, name):
    messages = grpc_messages.health()
    with grpc.insecure_channel(service) as channel:
        check = channel.unary_unary("/grpc.health.v1.Health/Check")
        reply = check(messages.encode("HealthCheckRequest", {"service": name}))
        assert messages.decode("HealthCheckResponse", reply) == {"status": "SERVING"}
        with pytest.raises(grpc.RpcError) as error:
            check(messages.encode("HealthCheckRequest", {"service": "elsewhere"}))
    assert error.value.code() is grpc.StatusCode.NOT_FOUND


def test_bytes_that_are_no_message_and_unknown_methods_hurt_nobody(service):
    with grpc.insecure_channel(service) as channel:
        for method, code in (("GetSuggestions", "INVALID_ARGUMENT"), ("GetWisdom", "UNIMPLEMENTED")):
            with pytest.raises(grpc.RpcError) as error:
                channel.unary_unary(f"/api.v1.beta1.Suggestion/{method}")(b"\xff\xff")
            assert error.value.code().name == code


def test_outside_a_cluster_no_trial_can_be_marked(service):
    data = grpc_messages.katib().encode("SetTrialStatusRequest", {"trial_name": "mnist-1-0000"})
    with grpc.insecure_channel(service) as channel, pytest.raises(grpc.RpcError) as error:
        channel.unary_unary("/api.v1.beta1.EarlyStopping/SetTrialStatus")(data)
    assert error.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert "needs a pod of its cluster with kagit[cluster]" in error.value.details()


def test_an_address_that_is_taken_is_said(service, tmp_path):
    done = kagit("serve-suggestions", "--address", service, cwd=tmp_path)
    assert done.returncode == 1
    assert f"kagit serve-suggestions: {service} cannot be listened on" in done.stderr
    assert "give another --address" in done.stderr


@pytest.mark.parametrize("address", ["6789", "127.0.0.1", "unix:/tmp/x", "127.0.0.1:99999", "::1:6789"])
def test_an_address_that_is_none_is_refused(address, tmp_path):
    done = kagit("serve-suggestions", "--address", address, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "give a host and a port like 127.0.0.1:6789" in done.stderr


def test_an_open_door_is_warned_of(tmp_path):
    process = subprocess.Popen(
        [*KAGIT, "serve-suggestions", "--address", "0.0.0.0:0"],
        cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "whoever reaches 0.0.0.0:0 can ask; it has neither TLS nor login" in err


@pytest.mark.parametrize(
    ("raised", "seen"),
    [
        (Refused("not so"), (Refused, "Suggestion service at .* refuses: not so")),
        (NotFound("no more"), (NotFound, "no more")),
        (Unavailable("not yet"), (Unavailable, r"gives no answer \(UNAVAILABLE: not yet\)")),
        (Conflict("not here"), (Unavailable, "FAILED_PRECONDITION: not here")),
        (Broken("ouch"), (Unavailable, "INTERNAL: ouch")),
        (ZeroDivisionError("ouch"), (Unavailable, "INTERNAL: kagit is broken")),
    ],
)
def test_errors_come_over_as_what_they_are(raised, seen):
    def fail(_):
        raise raised

    with served({"Suggestion": {"GetSuggestions": fail}}) as client:
        with pytest.raises(seen[0], match=seen[1]) as error:
            client.call("GetSuggestions", {})
        assert type(error.value) is seen[0]


def test_a_validation_that_a_service_does_not_know_passes():
    with served({"Suggestion": {}}) as client:
        assert client.call("ValidateAlgorithmSettings", {}) == {}
        with pytest.raises(Refused, match="refuses"):
            client.call("GetSuggestions", {})


def test_who_does_not_answer_is_unavailable():
    server = GrpcServer("127.0.0.1:0", {})
    server.stop(grace=0)
    client = GrpcService(f"127.0.0.1:{server.port}", "Suggestion", seconds=5)
    with pytest.raises(Unavailable, match="gives no answer"):
        client.call("GetSuggestions", {})
    client.close()


def test_a_service_that_sleeps_is_not_waited_for():
    wake = threading.Event()

    def sleep(_):
        wake.wait(60)
        return {}

    with served({"Suggestion": {"GetSuggestions": sleep}}) as client:
        client._seconds = 0.2
        with pytest.raises(Unavailable, match="DEADLINE_EXCEEDED"):
            client.call("GetSuggestions", {})
        wake.set()


def test_many_trials_fit_into_a_request():
    """Twice what gRPC takes by itself: 4 MiB."""
    with served(
        {"Suggestion": {"GetSuggestions": lambda request: {"parameter_assignments": [{}] * len(request["trials"])}}}
    ) as client:
        trial = {
            "name": "t" * 60,
            "spec": {"parameter_assignments": {"assignments": [{"name": "x" * 50, "value": "1" * 60}]}},
        }
        reply = client.call("GetSuggestions", {"trials": [trial] * 40_000})
    assert len(reply["parameter_assignments"]) == 40_000


@pytest.mark.parametrize("command", ["serve-suggestions", "run"])
def test_without_grpcio_the_extra_is_named(command, tmp_path):
    code = (
        "import sys, importlib.abc\n"
        "class Missing(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] == 'grpc': raise ModuleNotFoundError(name)\n"
        "import importlib.util\n"
        "found = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, package=None: None if name == 'grpc' else found(name, package)\n"
        "sys.meta_path.insert(0, Missing())\n"
        "from reconciler.cli import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    (tmp_path / "a.yaml").write_text(EXPERIMENT)
    more = ["a.yaml", "--suggestion-endpoint", "127.0.0.1:9"] if command == "run" else []
    done = subprocess.run([sys.executable, "-P", "-c", code, command, *more], cwd=tmp_path, env=environment(),
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 1
    assert "grpcio is not installed, which Katib's gRPC needs; install kagit[grpc]" in done.stderr


EXPERIMENT = """
apiVersion: kubeflow.org/v1beta1
kind: Experiment
metadata: {name: far, annotations: {kagit.dev/suggestion-endpoint: "127.0.0.1:9"}}
spec:
  objective: {type: minimize, objectiveMetricName: loss}
  algorithm: {algorithmName: theirs}
  maxTrialCount: 4
  parallelTrialCount: 2
  parameters:
    - {name: x, parameterType: double, feasibleSpace: {min: "0", max: "1"}}
  trialTemplate:
    primaryContainerName: main
    trialParameters: [{name: x, reference: x}]
    trialSpec:
      apiVersion: batch/v1
      kind: Job
      spec: {template: {spec: {restartPolicy: Never, containers: [
        {name: main, image: none, command: [sh, -c, "echo loss=${trialParameters.x}"]}]}}}
"""
