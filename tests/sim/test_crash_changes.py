"""A crash at every call of every port while an experiment is changed: its new run, its restart, its deletion.

Same trials, same end, nothing run twice, whichever half of a change the crash has left behind.
"""

import functools

import pytest

from tests.sim.test_crash import crash
from tests.sim.universe import Universe, manifest, square

FILE = "experiments/a.yaml"
LONG = {"resumePolicy": "LongRunning"}
VOLUME = {"resumePolicy": "FromVolume"}


def other_space() -> dict:
    changed = manifest("a", trials=2)
    changed["spec"]["parameters"][0]["feasibleSpace"]["max"] = "0.5"
    return changed


def to_new_run(universe: Universe) -> None:
    universe.push({FILE: other_space()})


def to_restart(universe: Universe) -> None:
    universe.push({FILE: manifest("a", trials=4, **LONG)})


def to_restart_from_volume(universe: Universe) -> None:
    universe.push({FILE: manifest("a", trials=4, **VOLUME)})


def to_nothing(universe: Universe) -> None:
    universe.push({FILE: None})


CHANGES = {
    "new run of one that is over": (manifest("a", trials=2), 200, to_new_run),
    "new run of one that runs": (manifest("a", trials=6), 5, to_new_run),
    "restart": (manifest("a", trials=2, **LONG), 200, to_restart),
    "restart from volume": (manifest("a", trials=2, **VOLUME), 200, to_restart_from_volume),
    "extension": (manifest("a", trials=2, **LONG), 5, to_restart),
    "deletion": (manifest("a", trials=2), 200, to_nothing),
    "deletion of one that runs": (manifest("a", trials=6), 5, to_nothing),
}


def begun(name: str) -> Universe:
    body, steps, change = CHANGES[name]
    universe = Universe(square)
    universe.push({FILE: body})
    for _ in range(steps):
        if universe.step() and steps > 100 and universe.clock.now() > 1_700_000_005:
            break
    change(universe)
    return universe


def outcome(of: Universe) -> dict:
    """What must be the same whatever happened on the way."""
    return {
        "trials": {name: (point, phase) for name, (point, phase, _, _) in of.trials().items()},
        "starts": sorted(of.machine.starts),
        "ends": {
            one["metadata"]["name"]: [(c["type"], c["status"], c["reason"]) for c in one["status"]["conditions"]]
            for one in of.objects("Experiment")
        },
        "suggestions": of.suggestions(),
        "counts": {one["metadata"]["name"]: one["status"]["trials"] for one in of.objects("Experiment")},
    }


@functools.cache
def undisturbed(name: str) -> tuple[dict, int]:
    calm = begun(name)
    before = calm.calls.count
    calm.settle()
    return outcome(calm), calm.calls.count - before


@pytest.mark.parametrize("name", CHANGES)
def test_a_crash_within_a_change_changes_nothing(name):
    expected, count = undisturbed(name)
    for number in range(1, count + 1):
        tried = begun(name)
        tried.calls.before[tried.calls.count + number] = crash
        tried.settle()
        assert outcome(tried) == expected, f"crash before call {number} of {count}"
