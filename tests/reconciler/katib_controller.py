"""A Katib controller as far as a suggestion service sees it (spec katib.md section 4.2), and services to talk to."""

import contextlib
from collections.abc import Callable, Iterator

from kagit.experiment import Algorithm, Experiment, Json, TrialTemplate
from kagit.objective import Objective, ObjectiveType
from kagit.space import Space
from kagit.v1beta1 import api_read, api_write
from reconciler.adapters.grpc_client import GrpcService
from reconciler.adapters.grpc_server import GrpcServer
from reconciler.shell.suggesting import Suggestions
from tests.algorithms.harness import parameter

SPACE = Space(
    (
        parameter("x", "double", low="0", high="1"),
        parameter("n", "int", low="1", high="64"),
        parameter("k", "categorical", values=("a", "b", "c")),
    )
)


def experiment(algorithm: str = "tpe", *, space: Space = SPACE, **settings: str) -> Experiment:
    counts = {key: int(settings.pop(key)) for key in ("max_trials", "parallel") if key in settings}
    return Experiment(
        namespace="default",
        name=settings.pop("name", "mnist"),
        space=space,
        objective=Objective(type=ObjectiveType.MINIMIZE, metric="loss"),
        algorithm=Algorithm(name=algorithm, settings=settings),
        template=TrialTemplate(trial_spec=None),
        **counts,
    )


def loss(point) -> float:
    return sum((float(value) - 0.3) ** 2 if name == "x" else len(value) / 10 for name, value in point.items())


class Controller:
    """Keeps trials, asks for exactly as many as are missing, and takes no answer of another length."""

    def __init__(
        self, spec: Experiment, call: Callable[[str, Json], Json], *, names: Callable[[int], str] | None = None
    ):
        self.spec, self.call, self.names = spec, call, names
        self.trials: list[Json] = []
        self.given = 0
        self.message = api_write.experiment(spec)

    def ask(self, count: int) -> list[dict]:
        """New trials, which run from now on."""
        request = {
            "experiment": self.message,
            "trials": self.trials,
            "current_request_number": count,
            "total_request_number": self.given + count,
        }
        answers = self.call("GetSuggestions", request)["parameter_assignments"]
        assert len(answers) == count, "The response contains unexpected trials"
        for one in answers:
            self.trials.append(
                {
                    "name": self.names(self.given) if self.names else one["trial_name"],
                    "spec": {"parameter_assignments": {"assignments": one["assignments"]}},
                    "status": {"condition": "RUNNING", "start_time": f"2024-01-01T00:00:{self.given:02d}Z"},
                }
            )
            self.given += 1
        return [dict(api_read.point(one)) for one in answers]

    @property
    def running(self) -> list[Json]:
        return [one for one in self.trials if one["status"]["condition"] == "RUNNING"]

    def finish(self, trial: Json, condition: str = "SUCCEEDED") -> None:
        value = repr(loss(api_read.point(trial["spec"]["parameter_assignments"])))
        trial["status"]["condition"] = condition
        if condition in {"SUCCEEDED", "EARLYSTOPPED"}:
            trial["status"]["observation"] = {"metrics": [{"name": "loss", "value": value}]}

    def points(self) -> list[dict]:
        return [dict(api_read.point(one["spec"]["parameter_assignments"])) for one in self.trials]


def ours() -> Callable[[str, Json], Json]:
    """Our service without a wire."""
    service = Suggestions()
    methods = {
        "GetSuggestions": service.get_suggestions,
        "ValidateAlgorithmSettings": service.validate_algorithm_settings,
    }
    return lambda method, request: methods[method](request)


@contextlib.contextmanager
def served(services, *, service: str = "Suggestion") -> Iterator[GrpcService]:
    """A client of a server with these services on a free port."""
    server = GrpcServer("127.0.0.1:0", services)
    client = GrpcService(f"127.0.0.1:{server.port}", service)
    try:
        yield client
    finally:
        client.close()
        server.stop(grace=0)
