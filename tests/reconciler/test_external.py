"""An experiment that asks a suggestion service elsewhere: only where it may, and whatever that service does."""

import contextlib
import json
import threading

import pytest

from kagit.errors import NotFound, Refused, Unavailable
from reconciler.adapters.grpc_server import GrpcServer
from tests.cli.support import background, eventually, git, kagit
from tests.reconciler.test_grpc import EXPERIMENT


def point(value="0.5", **more) -> dict:
    given = {"x": value} | more
    assignments = [{"name": name, "value": text} for name, text in given.items() if text is not None]
    return {"assignments": assignments, "labels": {"from": "afar"}}


class Theirs:
    """A service that keeps what it was asked, and answers with what it is given, or raises it."""

    def __init__(self, *answers, verdict=None):
        self.answers, self.verdict, self.asked, self.validated = list(answers), verdict, [], []
        self.lock = threading.Lock()

    def get(self, request):
        with self.lock:
            self.asked.append(request)
            answer = self.answers.pop(0) if self.answers else [point(f"0.{len(self.asked):03d}")]
        if isinstance(answer, Exception):
            raise answer
        return {"parameter_assignments": answer}

    def validate(self, request):
        self.validated.append(request)
        if self.verdict:
            raise self.verdict
        return {}


@contextlib.contextmanager
def running(theirs: Theirs, address: str = "127.0.0.1:0"):
    methods = {"GetSuggestions": theirs.get, "ValidateAlgorithmSettings": theirs.validate}
    server = GrpcServer(address, {"Suggestion": methods})
    try:
        yield f"127.0.0.1:{server.port}"
    finally:
        server.stop(grace=0)


def run(folder, address, *more, allowed=True):
    (folder / "a.yaml").write_text(EXPERIMENT.replace("127.0.0.1:9", address))
    allow = ["--suggestion-endpoint", address] if allowed else []
    return kagit("run", "a.yaml", "--report", "out", *allow, *more, cwd=folder)


def trials(folder) -> list[dict]:
    return json.loads(kagit("get", "trials", "--output", "json", cwd=folder).stdout)["items"]


def test_a_service_is_asked_as_katib_asks_and_its_points_are_tried(tmp_path):
    theirs = Theirs()
    with running(theirs) as address:
        done = run(tmp_path, address)
    assert done.returncode == 0, done.stderr
    assert len(theirs.asked) == 4
    assert [(one["current_request_number"], one["total_request_number"]) for one in theirs.asked] == [
        (1, 1), (1, 2), (1, 3), (1, 4),
    ]  # fmt: skip
    experiment = theirs.asked[0]["experiment"]
    assert (experiment["name"], experiment["spec"]["algorithm"]["algorithm_name"]) == ("far", "theirs")
    assert theirs.validated[0] == {"experiment": experiment}
    last = theirs.asked[3]["trials"]
    assert [one["name"] for one in last] == ["far-1-0000", "far-1-0001", "far-1-0002"]
    over = [one for one in last if one["status"].get("condition") == "SUCCEEDED"]
    assert over
    assert over[0]["spec"]["parameter_assignments"]["assignments"] == [{"name": "x", "value": "0.001"}]
    assert over[0]["status"]["observation"]["metrics"] == [{"name": "loss", "value": "0.001"}]
    stored = trials(tmp_path)
    assert {one["metadata"]["annotations"]["kagit.dev/engine"] for one in stored} == {f"grpc {address}"}
    assert {one["metadata"]["labels"]["from"] for one in stored} == {"afar"}
    assert sorted(one["spec"]["parameterAssignments"][0]["value"] for one in stored) == [
        "0.001", "0.002", "0.003", "0.004",
    ]  # fmt: skip


def test_nobody_is_asked_who_was_not_allowed(tmp_path):
    theirs = Theirs()
    with running(theirs) as address:
        done = run(tmp_path, address, allowed=False)
        assert done.returncode == 1
        assert f"it is to ask the suggestion service at {address}, which nobody has allowed here" in done.stderr
        assert f"pass --suggestion-endpoint {address}" in done.stderr
        assert run(tmp_path, address, "--suggestion-endpoint", "127.0.0.1:1", allowed=False).returncode == 1
    assert (theirs.asked, theirs.validated) == ([], [])


