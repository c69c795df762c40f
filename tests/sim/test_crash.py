"""Stop the reconciler before and after every call of every port and start it over: nothing may show.

Same trials, same points, nothing run twice, no reading lost, the same report.
"""

import contextlib
import functools
import itertools
import random
import zlib

import pytest

from kagit.errors import Conflict, Unavailable
from tests.sim.executor_scripted import Script
from tests.sim.universe import Crash, Universe, argument, manifest, square, with_config_map

SHARDS = 6
SEEDED = 900


def script(work):
    """One experiment prints curves, the other fails every now and then, prints nothing or ends with NaN."""
    if ".a-" in work.name:
        return square(work)
    x = argument(work)
    kind = zlib.crc32(f"{x:.6f}".encode()) % 4
    if kind == 0:
        return Script(seconds=0.5, output=b"boom\n", exit_code=3, reason="Error", message="exit code 3")
    if kind == 1:
        return Script(seconds=0.7, output=b"nothing to see\n")
    return Script(seconds=0.8, output=f"loss={x * x}\nloss=nan\nloss={x}\n".encode())


def universe() -> Universe:
    made = Universe(script)
    made.push({"experiments/a.yaml": manifest("a", trials=4), **with_config_map(manifest("b", trials=4))})
    return made


def outcome(of: Universe) -> dict:
    """All that must be the same whatever happened on the way."""
    return {
        "trials": of.trials(),
        "starts": sorted(of.machine.starts),
        "readings": of.readings(),
        "reports": of.reports(),
        "templates": [one["metadata"]["name"] for one in of.objects("ConfigMap")],
        "experiments": {
            one["metadata"]["name"]: one["status"]["conditions"][-1]["reason"] for one in of.objects("Experiment")
        },
        "suggestions": of.suggestions(),
    }


@functools.cache
def undisturbed() -> tuple[dict, int]:
    calm = universe()
    calm.settle()
    return outcome(calm), calm.calls.count


def crash() -> None:
    raise Crash


@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_crash_before_and_after_every_call_changes_nothing(shard, record_property):
    expected, count = undisturbed()
    runs = 0
    for number in range(1 + shard, count + 1, SHARDS):
        for where in ("before", "after"):
            tried = universe()
            getattr(tried.calls, where)[number] = crash
            tried.settle()
            assert tried.crashes == 1, f"call {number} was never made"
            assert outcome(tried) == expected, f"crash {where} call {number}"
            runs += 1
    record_property("runs", runs)
    print(f"{runs} crashes at {count} calls")  # noqa: T201 - the count is part of the result


@pytest.mark.parametrize("shard", range(SHARDS))
def test_many_crashes_and_faults_at_random(shard, record_property):
    """Several crashes in one run, among answers of 409, 503 and a full disk."""
    expected, count = undisturbed()
    for seed in range(shard, SEEDED, SHARDS):
        chance = random.Random(seed)
        tried = universe()
        for _ in range(chance.randint(1, 6)):
            where = chance.choice((tried.calls.before, tried.calls.after))
            where[chance.randint(1, 2 * count)] = crash
        for _ in range(chance.randint(0, 4)):
            tried.calls.before[chance.randint(1, 2 * count)] = chance.choice((conflict, throttled, full))
        tried.settle()
        found = outcome(tried)
        assert found["trials"].keys() == expected["trials"].keys(), seed
        assert {name: one[:3] for name, one in found["trials"].items()} == {
            name: one[:3] for name, one in expected["trials"].items()
        }, seed
        assert found["starts"] == expected["starts"], seed
        assert found["readings"] == expected["readings"], seed
        assert found["experiments"] == expected["experiments"], seed
        assert found["suggestions"] == expected["suggestions"], seed
    record_property("runs", SEEDED // SHARDS)
    print(f"{SEEDED // SHARDS} seeded runs")  # noqa: T201 - the count is part of the result


def test_a_turn_that_cannot_be_made_durable_has_not_happened():
    """The disk is full just when a turn's writes are to be committed: none of them counts, and nothing is lost."""
    expected, _ = undisturbed()
    runs, failed = 0, True
    while failed:
        tried, failed = universe(), False
        real, turns = tried.cluster.batch, itertools.count()

        @contextlib.contextmanager
        def batch(real=real, turns=turns, at=runs):
            nonlocal failed
            with real():
                yield
                if next(turns) == at:
                    failed = True
                    raise Unavailable("no space left on device")

        tried.cluster.batch = batch
        tried.settle()
        found = outcome(tried)
        assert found["trials"] == expected["trials"], runs
        assert found["starts"] == expected["starts"], runs
        assert found["readings"] == expected["readings"], runs
        runs += 1
    assert runs > 10


def conflict() -> None:
    raise Conflict("somebody was faster")


def throttled() -> None:
    raise Unavailable("429, try again later")


def full() -> None:
    raise Unavailable("no space left on device")
