"""`get`, `describe`, `logs` and `query`: while a reconciler runs on the same state directory, and after it ended."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.cli.support import (
    KAGIT,
    LOSS,
    Origin,
    background,
    environment,
    eventually,
    lines,
    manifest,
    sh,
)

A = "experiments/a.yaml"
SLOW = 'echo loss=3; echo "$KATIB_TRIAL_NAME" >> "$LEDGER"; while [ ! -e "$GO" ]; do sleep 0.02; done; echo loss=$RATE'


def test_everything_can_be_looked_at_while_a_reconciler_runs(cli, here: Path, origin: Origin):
    ledger, go = here / "ledger", here / "go"
    origin.push({A: manifest("a", sh(SLOW), trials=3, parallel=2)})
    arguments = ("reconcile", "--repo", origin.url, "--once", "--state", "st", "--slots", "2")
    with background(*arguments, cwd=here, LEDGER=str(ledger), GO=str(go)) as process:
        eventually(lambda: len(lines(ledger)) == 2, "trials run")
        assert [line.split()[1:3] for line in cli("get", "experiments", "--state", "st").out.splitlines()[1:]] == [
            ["a", "Running"]
        ]
        eventually(
            lambda: (
                [line.split()[1:3] for line in cli("get", "trials", "--state", "st").out.splitlines()[1:]]
                == [["a-1-0000", "Running"], ["a-1-0001", "Running"]]
            ),
            "both are said to run",
        )
        assert re.search(r"^Status: +Running$", cli("describe", "experiment", "a", "--state", "st").out, re.MULTILINE)
        assert cli("logs", "a-1-0000", "--state", "st").out == "loss=3\n"
        sql = "SELECT trial, value FROM readings ORDER BY ALL"
        eventually(
            lambda: (
                json.loads(cli("query", sql, "-o", "json", "--state", "st").out or "[]")
                == [{"trial": "a-1-0000", "value": 3.0}, {"trial": "a-1-0001", "value": 3.0}]
            ),
            "the readings can be asked for while the trials run",
        )
        followed = subprocess.Popen(
            [*KAGIT, "logs", "-f", "a-1-0001", "--state", "st"],
            cwd=here,
            env=environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert followed.stdout.readline() == "loss=3\n"
        waiting = cli("logs", "a-1-0002", "--state", "st")
        assert waiting.code == 1
        assert "a-1-0002" in waiting.err
        go.touch()
        rate = re.fullmatch(r"loss=(0\.\d+)\n", followed.stdout.read())[1]
        followed.stdout.close()
        assert followed.wait() == 0
        assert process.wait(timeout=60) == 0, (here / "err.txt").read_text()
    assert {one["trial"]: one["rate"] for one in origin.trials("a")}["a-1-0001"] == rate


@pytest.fixture
def ended(cli, origin: Origin):
    """A state directory after a run of experiments `a` (three trials) and `b` (one, in namespace `team`)."""
    script = "echo starting; echo loss=2; echo loss=$RATE"
    origin.push(
        {A: manifest("a", sh(script), trials=3), "experiments/b.yaml": manifest("b", LOSS, namespace="team", trials=1)}
    )
    assert cli("reconcile", "--repo", origin.url, "--once").code == 0


@pytest.mark.usefixtures("ended")
def test_get_after_the_end(cli):
    heading, *found = cli("get", "experiments").out.splitlines()
    assert re.split("  +", heading) == [
        *("NAMESPACE", "NAME", "TYPE", "STATUS", "TRIALS", "SUCCEEDED", "FAILED", "BEST TRIAL", "AGE"),
    ]
    assert [line.split()[:7] for line in found] == [
        ["default", "a", "Succeeded", "True", "3", "3", "0"],
        ["team", "b", "Succeeded", "True", "1", "1", "0"],
    ]
    assert all(re.fullmatch(r"[0-9]+[smh]", line.split()[-1]) for line in found)
    assert len(cli("get", "trials", "--experiment", "a").out.splitlines()) == 4
    assert len(cli("get", "trials", "-n", "team").out.splitlines()) == 2
    suggestions = [line.split()[:7] for line in cli("get", "suggestions").out.splitlines()]
    assert suggestions[0][2:6] == ["TYPE", "STATUS", "REQUESTED", "ASSIGNED"]
    assert suggestions[1:] == [
        ["default", "a", "Succeeded", "True", "3", "3", "random"],
        ["team", "b", "Succeeded", "True", "1", "1", "random"],
    ]


@pytest.mark.usefixtures("ended")
def test_get_takes_a_name_and_tells_more_or_less(cli):
    assert len(cli("get", "experiment", "a").out.splitlines()) == 2
    body = json.loads(cli("get", "trial", "b-1-0000", "-n", "team", "-o", "json").out)
    assert (body["kind"], body["metadata"]["name"]) == ("Trial", "b-1-0000"), "an object that is named is no list"
    gone = cli("get", "suggestion", "zzz")
    assert gone.code == 1
    assert "there is no suggestion 'zzz' in namespace 'default'" in gone.err
    assert cli("get", "trials", "-o", "name", "-n", "team").out == "trial.kubeflow.org/b-1-0000\n"
    for what, more in (
        ("experiments", ["RUN", "BEST", "REASON"]),
        ("trials", ["STARTED", "FINISHED", "ATTEMPT", "REASON"]),
        ("suggestions", ["WAITING", "REASON"]),
    ):
        narrow, wide = (re.split("  +", cli("get", what, "-o", o).out.splitlines()[0]) for o in ("table", "wide"))
        assert wide == [*narrow, *more]
    row = re.split("  +", cli("get", "experiments", "-o", "wide").out.splitlines()[1])
    assert row[-1] == "ExperimentMaxTrialsReached"
    assert 0.1 <= float(row[-2]) <= 0.9


@pytest.mark.usefixtures("ended")
def test_get_as_json_and_yaml_gives_whole_objects(cli):
    for what in ("experiments", "trials", "suggestions"):
        found = json.loads(cli("get", what, "-o", "json").out)
        assert found == yaml.safe_load(cli("get", what, "-o", "yaml").out)
        assert (found["apiVersion"], found["kind"]) == ("v1", "List"), "as kubectl, for whatever reads its output"
        assert {one["kind"] for one in found["items"]} == {what.removesuffix("s").capitalize()}
        assert all(one["apiVersion"] == "kubeflow.org/v1beta1" for one in found["items"])


@pytest.mark.usefixtures("ended")
def test_describe_shows_the_effective_spec_and_the_history(cli):
    text = cli("describe", "experiment", "a").out
    told = dict(re.findall(r"^ *([A-Z][^:\n]*): +(.*)$", text, re.MULTILINE))
    assert told["Objective"] == "minimize loss"
    assert told["Algorithm"] == "random"
    assert told["Max trials"] == "3"
    assert told["Resume policy"] == "Never (default)"
    assert told["Parallel trials"] == "2"
    assert told["Strategy of loss"] == "min (default)"
    assert told["Goal"] == "none (default)"
    assert told["Early stopping"] == "none (default)"
    assert told["Metrics collector"] == "StdOut (default)"
    assert told["Trial template"] == "Job (batch/v1)"
    assert told["Primary container"] == "main"
    assert told["Success condition"] == 'status.conditions.#(type=="Complete")#|#(status=="True")# (default)'
    assert re.search(r"^rate +double +0\.1 to 0\.9 +- +uniform \(default\)$", text, re.MULTILINE)
    assert re.search(r"^\$\{trialParameters\.rate\} +rate +-$", text, re.MULTILINE)
    assert told["Best trial"].startswith("a-1-")
    assert re.search(r"^Succeeded +True +\S+ +ExperimentMaxTrialsReached", text, re.MULTILINE)
    body = yaml.safe_load(cli("describe", "experiment", "a", "-o", "yaml").out)
    assert body["spec"]["resumePolicy"] == "Never"
    trial = cli("describe", "trial", "a-1-0000").out
    assert re.search(r"^rate: +0\.\d+$", trial, re.MULTILINE)
    assert re.search(r"^loss: +min 0\.\d+, max 2, latest 0\.\d+$", trial, re.MULTILINE)
    assert "containers" not in trial
    ran = yaml.safe_load(cli("describe", "trial", "a-1-0000", "--run-spec").out)
    assert (ran["kind"], ran["metadata"]["name"]) == ("Job", "a-1-0000")
    assert re.search(r"^Requested: +3$", cli("describe", "suggestion", "a").out, re.MULTILINE)


@pytest.mark.usefixtures("ended")
def test_logs_after_the_end(cli):
    whole = cli("logs", "a-1-0002").out.splitlines()
    assert whole[:2] == ["starting", "loss=2"]
    assert cli("logs", "a-1-0002", "--tail", "2").out.splitlines() == whole[-2:]
    assert cli("logs", "a-1-0002", "--tail", "0").out == ""
    assert cli("logs", "a-1-0002", "--tail", "99").out.splitlines() == whole
    assert cli("logs", "-f", "a-1-0002").out.splitlines() == whole
    assert cli("logs", "b-1-0000", "-n", "team").out.startswith("loss=")


@pytest.mark.usefixtures("ended")
def test_query_after_the_end(cli):
    sql = "SELECT experiment, count(*) AS n FROM readings WHERE metric = 'loss' GROUP BY ALL ORDER BY ALL"
    done = cli("query", sql)
    assert [line.split() for line in done.out.splitlines()] == [["experiment", "n"], ["a", "6"], ["b", "1"]]
    assert json.loads(cli("query", sql, "-o", "json").out) == [{"experiment": "a", "n": 6}, {"experiment": "b", "n": 1}]
    assert yaml.safe_load(cli("query", sql, "-o", "yaml").out)[1] == {"experiment": "b", "n": 1}


WRITES = [
    "DELETE FROM stored_readings",
    "CREATE TABLE t (a INT)",
    "SELECT 1; DROP VIEW readings",
    "COPY (SELECT 1) TO 'stolen.csv'",
    "ATTACH 'other.duckdb'",
    "SELECT * FROM read_text('/etc/hostname')",
    "SELECT nonsense FROM readings",
]


@pytest.mark.usefixtures("ended")
def test_a_query_may_only_read_the_readings(cli, here: Path):
    for sql in WRITES:
        done = cli("query", sql)
        assert done.code == 1, sql
        assert done.err.startswith("kagit query: ")
        assert not (here / "stolen.csv").exists()
    assert json.loads(cli("query", "SELECT count(*) AS n FROM readings", "-o", "json").out) == [{"n": 7}]


def test_a_query_may_only_read_also_where_a_reconciler_answers_it(cli, here: Path, origin: Origin):
    ledger, go = here / "ledger", here / "go"
    origin.push({A: manifest("a", sh(SLOW))})
    arguments = ("reconcile", "--repo", origin.url, "--once")
    with background(*arguments, cwd=here, LEDGER=str(ledger), GO=str(go)) as process:
        eventually(lambda: len(lines(ledger)) == 2, "trials run")
        for sql in WRITES[:4]:
            done = cli("query", sql)
            assert done.code == 1
            assert done.err.startswith("kagit query: ")
        go.touch()
        assert process.wait(timeout=60) == 0
    assert not list(here.rglob("stolen.csv"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("get", "experiments"), "--state"),
        (("describe", "experiment", "a"), "--state"),
        (("logs", "a-1-0000"), "--state"),
        (("query", "SELECT 1"), "--state"),
    ],
)
def test_an_empty_state_directory_is_named_and_not_made(cli, here: Path, arguments: tuple[str, ...], said: str):
    done = cli(*arguments, "--state", "nowhere")
    assert done.code == 1
    assert "nowhere" in done.err
    assert said in done.err
    assert not (here / "nowhere").exists()


@pytest.mark.usefixtures("ended")
def test_a_name_that_is_not_there_is_said(cli):
    for *command, name in (
        ("describe", "experiment", "zzz"),
        ("describe", "trial", "a-1-0009"),
        ("logs", "a-1-0009"),
        ("logs", "../../a"),
    ):
        done = cli(*command, name)
        assert done.code == 1
        assert f"{name!r} in namespace 'default'" in done.err
        assert "kagit get" in done.err


def test_a_trial_cannot_write_to_the_terminal_of_who_looks(cli, here: Path):
    (here / "a.yaml").write_text(
        manifest("a", sh("printf '\\033]0;gone\\007' >&2; exit 1"), trials=1, maxFailedTrialCount=0)
    )
    assert cli("run", "a.yaml").code == 1
    for arguments in (("get", "trials"), ("describe", "trial", "a-1-0000"), ("describe", "experiment", "a")):
        assert "\x1b" not in cli(*arguments).out
