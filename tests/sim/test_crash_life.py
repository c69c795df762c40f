"""A crash before and after every call of every port in the life of an experiment: deadline, suspension, retries, twins,
trials that are stopped early, trials that run on. Nothing may show.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.sim.executor_scripted import Script
from tests.sim.test_crash import crash
from tests.sim.universe import Universe, argument, manifest

FILE = "experiments/a.yaml"


def slow(work):
    return Script(seconds=6.0, output=((1.0, b"loss=0.5\n"), (5.5, f"loss={argument(work)}\n".encode())))


def quick(work):
    return Script(seconds=1.0, output=f"loss={argument(work) ** 2}\n".encode())


def evicted(work):
    """Every first attempt is evicted, and of one trial the second, too."""
    gone = work.name.endswith(".1") or work.name == "default.a-1-0001.2"
    return Script(seconds=0.5, reason="Evicted", exit_code=137, output=b"loss=9\n") if gone else quick(work)


def curve(work):
    x = argument(work)
    lines = tuple((0.5 * (n + 1), f"loss={x * x + 0.5**n:.6f}\n".encode()) for n in range(6))
    return Script(seconds=3.1, output=lines)


def uneven(work):
    """Trial 0 takes long and comes to the better end."""
    if work.trial.endswith("-0000"):
        return Script(seconds=5.0, output=((4.5, b"loss=0.01\n"),))
    return Script(seconds=1.0, output=b"loss=0.4\n")


def body(*, notes: dict | None = None, step: str = "", goal: float | None = None, **given) -> dict:
    made = manifest("a", **given)
    made["metadata"]["annotations"] = {f"kagit.dev/{key}": value for key, value in (notes or {}).items()}
    if step:
        made["spec"]["parameters"][0]["feasibleSpace"]["step"] = step
    if goal is not None:
        made["spec"]["objective"]["goal"] = goal
    return made


def nothing(_: Universe) -> None:
    """Nobody changes anything."""


def suspend(universe: Universe) -> None:
    universe.push({FILE: body(trials=3, notes={"suspend": "true"})})


def suspend_and_resume(universe: Universe) -> None:
    suspend(universe)
    for _ in range(10):
        universe.step()
    assert universe.status("a") == "Suspended"
    universe.push({FILE: body(trials=3)})


def stopping(name: str, **settings: str) -> dict:
    return {
        "algorithmName": name,
        "algorithmSettings": [{"name": key, "value": value} for key, value in settings.items()],
    }


MEDIAN = stopping("medianstop", min_trials_required="1", start_step="2")
PATIENCE = stopping("patience", patience="1", min_delta="0.1")


@dataclass(frozen=True)
class Life:
    """One experiment, what somebody does to it after `steps`, and how it must end."""

    body: dict
    script: Callable
    ends: str
    phases: list[str]
    starts: int
    change: Callable = nothing
    steps: int = 0
    slots: int = 2


LIVES = {
    "deadline": Life(
        body=body(trials=3, notes={"max-duration": "3s"}),
        script=lambda work: quick(work) if work.trial.endswith("0") else slow(work),
        ends="ExperimentMaxDurationReached",
        phases=["Killed", "Killed", "Succeeded"],
        starts=3,
    ),
    "deadline without a result": Life(
        body=body(trials=3, notes={"max-duration": "3s", "stop-trials-at-end": "false"}),
        script=slow,
        ends="ExperimentFailed",
        phases=["Killed", "Killed"],
        starts=2,
    ),
    "suspension": Life(
        body=body(trials=3),
        script=slow,
        change=suspend,
        steps=5,
        ends="ExperimentSuspended",
        phases=["Created", "Created"],
        starts=2,
    ),
    "resumption": Life(
        body=body(trials=3),
        script=slow,
        change=suspend_and_resume,
        steps=5,
        ends="ExperimentMaxTrialsReached",
        phases=["Succeeded"] * 3,
        starts=5,
    ),
    "retries": Life(
        body=body(trials=3, notes={"retries": "1"}),
        script=evicted,
        ends="ExperimentMaxTrialsReached",
        phases=["Failed", "Succeeded", "Succeeded"],
        starts=6,
    ),
    "twins": Life(
        body=body(trials=7, step="1.0", notes={"reuse-results": "true"}),
        script=quick,
        ends="ExperimentMaxTrialsReached",
        phases=["Succeeded"] * 7,
        starts=3,
    ),
    "no more gain": Life(
        body=body(trials=9, parallel=1, algorithm="grid", step="0.5", notes={"stop-without-gain": "1, 0.1"}),
        script=quick,
        ends="ExperimentNoMoreGain",
        phases=["Succeeded"] * 4,
        starts=4,
    ),
    "early stopping": Life(
        body=body(trials=5, parallel=1, algorithm="grid", step="0.5", earlyStopping=MEDIAN),
        script=curve,
        ends="ExperimentMaxTrialsReached",
        phases=["EarlyStopped", *["Succeeded"] * 4],
        starts=5,
    ),
    "patience": Life(
        body=body(trials=2, algorithm="grid", step="1.0", earlyStopping=PATIENCE),
        script=curve,
        ends="ExperimentMaxTrialsReached",
        phases=["EarlyStopped", "EarlyStopped"],
        starts=2,
    ),
    "running on": Life(
        body=body(trials=9, goal=0.5, notes={"stop-trials-at-end": "false"}),
        script=uneven,
        ends="ExperimentGoalReached",
        phases=["Succeeded", "Succeeded"],
        starts=2,
    ),
}


def begun(name: str) -> Universe:
    life = LIVES[name]
    universe = Universe(life.script, slots=life.slots)
    universe.push({FILE: life.body})
    for _ in range(life.steps):
        universe.step()
    life.change(universe)
    return universe


def outcome(of: Universe) -> dict:
    """All that must be the same whatever happened on the way."""
    (experiment,) = of.objects("Experiment")
    return {
        "trials": of.trials(),
        "attempts": {one["metadata"]["name"]: one["status"]["attempt"] for one in of.objects("Trial")},
        "starts": sorted(of.machine.starts),
        "running": of.machine.running(),
        "readings": of.readings(),
        "conditions": [(c["type"], c["status"], c["reason"]) for c in experiment["status"]["conditions"]],
        "best": experiment["status"].get("currentOptimalTrial"),
        "reports": sorted(of.reports()),
    }


@functools.cache
def undisturbed(name: str) -> tuple[dict, int]:
    calm = begun(name)
    before = calm.calls.count
    calm.settle()
    return outcome(calm), calm.calls.count - before


@pytest.mark.parametrize("name", LIVES)
def test_it_ends_as_it_should(name):
    life, (found, _) = LIVES[name], undisturbed(name)
    assert found["conditions"][-1][2] == life.ends
    assert sorted(phase for _, phase, _, _ in found["trials"].values()) == life.phases
    assert len(found["starts"]) == len(set(found["starts"])) == life.starts
    assert found["running"] == []


@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize("name", LIVES)
def test_a_crash_changes_nothing(name, where):
    expected, count = undisturbed(name)
    for number in range(1, count + 1):
        tried = begun(name)
        getattr(tried.calls, where)[tried.calls.count + number] = crash
        tried.settle()
        assert outcome(tried) == expected, f"crash {where} call {number} of {count}"


def test_reports_that_were_read_before_a_crash_count_for_the_rules():
    """The first of two reports is on disk and will not be read again, the second comes after the crash."""
    expected, _ = undisturbed("early stopping")
    tried = begun("early stopping")
    while "default.a-1-0004.1" not in tried.machine.starts:
        tried.step()
    while not tried.store.curve("default/a-1-0004", "loss"):
        tried.step()
    tried.store.flush()
    assert tried.machine.running() == ["default.a-1-0004.1"]
    tried.crashed()
    assert len(tried.store.curve("default/a-1-0004", "loss")) == 1
    tried.settle()
    assert outcome(tried) == expected
