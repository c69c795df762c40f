"""Deadlines, suspension, twins and early stopping with real processes."""

import json
from pathlib import Path

import pytest

from algorithms.contract import Finished, HistoryDigest
from tests.cli.support import LOSS, Origin, background, eventually, lines, manifest, none_left, sh

A = "experiments/a.yaml"
FOREVER = 'echo "$KATIB_TRIAL_NAME" >> "$LEDGER"; echo loss=$RATE; sleep 600'
GRID = {
    "algorithm": {"algorithmName": "grid"},
    "parameters": [
        {"name": "rate", "parameterType": "double", "feasibleSpace": {"min": "0.1", "max": "0.4", "step": "0.1"}}
    ],
}


def wishing(notes: dict[str, str], command: list[str] = LOSS, **given) -> str:
    body = json.loads(manifest("a", command, **given))
    body["metadata"]["annotations"] = {f"kagit.dev/{key}": value for key, value in notes.items()}
    return json.dumps(body)


def status(origin: Origin) -> str:
    """The report as it stands in the repository, empty while there is none."""
    return origin.read("reports/default/a/README.md") if origin.files() else ""


def test_suspend_and_resume_while_it_runs(here: Path, origin: Origin):
    ledger, go = here / "ledger", here / "go"
    command = sh(
        ': napping; echo "$KATIB_TRIAL_NAME" >> "$LEDGER"; while [ ! -e "$GO" ]; do sleep 0.02; done; echo loss=$RATE'
    )
    env = {"LEDGER": str(ledger), "GO": str(go)}
    origin.push({A: wishing({}, command)})
    with background("reconcile", "--repo", origin.url, "--interval", "1h", "--slots", "4", cwd=here, **env):
        eventually(lambda: len(lines(ledger)) == 2, "both trials run")
        origin.push({A: wishing({"suspend": "true"}, command)})
        eventually(lambda: "Suspended" in status(origin), "the report says that it is suspended")
        none_left(": napping;")
        assert len(lines(ledger)) == 2
        go.touch()
        origin.push({A: wishing({"suspend": "false"}, command)})
        eventually(lambda: "Succeeded" in status(origin), "it has run to its end")
    assert sorted(lines(ledger)) == ["a-1-0000", "a-1-0000", "a-1-0001", "a-1-0001"]
    assert [one["status"] for one in origin.trials("a")] == ["Succeeded"] * 2


def test_what_sleeps_is_quiet_and_the_plan_says_what_wakes_it(cli, origin: Origin):
    def plan(*args: str) -> tuple[int, str, str]:
        done = cli("plan", "--repo", origin.url, "--output", "json", *args)
        (one,) = json.loads(done.out)["plan"]
        return done.code, one["action"], one["reason"]

    origin.push({A: wishing({"suspend": "true"})})
    assert cli("reconcile", "--repo", origin.url, "--once").code == 0
    assert "Suspended" in status(origin)
    assert plan() == (0, "nothing", "its spec has not changed")
    tip = origin.tip()
    assert cli("reconcile", "--repo", origin.url, "--once").code == 0
    assert origin.tip() == tip
    origin.push({A: wishing({}, trials=3)})
    changed = (2, "resume", "kagit.dev/suspend is no longer true, maxTrialCount 2 → 3, maxFailedTrialCount 2 → 3")
    assert plan() == changed
    assert cli("reconcile", "--repo", origin.url, "--once").code == 0
    assert [one["status"] for one in origin.trials("a")] == ["Succeeded"] * 3
    origin.push({A: wishing({"suspend": "true"}, trials=3)}, branch="sleep")
    assert plan("--ref", "sleep", "--base", "main") == (2, "suspend", "kagit.dev/suspend is true")
    assert plan("--ref", "sleep") == (0, "nothing", "kagit.dev/suspend changed, but it is over")
    origin.push({A: wishing({"retries": "0", "max-duration": "1h"}, trials=3)}, branch="wish")
    said = "kagit.dev/max-duration none → 1h, kagit.dev/retries none → 0"
    assert plan("--ref", "wish", "--base", "main") == (2, "extend", said)


@pytest.mark.parametrize("prints", [False, True])
def test_when_the_time_is_up_everything_is_stopped(cli, origin: Origin, here: Path, monkeypatch, prints):
    """With a trial that came to a result the experiment has succeeded, without one it has failed."""
    monkeypatch.setenv("LEDGER", str(here / "ledger"))
    first = 'case "$KATIB_TRIAL_NAME" in *-0000) echo loss=1; exit 0;; esac; ' if prints else ""
    origin.push({A: wishing({"max-duration": "2s"}, sh(first + FOREVER))})
    done = cli("reconcile", "--repo", origin.url, "--once")
    assert done.code == (0 if prints else 1), done.err
    assert sorted(one["status"] for one in origin.trials("a")) == ["Killed", "Succeeded" if prints else "Killed"]
    assert "max duration has reached" in status(origin)
    none_left(here / "ledger")