def test_a_repository_does_not_decide_whom_this_machine_calls(tmp_path):
    repo = tmp_path / "repo"
    (repo / "experiments").mkdir(parents=True)
    theirs = Theirs()
    with running(theirs) as address:
        (repo / "experiments/a.yaml").write_text(EXPERIMENT.replace("127.0.0.1:9", address))
        git(repo, "init", "-q", "-b", "main")
        git(repo, "add", ".")
        git(repo, "commit", "-q", "-m", "far")
        for command in (["plan"], ["reconcile", "--once"]):
            done = kagit(*command, "--repo", "repo", cwd=tmp_path)
            assert done.returncode == 1
            assert "which nobody has allowed here" in done.stdout + done.stderr
        assert (theirs.asked, theirs.validated) == ([], [])
        done = kagit("plan", "--repo", "repo", "--suggestion-endpoint", address, cwd=tmp_path)
        assert (done.returncode, "create" in done.stdout) == (2, True), done.stdout + done.stderr
        done = kagit("reconcile", "--once", "--repo", "repo", "--suggestion-endpoint", address, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        theirs.verdict = Refused("I know no such algorithm")
        (repo / "experiments/a.yaml").write_text(
            EXPERIMENT.replace("127.0.0.1:9", address).replace("theirs", "nobodys")
        )
        git(repo, "commit", "-q", "-am", "other")
        done = kagit("plan", "--repo", "repo", "--suggestion-endpoint", address, cwd=tmp_path)
        assert "refuses: I know no such algorithm" in done.stdout


def test_what_a_service_refuses_does_not_run(tmp_path):
    with running(Theirs(verdict=Refused("spec.algorithm: no"))) as address:
        done = run(tmp_path, address)
    assert done.returncode == 1
    assert f"Suggestion service at {address} refuses: spec.algorithm: no" in done.stderr


@pytest.mark.parametrize(
    "answer",
    [[], [point(), point()], Unavailable("busy"), NotFound("nothing left")],
    ids=["none", "two", "busy", "empty"],
)
def test_a_bad_answer_is_asked_for_again_and_nothing_is_lost(tmp_path, answer):
    theirs = Theirs([point("0.9")], answer, [point("0.8")])
    with running(theirs) as address:
        done = run(tmp_path, address)
    if isinstance(answer, NotFound):
        assert done.returncode == 1
        assert "nothing left" in done.stderr
        with running(theirs, address):
            done = run(tmp_path, address)
        assert "trying again" not in done.stderr
    else:
        assert "trying again" in done.stderr
    assert done.returncode == 0, done.stderr
    assert [one["spec"]["parameterAssignments"][0]["value"] for one in trials(tmp_path)][:2] == ["0.9", "0.8"]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (point("1.5"), "gave '1.5' for x, which is outside its feasibleSpace"),
        (point("nan"), "gave 'nan' for x"),
        (point(""), "gave '' for x"),
        (point(None), "gave no value for 'x'"),
        (point(y="1"), "gave a value for the unknown parameter 'y'"),
        ({}, "gave no value for 'x'"),
    ],
)
def test_a_point_that_does_not_fit_is_refused_and_what_came_before_it_is_kept(tmp_path, answer, message):
    with running(Theirs([point("0.9")], [answer])) as address:
        done = run(tmp_path, address)
    assert done.returncode == 1
    assert f"default/far: refused: the suggestion service at {address} {message}" in done.stderr
    theirs = Theirs()
    with running(theirs, address):
        done = run(tmp_path, address)
    assert done.returncode == 0, done.stderr
    assert [one["total_request_number"] for one in theirs.asked] == [2, 3, 4]
    assert trials(tmp_path)[0]["status"]["observation"]["metrics"][0]["latest"] == "0.9"


def test_a_service_that_is_gone_is_waited_for(tmp_path):
    with running(Theirs()) as address:
        pass
    (tmp_path / "a.yaml").write_text(EXPERIMENT.replace("127.0.0.1:9", address))
    with background("run", "a.yaml", "--suggestion-endpoint", address, cwd=tmp_path) as process:
        said = f"Suggestion service at {address} gives no answer"
        eventually(lambda: said in (tmp_path / "err.txt").read_text(), "it says that nobody answers")
        with running(Theirs(), address):
            assert process.wait(60) == 0
    assert len(trials(tmp_path)) == 4


def test_another_service_may_be_named_while_it_runs(tmp_path):
    one, other = Theirs(), Theirs()
    with running(one) as first, running(other) as second:
        text = EXPERIMENT.replace("127.0.0.1:9", first).replace("spec:\n", "spec:\n  resumePolicy: LongRunning\n", 1)
        allow = ["--suggestion-endpoint", first, "--suggestion-endpoint", second]
        repo = tmp_path / "repo"
        (repo / "experiments").mkdir(parents=True)
        (repo / "experiments/a.yaml").write_text(text)
        git(repo, "init", "-q", "-b", "main")
        git(repo, "add", ".")
        git(repo, "commit", "-q", "-m", "far")
        assert kagit("reconcile", "--once", "--repo", "repo", *allow, cwd=tmp_path).returncode == 0
        text = text.replace(first, second).replace("maxTrialCount: 4", "maxTrialCount: 6")
        (repo / "experiments/a.yaml").write_text(text)
        git(repo, "commit", "-q", "-am", "more")
        done = kagit("reconcile", "--once", "--repo", "repo", *allow, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert (len(one.asked), len(other.asked)) == (4, 2)
    assert len(other.asked[0]["trials"]) == 4
