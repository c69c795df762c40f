"""Population based training on the command line: whose checkpoint a trial sees, and what a killed reconciler does."""

import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.support import background, eventually, kagit, lines, manifest, none_left

TRIALS, SIZE = 17, 5
# A checkpoint is the line of trials that it came through; the best are those with the largest rate at the beginning.
SCRIPT = """
import os, sys, time
from pathlib import Path
here, rate, name = Path(sys.argv[1]), sys.argv[2], os.environ["KATIB_TRIAL_NAME"]
assert str(here) == os.environ["KAGIT_CHECKPOINT_DIR"], here
file = here / "line.txt"
line = file.read_text().split() if file.exists() else []
print("began with", " ".join(line) or "nothing", flush=True)
file.write_text("half written")
if not line:
    (here / "worth.txt").write_text(rate)
with open(os.environ["LEDGER"], "a") as ledger:
    ledger.write(name + "\\n")
time.sleep(float(os.environ.get("SECONDS_EACH", "0")))
line.append(name)
file.write_text(" ".join(line))
print("loss=" + repr(-float((here / "worth.txt").read_text())))
"""


def experiment(name: str, **algorithm: str) -> str:
    settings = {"suggestion_trial_dir": "/ckpt/", "n_population": str(SIZE), "truncation_threshold": "0.4", **algorithm}
    command = [sys.executable, "-c", SCRIPT, "/ckpt", "${trialParameters.rate}"]
    return manifest(
        name,
        command,
        trials=TRIALS,
        parallel=2,
        algorithm={
            "algorithmName": "pbt",
            "algorithmSettings": [{"name": key, "value": value} for key, value in settings.items()],
        },
    )


def trials(place: Path) -> dict[str, dict[str, Any]]:
    done = kagit("get", "trials", "-o", "json", "--state", place / "state", cwd=place)
    assert done.returncode == 0, done.stderr
    return {one["metadata"]["name"]: one for one in json.loads(done.stdout)["items"]}


def parents(found: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {name: one["metadata"]["labels"].get("kagit.dev/parent", "") for name, one in found.items()}


def lineage(name: str, parent: dict[str, str]) -> list[str]:
    return [*lineage(parent[name], parent), name] if name else []


def began_with(place: Path, name: str) -> list[str]:
    done = kagit("logs", name, "--state", place / "state", cwd=place)
    last = [line for line in done.stdout.splitlines() if line.startswith("began with ")][-1].split()[2:]
    return [] if last == ["nothing"] else last


def run(place: Path, text: str, **env: str) -> None:
    (place / "pbt.yaml").write_text(text)
    done = kagit(
        "run", "pbt.yaml", "--state", place / "state", "--slots", "2", cwd=place, LEDGER=str(place / "ledger"), **env
    )
    assert done.returncode == 0, done.stderr + done.stdout


def proven(place: Path) -> dict[str, str]:
    """Every trial has begun with what its parent left, and the parent of the replaced is a better one."""
    found = trials(place)
    parent = parents(found)
    assert len(found) == TRIALS
    for name in found:
        assert began_with(place, name) == lineage(parent[name], parent), name
    value = {name: float(one["status"]["observation"]["metrics"][0]["latest"]) for name, one in found.items()}
    for index, name in enumerate(sorted(found)):
        if index < SIZE:
            assert parent[name] == ""
            continue
        first = index - index % SIZE - SIZE
        before = sorted(found)[first : first + SIZE]
        own = before[index % SIZE]
        if parent[name] != own:
            assert value[parent[name]] < value[own]
            assert parent[name] in sorted(before, key=value.__getitem__)[:2]
        assert value[name] == value[parent[name]], "the value is that of the checkpoint"
    replaced = [n for i, n in enumerate(sorted(found)) if i >= SIZE and int(parent[n][-4:]) != i - SIZE]
    assert len(replaced) >= 2
    return parent


def test_who_is_replaced_goes_on_from_the_winners_checkpoint(tmp_path):
    run(tmp_path, experiment("walk", random_state="1"))
    parent = proven(tmp_path)
    left = sorted(one.name for one in (tmp_path / "state/engine/checkpoints/default/walk-1").iterdir())
    best = json.loads(kagit("get", "experiments", "walk", "-o", "json", "--state", "state", cwd=tmp_path).stdout)
    kept = {best["status"]["currentOptimalTrial"]["bestTrialName"], *(f"walk-1-{i:04}" for i in range(10, TRIALS))}
    assert kept <= set(left), "the last two generations and the best trial's are kept"
    assert len(left) <= len(kept) + 1, "what nobody needs any more is gone"
    told = kagit("describe", "trial", "walk-1-0016", "--state", "state", cwd=tmp_path).stdout
    assert f"kagit.dev/parent={parent['walk-1-0016']}" in told
    assert "pbt.suggestion.katib.kubeflow.org/generation=3" in told
    none_left(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_reconciler_that_is_killed_every_few_trials_leaves_the_same_lines(tmp_path):
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    for place in (straight, killed):
        place.mkdir()
    text = experiment("walk", random_state="1")
    run(straight, text)
    (killed / "pbt.yaml").write_text(text)
    ledger, kills = killed / "ledger", 0
    arguments = ("run", "pbt.yaml", "--state", killed / "state", "--slots", "2")
    for many in (1, 6, 12):
        with background(*arguments, cwd=killed, LEDGER=str(ledger), SECONDS_EACH="0.3") as process:
            eventually(lambda many=many: len(lines(ledger)) >= many, f"{many} trials have begun")
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
    run(killed, text)
    assert kills == 3
    assert proven(killed) == proven(straight)
    points = [{n: one["spec"]["parameterAssignments"] for n, one in trials(p).items()} for p in (straight, killed)]
    assert points[0] == points[1]
    none_left(tmp_path)


def test_a_checkpoint_that_cannot_be_made_fails_its_trial_and_says_why(tmp_path):
    (tmp_path / "state/engine").mkdir(parents=True)
    (tmp_path / "state/engine/checkpoints").write_text("in the way")
    (tmp_path / "pbt.yaml").write_text(experiment("walk"))
    done = kagit("run", "pbt.yaml", "--state", tmp_path / "state", cwd=tmp_path, LEDGER=str(tmp_path / "ledger"))
    assert done.returncode == 1
    told = kagit("describe", "trial", "walk-1-0000", "--state", "state", cwd=tmp_path).stdout
    assert "StartError" in told
    assert "its checkpoint" in told
    assert "could not be made: Not a directory" in told
    assert not lines(tmp_path / "ledger")


def test_trials_with_equal_assignments_each_make_their_own_checkpoint(tmp_path):
    body = json.loads(experiment("walk", random_state="1"))
    body["metadata"]["annotations"] = {"kagit.dev/reuse-results": "true"}
    run(tmp_path, json.dumps(body))
    proven(tmp_path)
    assert sorted(lines(tmp_path / "ledger")) == [f"walk-1-{i:04}" for i in range(TRIALS)]
