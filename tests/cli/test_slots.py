"""What runs at once: slots and devices over all experiments, judged by the trials' own ledger."""

import re
from pathlib import Path

import pytest

from tests.cli.support import Origin, background, eventually, kagit, lines, manifest, sh

A, B = "experiments/a.yaml", "experiments/b.yaml"
STEP = (
    'echo "+ $KATIB_TRIAL_NAME $CUDA_VISIBLE_DEVICES" >> "$LEDGER"; sleep 0.1; '
    'echo "- $KATIB_TRIAL_NAME $CUDA_VISIBLE_DEVICES" >> "$LEDGER"; echo loss=1'
)
SLOW = 'echo "$KATIB_TRIAL_NAME" >> "$LEDGER"; while [ ! -e "$GO" ]; do sleep 0.02; done; echo loss=1'


def at_once(ledger: Path) -> int:
    """The most trials that were between their first and last line at any time."""
    running = most = 0
    for line in lines(ledger):
        running += 1 if line[0] == "+" else -1
        most = max(most, running)
    assert running == 0
    return most


@pytest.fixture
def ledger(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LEDGER", str(here / "ledger"))
    return here / "ledger"


@pytest.mark.parametrize(("slots", "most"), [(1, 1), (3, 3)])
def test_no_more_than_the_slots_run_at_once(cli, here: Path, ledger: Path, slots: int, most: int):
    (here / "a.yaml").write_text(manifest("a", sh(STEP), trials=6, parallel=6))
    assert cli("run", "a.yaml", "--slots", slots).code == 0
    assert len(lines(ledger)) == 12
    assert at_once(ledger) <= most
    assert most == 1 or at_once(ledger) > 1


def test_parallel_trials_bound_one_experiment(cli, here: Path, ledger: Path):
    (here / "a.yaml").write_text(manifest("a", sh(STEP), trials=4, parallel=1))
    assert cli("run", "a.yaml", "--slots", "4").code == 0
    assert at_once(ledger) == 1


def test_a_request_of_two_cpus_takes_two_slots(cli, here: Path, ledger: Path):
    wide = {"resources": {"requests": {"cpu": "1500m"}}}
    (here / "a.yaml").write_text(manifest("a", sh(STEP), trials=4, parallel=4, container=wide))
    assert cli("run", "a.yaml", "--slots", "3").code == 0
    assert at_once(ledger) == 1


def test_slots_are_shared_fairly_and_who_waits_says_so(here: Path, origin: Origin):
    ledger, go = here / "ledger", here / "go"
    origin.push({A: manifest("a", sh(SLOW), trials=4, parallel=4), B: manifest("b", sh(SLOW), trials=4, parallel=4)})
    arguments = ("reconcile", "--repo", origin.url, "--once", "--slots", "2")
    with background(*arguments, cwd=here, LEDGER=str(ledger), GO=str(go)) as process:
        eventually(lambda: len(lines(ledger)) == 2, "two trials run")
        assert sorted(line[0] for line in lines(ledger)) == ["a", "b"]
        go.touch()
        assert process.wait(timeout=60) == 0
    assert len(lines(ledger)) == 8


def test_an_experiment_without_a_slot_says_in_which_place_it_waits(here: Path, origin: Origin):
    ledger, go = here / "ledger", here / "go"
    origin.push({A: manifest("a", sh(SLOW), trials=1)})
    arguments = ("reconcile", "--repo", origin.url, "--interval", "1h", "--slots", "1")
    with background(*arguments, cwd=here, LEDGER=str(ledger), GO=str(go)):
        eventually(lambda: len(lines(ledger)) == 1, "the first trial runs")
        origin.push({B: manifest("b", sh(SLOW), trials=1)})
        said = here / "err.txt"
        eventually(lambda: re.search(r"default/b: .*WaitingForSlot\(position 1\)", said.read_text()), "it says so")
        waiting = kagit("logs", "b-1-0000", cwd=here)
        assert waiting.returncode == 1
        assert waiting.stderr == "kagit logs: trial b-1-0000 has not started yet; wait for it with --follow\n"
        go.touch()
        eventually(lambda: "reports/default/b/best.yaml" in origin.files(), "both are reported")
    assert lines(ledger) == ["a-1-0000", "b-1-0000"]


@pytest.mark.parametrize(
    ("resources", "said"),
    [
        ({"cpu": "4"}, "a trial asks for 4 slots, and this machine has 3; lower its CPU request or raise --slots"),
        ({"nvidia.com/gpu": "3"}, "a trial asks for 3 GPUs, and this machine has 2; name them with --gpus"),
    ],
)
def test_more_than_there_is_is_refused_before_anything_starts(cli, here: Path, ledger: Path, resources, said: str):
    (here / "a.yaml").write_text(manifest("a", sh(STEP), container={"resources": {"limits": resources}}))
    done = cli("run", "a.yaml", "--slots", "3", "--gpus", "0,1")
    assert done.code == 1
    assert said in done.err
    assert lines(ledger) == []


def distributed(master: str, worker: str, *, workers: int) -> dict:
    own = [{"name": "RATE", "value": "${trialParameters.rate}"}]
    roles = {"Master": (1, master), "Worker": (workers, worker)}
    specs = {
        role: {
            "replicas": number,
            "restartPolicy": "Never",
            "template": {"spec": {"containers": [{"name": "main", "command": sh(script), "env": own}]}},
        }
        for role, (number, script) in roles.items()
    }
    return {"apiVersion": "kubeflow.org/v1", "kind": "PyTorchJob", "spec": {"pytorchReplicaSpecs": specs}}


def test_every_replica_takes_a_slot(cli, here: Path, ledger: Path):
    spec = distributed(STEP, STEP, workers=2)
    (here / "a.yaml").write_text(manifest("a", [], trials=2, parallel=2, trial_spec=spec))
    done = cli("run", "a.yaml", "--slots", "2")
    assert "a trial asks for 3 slots, and this machine has 2; lower its CPU request or its replicas" in done.err
    assert cli("run", "a.yaml", "--slots", "5").code == 0
    assert len(lines(ledger)) == 12
    assert at_once(ledger) <= 3


def test_a_worker_that_fails_is_named_in_the_report(cli, here: Path):
    spec = distributed("sleep 600", "echo out of data; exit 9", workers=1)
    (here / "a.yaml").write_text(manifest("a", [], trials=1, trial_spec=spec))
    assert cli("run", "a.yaml", "--slots", "2", "--report", "out").code == 1
    shown = cli("describe", "trial", "a-1-0000").out
    assert "worker 0 ended with exit code 9; its last line: out of data" in " ".join(shown.split())
    assert cli("logs", "a-1-0000", "--container", "worker-0").out == "out of data\n"
    wrong = cli("logs", "a-1-0000", "-c", "worker-7")
    assert (wrong.code, wrong.out) == (1, "")
    assert "no output of a container 'worker-7'; there are worker-0" in wrong.err


def test_a_device_is_never_given_to_two_at_once(cli, here: Path, ledger: Path):
    one = {"resources": {"limits": {"nvidia.com/gpu": 1}}}
    (here / "a.yaml").write_text(manifest("a", sh(STEP), trials=6, parallel=6, container=one))
    assert cli("run", "a.yaml", "--slots", "6", "--gpus", "0,GPU-7").code == 0
    held: dict[str, str] = {}
    used: set[str] = set()
    for line in lines(ledger):
        sign, trial, device = line.split()
        if sign == "+":
            assert device not in held
            held[device] = trial
            used.add(device)
        else:
            assert held.pop(device) == trial
    assert used == {"0", "GPU-7"}


def test_a_trial_without_a_request_for_devices_sees_what_the_operator_sees(here: Path):
    ledger = here / "ledger"
    (here / "a.yaml").write_text(manifest("a", sh(STEP), trials=1))
    assert kagit("run", "a.yaml", cwd=here, LEDGER=str(ledger)).returncode == 0
    assert lines(ledger)[0] == "+ a-1-0000 "


def test_two_devices_for_one_trial(cli, here: Path, ledger: Path):
    two = {"resources": {"limits": {"nvidia.com/gpu": 2}}}
    (here / "a.yaml").write_text(manifest("a", sh(STEP), trials=2, parallel=2, container=two))
    assert cli("run", "a.yaml", "--slots", "4", "--gpus", "0,1,2").code == 0
    assert at_once(ledger) == 1
    assert all(len(set(line.split()[2].split(","))) == 2 for line in lines(ledger))
