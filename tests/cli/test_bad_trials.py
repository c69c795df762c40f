"""Trials that misbehave: each ends in a clear status and message, and the others lose nothing."""

import json
import sys
from pathlib import Path

import pytest

from tests.cli.support import manifest, none_left, rows, sh

PYTHON = (sys.executable, "-I", "-S", "-c")
NO_READING = "Metrics are not available: the output has no line like `loss=0.5`"


@pytest.fixture
def outcome(cli, here: Path):
    """Runs one experiment with one trial, which must be reported: exit code, and status and message of the trial."""

    def run(command, **spec):
        (here / "a.yaml").write_text(manifest("a", command, trials=1, **spec))
        code = cli("run", "a.yaml", "--report", "out").code
        trial = json.loads(cli("get", "trials", "-o", "json").out)["items"][0]
        last = [one for one in trial["status"]["conditions"] if one["status"] == "True"][-1]
        row = rows((here / "out" / "trials.csv").read_text())[0]
        assert row["status"] == last["type"]
        none_left(here / ".kagit")
        return code, last["type"], last["message"]

    return run


def test_a_missing_command(outcome):
    _, status, message = outcome(["no-such-program", "--now"])
    assert status == "Failed"
    assert "'no-such-program' was not found" in message


def test_an_exit_code(outcome):
    code, status, message = outcome(sh("exit 7"), maxFailedTrialCount=0)
    assert (code, status) == (1, "Failed")
    assert "7" in message


def test_an_exit_by_signal(outcome):
    _, status, message = outcome(sh("kill -SEGV $$$$"))
    assert status == "Failed"
    assert "SIGSEGV" in message


def test_no_metric(outcome):
    _, status, message = outcome(sh("echo accuracy=0.9"))
    assert (status, message) == ("MetricsUnavailable", NO_READING)


def test_no_output_at_all(outcome):
    _, status, message = outcome(sh("true"))
    assert (status, message) == ("MetricsUnavailable", NO_READING)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "oops"])
def test_a_metric_that_is_no_number_is_quoted(outcome, value: str):
    _, status, message = outcome(sh(f"echo loss={value}"))
    assert status == "MetricsUnavailable"
    assert "loss" in message
    assert value in message


def test_a_number_among_nans_counts(outcome):
    code, status, _ = outcome(sh("echo loss=nan; echo loss=0.5; echo loss=inf"))
    assert (code, status) == (0, "Succeeded")


def test_a_hundred_megabytes_in_one_line(outcome, here: Path):
    write = "import sys; [sys.stdout.write('x' * 1000000) for _ in range(100)]; print(); print('loss=0.25')"
    code, status, _ = outcome([*PYTHON, write])
    assert (code, status) == (0, "Succeeded")
    assert float(rows((here / "out" / "trials.csv").read_text())[0]["loss"]) == 0.25


def test_bytes_that_are_no_text(outcome, here: Path):
    code, status, _ = outcome(sh("printf '\\377\\376\\000loss\\n\\033[31mloss=0.5\\033[0m\\nloss=0.25\\n'"))
    assert (code, status) == (0, "Succeeded")
    assert float(rows((here / "out" / "trials.csv").read_text())[0]["loss"]) == 0.25


def test_children_that_outlive_their_trial(outcome):
    code, status, _ = outcome(sh("sleep 600 & (setsid sleep 600 &) ; echo loss=1"))
    assert (code, status) == (0, "Succeeded")


def test_a_deadline(outcome):
    job = json.loads(manifest("a", sh("sleep 600")))["spec"]["trialTemplate"]["trialSpec"]
    job["spec"]["activeDeadlineSeconds"] = 1
    _, status, message = outcome(sh(""), trial_spec=job)
    assert status == "Failed"
    assert "1" in message
    assert "deadline" in message.lower()


def test_sigterm_ignored(outcome):
    stubborn = "trap '' TERM; while :; do sleep 0.05; done"
    job = json.loads(manifest("a", sh(stubborn), pod={"terminationGracePeriodSeconds": 0}))["spec"]["trialTemplate"]
    job["trialSpec"]["spec"]["activeDeadlineSeconds"] = 1
    _, status, message = outcome(sh(""), trial_spec=job["trialSpec"])
    assert status == "Failed"
    assert "deadline" in message.lower()


def test_too_much_memory(outcome):
    hungry = "import time; block = bytearray(200 << 20); time.sleep(60)"
    _, status, message = outcome([*PYTHON, hungry], container={"resources": {"limits": {"memory": "64Mi"}}})
    assert status == "Failed"
    assert "memory" in message.lower()


def test_one_bad_trial_among_good_ones_loses_nothing(cli, here: Path):
    script = "case $KATIB_TRIAL_NAME in *1) exit 9;; *2) echo hello;; *) echo loss=$RATE;; esac"
    (here / "a.yaml").write_text(manifest("a", sh(script), trials=5))
    done = cli("run", "a.yaml", "--report", "out")
    assert done.code == 0
    found = rows((here / "out" / "trials.csv").read_text())
    assert [one["status"] for one in found] == ["Succeeded", "Failed", "MetricsUnavailable", "Succeeded", "Succeeded"]
    assert [bool(one["loss"]) for one in found] == [True, False, False, True, True]


def test_a_full_disk_for_one_trial(outcome):
    write = "import os, resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
    write += "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    write += "open(os.environ['KAGIT_TRIAL_DIR'] + '/model', 'wb').write(bytes(1 << 20))"
    _, status, message = outcome([*PYTHON, write])
    assert status == "Failed"
    assert "1" in message


CONDITIONS = {"successCondition": "status.phase", "failureCondition": "status.phase"}


@pytest.mark.parametrize(
    ("version", "kind", "runner"),
    [
        ("kubeflow.org/v1", "PaddleJob", "the Kubeflow Training Operator"),
        ("kubeflow.org/v1", "JAXJob", "the Kubeflow Training Operator"),
        ("argoproj.io/v1alpha1", "CronWorkflow", "a cluster that serves argoproj.io/v1alpha1"),
        ("tekton.dev/v1", "TaskRun", "Tekton Pipelines"),
        ("ray.io/v1", "RayJob", "KubeRay"),
        ("example.org/v1", "Widget", "a cluster that serves example.org/v1"),
    ],
)
def test_a_kind_that_cannot_run_here_names_what_would_run_it(cli, here: Path, version: str, kind: str, runner: str):
    spec = {"apiVersion": version, "kind": kind, "spec": {"rate": "${trialParameters.rate}"}}
    body = json.loads(manifest("a", sh(""), trial_spec=spec))
    body["spec"]["trialTemplate"] |= CONDITIONS
    (here / "a.yaml").write_text(json.dumps(body))
    done = cli("run", "a.yaml")
    assert done.code == 1
    assert f"{kind} needs {runner}" in done.err
    assert not list((here / ".kagit").rglob("*.log"))
