"""Hyperband in the real engine: rungs are climbed, what waits is asked for again, and a crash changes nothing."""

import functools
from collections import Counter

import pytest

from kagit.names import ANNOTATION_PARENT, LABEL_BRACKET, LABEL_RUNG
from tests.sim.executor_scripted import Script
from tests.sim.test_crash import crash, outcome
from tests.sim.universe import Universe, manifest

RUNGS = {"1": 9, "3": 5 + 3, "9": 3 + 1 + 1}
"""Trials of a round with r_l = 9 and eta = 3, by epochs."""
SECONDS = {"1": 1.0, "3": 4.0, "9": 2.5}
"""The middle rung takes longest, so that the last rung has to wait for it with a place left over."""


def script(work):
    _, x, epochs = work.manifest["spec"]["template"]["spec"]["containers"][0]["command"]
    if work.trial == "a-1-0004":
        return Script(seconds=0.5, output=b"boom\n", exit_code=3, reason="Error", message="exit code 3")
    return Script(seconds=SECONDS[epochs], output=f"loss={float(x) ** 2 + 1 / int(epochs)}\n".encode())


def universe() -> Universe:
    body = manifest("a", trials=22, parallel=2)
    spec = body["spec"]
    settings = {"r_l": "9", "eta": "3", "resource_name": "epochs"}
    spec["algorithm"] = {
        "algorithmName": "hyperband",
        "algorithmSettings": [{"name": name, "value": value} for name, value in settings.items()],
    }
    space = {"min": "1", "max": "9"}
    spec["parameters"].append({"name": "epochs", "parameterType": "int", "feasibleSpace": space})
    template = spec["trialTemplate"]
    template["trialParameters"].append({"name": "epochs", "reference": "epochs"})
    pod = template["trialSpec"]["spec"]["template"]["spec"]
    pod["containers"][0]["command"].append("${trialParameters.epochs}")
    made = Universe(script)
    made.push({"experiments/a.yaml": body})
    return made


@functools.cache
def undisturbed() -> tuple[dict, int]:
    calm = universe()
    calm.settle()
    return outcome(calm), calm.calls.count


def assignments(trial: dict) -> dict[str, str]:
    return {one["name"]: one["value"] for one in trial["spec"]["parameterAssignments"]}


def test_every_rung_is_climbed_and_says_so_in_labels():
    calm, waiting = universe(), Counter()
    while "a" not in {one["metadata"]["name"] for one in calm.objects("Experiment")} or calm.status("a") != "Succeeded":
        calm.step()
        waiting.update(word for one in calm.follower.loop.ledgers.values() for word in one.waiting)
    assert waiting["WaitingForResults()"] > 0, "nothing was ever put off, so this test is none"
    trials = {one["metadata"]["name"]: one for one in calm.objects("Trial")}
    assert Counter(assignments(one)["epochs"] for one in trials.values()) == RUNGS
    for one in trials.values():
        parent = one["metadata"]["annotations"].get(ANNOTATION_PARENT)
        rung = int(one["metadata"]["labels"][LABEL_RUNG])
        assert assignments(one)["epochs"] == str(3**rung)
        if parent is not None:
            before = trials[f"a-1-{int(parent):04d}"]
            assert assignments(before) == {**assignments(one), "epochs": str(3 ** (rung - 1))}
            assert before["metadata"]["labels"][LABEL_BRACKET] == one["metadata"]["labels"][LABEL_BRACKET]
    parents = sum(ANNOTATION_PARENT in one["metadata"]["annotations"] for one in trials.values())
    assert parents == 3 + 1 + 1


@pytest.mark.parametrize("where", ["before", "after"])
def test_a_crash_changes_no_point_and_no_promotion(where):
    expected, count = undisturbed()
    for number in range(1, count + 1, 29):
        tried = universe()
        getattr(tried.calls, where)[number] = crash
        tried.settle()
        assert tried.crashes == 1, f"call {number} was never made"
        assert outcome(tried) == expected, f"crash {where} call {number} of {count}"


def test_a_crash_every_few_calls_changes_nothing_either():
    expected, count = undisturbed()
    tried = universe()
    for number in range(40, 3 * count, 40):
        tried.calls.before[number] = crash
    tried.settle()
    assert tried.crashes >= 5
    assert outcome(tried)["trials"] == expected["trials"]
    assert outcome(tried)["starts"] == expected["starts"]
