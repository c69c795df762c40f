"""A crash at every call of every port while metrics come from files: JSON lines, event files, the output of a third.

Same readings, none lost, none twice, and the same observation.
"""

import functools

import pytest

from tests.reconciler.events import scalar
from tests.sim.executor_scripted import Script
from tests.sim.test_crash import crash, outcome
from tests.sim.universe import Universe, argument, manifest

SHARDS = 4
JSON = {
    "collector": {"kind": "File"},
    "source": {"fileSystemPath": {"path": "/out/metrics.jsonl", "kind": "File", "format": "JSON"}},
}
EVENTS = {
    "collector": {"kind": "TensorFlowEvent"},
    "source": {"fileSystemPath": {"path": "/train", "kind": "Directory"}},
}


def script(work):
    """Values come in halves, in two files for events; the last line of JSON has no end, the last record is cut."""
    x = argument(work)
    values = [x * x + 1 / (i + 1) for i in range(4)]
    if ".a-" in work.name:
        text = "\n".join(f'{{"timestamp": {1_700_000_000 - i}.5, "loss": {one}}}' for i, one in enumerate(values))
        data = text.encode()
        pieces = tuple((0.2 * (i + 1), data[i * 40 : (i + 1) * 40]) for i in range(-(-len(data) // 40)))
        return Script(seconds=1.5 + abs(x), files={"metrics.jsonl": pieces}, output=b"loss=99\n")
    if ".b-" in work.name:
        events = [scalar("loss", one, wall=1_700_000_000.0 + i, step=i) for i, one in enumerate(values)]
        first = ((0.3, events[0] + events[1][:20]), (0.9, events[1][20:]))
        second = ((1.2, events[2]), (1.3, events[3] + scalar("loss", -9.0)[:-1]))
        return Script(
            seconds=1.4 + abs(x), files={"run/1.tfevents": first, "run/2.tfevents": second, "run/notes": b"loss=98\n"}
        )
    return Script(seconds=0.8, output=f"loss={x * x}\nloss={x}\n".encode(), files={"metrics.jsonl": b'{"loss": 97}\n'})


def universe() -> Universe:
    made = Universe(script, slots=6)  # nobody waits for a place, so that a crash moves nobody
    collectors = {"a": JSON, "b": EVENTS, "c": {}}
    made.push(
        {
            f"experiments/{name}.yaml": manifest(
                name, trials=2, **({"metricsCollectorSpec": collector} if collector else {})
            )
            for name, collector in collectors.items()
        }
    )
    return made


@functools.cache
def undisturbed() -> tuple[dict, int]:
    calm = universe()
    calm.settle()
    return outcome(calm), calm.calls.count


def test_every_file_is_read_to_its_end():
    expected, _ = undisturbed()
    counts = {trial.rpartition("/")[2][0]: len(rows["loss"]) for trial, rows in expected["readings"].items() if rows}
    assert counts == {"a": 4, "b": 4, "c": 2}
    for name, (_, _, observation, _) in expected["trials"].items():
        (loss,) = observation["metrics"]
        if name[0] == "a":
            assert loss["latest"] == loss["max"], "the first line has the latest time"
        assert float(loss["max"]) < 10


def test_a_trial_that_reports_nothing_says_how_to():
    made = Universe(lambda work: Script(files={"pushed.jsonl": b'{"loss": 1}\n'} if work.trial[-1] == "1" else {}))
    made.push({"experiments/a.yaml": manifest("a", trials=2, metricsCollectorSpec={"collector": {"kind": "Push"}})})
    made.settle()
    ends = {one["metadata"]["name"]: one["status"]["conditions"][-1] for one in made.objects("Trial")}
    assert ends["a-1-0001"]["type"] == "Succeeded"
    assert ends["a-1-0000"]["type"] == "MetricsUnavailable"
    assert "call `kagit report-metric loss=0.5` inside the trial" in ends["a-1-0000"]["message"]


@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_crash_before_and_after_every_call_changes_nothing(shard):
    expected, count = undisturbed()
    for number in range(1 + shard, count + 1, SHARDS):
        for where in ("before", "after"):
            tried = universe()
            getattr(tried.calls, where)[number] = crash
            tried.settle()
            assert tried.crashes == 1, f"call {number} was never made"
            assert outcome(tried) == expected, f"crash {where} call {number}"