def test_a_bad_trial_is_stopped_early_and_keeps_what_it_has_printed(cli, origin: Origin, here: Path, monkeypatch):
    monkeypatch.setenv("LEDGER", str(here / "ledger"))
    stopping = {
        "algorithmName": "medianstop",
        "algorithmSettings": [{"name": "min_trials_required", "value": "1"}, {"name": "start_step", "value": "2"}],
    }
    script = sh(f'echo loss=$RATE; echo loss=$RATE; [ "$RATE" != 0.1 ] || exit 0; {FOREVER}')
    origin.push({A: manifest("a", script, trials=3, parallel=1, earlyStopping=stopping, **GRID)})
    done = cli("reconcile", "--repo", origin.url, "--once")
    assert done.code == 0, done.err
    rows = origin.trials("a")
    assert [one["status"] for one in rows] == ["Succeeded", "EarlyStopped", "EarlyStopped"]
    assert [one["loss"] for one in rows] == ["0.1", "0.2", "0.3"]
    shown = json.loads(cli("get", "trials", "--output", "json").out)
    shown = shown["items"] if isinstance(shown, dict) else shown
    status = shown[1]["status"]
    assert [(one["type"], one["status"]) for one in status["conditions"]] == [
        ("Created", "True"),
        ("Running", "True"),
        ("EarlyStopped", "True"),
    ]
    assert status["startTime"] <= status["completionTime"]
    rules = [one["spec"].get("earlyStoppingRules") for one in shown]
    rule = {"name": "loss", "value": "0.1", "comparison": "greater", "startStep": 2}
    assert rules == [None, [rule], [rule]]
    none_left(here / "ledger")


def test_the_algorithm_is_told_what_stopped_trials_have_come_to(cli, origin: Origin, here: Path, monkeypatch):
    """Nothing of them is retained, and they count: in Katib their observation is lost, and they are asked for again."""
    monkeypatch.setenv("LEDGER", str(here / "ledger"))
    stopping = {"algorithmName": "patience", "algorithmSettings": [{"name": "patience", "value": "1"}]}
    script = sh(f"echo loss=$RATE; {FOREVER}")
    spec = {"algorithm": {"algorithmName": "tpe"}, "earlyStopping": stopping}
    origin.push({A: manifest("a", script, trials=3, parallel=1, **spec)})
    assert cli("reconcile", "--repo", origin.url, "--once").code == 0
    rows = origin.trials("a")
    assert [one["status"] for one in rows] == ["EarlyStopped"] * 3
    assert all(one["loss"] == one["rate"] for one in rows)
    shown = json.loads(cli("get", "trials", "--output", "json").out)
    shown = shown["items"] if isinstance(shown, dict) else shown
    assert [one["spec"]["retainRun"] for one in shown] == [False] * 3
    rule = {"name": "loss", "value": "0", "comparison": "stale", "startStep": 1, "patience": 1}
    assert [one["spec"]["earlyStoppingRules"] for one in shown] == [[rule]] * 3
    described = cli("describe", "trial", "a-1-0000").out
    assert "Stops when loss: 1 reports from number 1 on bring no gain above 0" in " ".join(described.split())
    told = HistoryDigest()
    for index, (one, row) in enumerate(zip(shown, rows, strict=True)):
        assert one["metadata"]["annotations"]["kagit.dev/history-digest"] == told.value()
        told.add(Finished(index=index, point={"rate": row["rate"]}, value=float(row["loss"])))
    none_left(here / "ledger")


def test_a_search_without_gain_ends_and_says_so(cli, origin: Origin):
    notes = {"stop-without-gain": "1, 0.001"}
    origin.push({A: wishing(notes, trials=4, parallel=1, **GRID)})
    assert cli("reconcile", "--repo", origin.url, "--once").code == 0
    assert [one["status"] for one in origin.trials("a")] == ["Succeeded"] * 2
    assert "the last trial with a result brought no gain" in status(origin)
    again = cli("plan", "--repo", origin.url)
    assert again.code == 0, again.out


def test_equal_assignments_run_once(cli, origin: Origin, here: Path, monkeypatch):
    ledger = here / "ledger"
    monkeypatch.setenv("LEDGER", str(ledger))
    script = sh('echo "$RATE" >> "$LEDGER"; echo loss=$RATE')
    space = GRID | {"algorithm": {"algorithmName": "random"}}
    origin.push({A: wishing({"reuse-results": "true"}, script, trials=12, parallel=4, **space)})
    assert cli("reconcile", "--repo", origin.url, "--once").code == 0
    rows = origin.trials("a")
    assert [one["status"] for one in rows] == ["Succeeded"] * 12
    assert all(one["loss"] == one["rate"] for one in rows)
    assert len(lines(ledger)) == len(set(lines(ledger))) <= 4


def test_annotations_are_validated(cli, here: Path):
    (here / "a.yaml").write_text(wishing({"max-duration": "2 hours", "suspend": "yes", "retires": "3"}))
    done = cli("validate", "a.yaml")
    assert done.code == 1
    assert "'2 hours' is no duration; give days, hours, minutes and seconds in this order, e.g. 90s" in done.out
    assert '\'yes\' is no switch; give "true" or "false"' in done.out
    assert "kagit has no annotation kagit.dev/retires; did you mean kagit.dev/retries?" in done.out


def test_an_early_stopping_algorithm_that_is_none_is_refused(cli, here: Path):
    (here / "a.yaml").write_text(manifest("a", LOSS, earlyStopping={"algorithmName": "medianstopp"}))
    done = cli("run", "a.yaml")
    assert done.code == 1
    assert "there is no early stopping algorithm 'medianstopp'; did you mean medianstop?" in done.err
