"""A run that begins with what another experiment has found keeps that, whatever happens to the reconciler."""

import json
import random

from reconciler.commands import replay
from tests.sim.test_crash import crash
from tests.sim.universe import Universe, manifest, square


def universe() -> Universe:
    made = Universe(square)
    made.push({"experiments/a.yaml": manifest("a", trials=6)})
    made.settle()
    later = manifest("b", trials=4, algorithm="tpe")
    later["metadata"]["annotations"] = {"kagit.dev/start-from": '{"a": 2, "nobody": 3}'}
    made.push({"experiments/b.yaml": later})
    return made


def points(of: Universe, name: str) -> list[float]:
    found = [one for one in of.objects("Trial") if one["metadata"]["name"].startswith(f"{name}-")]
    ordered = sorted(found, key=lambda one: one["metadata"]["name"])
    return [float(one["spec"]["parameterAssignments"][0]["value"]) for one in ordered]


def test_the_best_points_come_first_and_stay_the_same_after_crashes():
    calm = universe()
    before = calm.calls.count
    calm.settle()
    best = sorted(points(calm, "a"), key=lambda x: x * x)[:2]
    expected = points(calm, "b")
    assert expected[:2] == best
    for seed in range(12):
        chance = random.Random(seed)
        tried = universe()
        for _ in range(3):
            where = chance.choice((tried.calls.before, tried.calls.after))
            where[chance.randint(before + 1, calm.calls.count)] = crash
        tried.settle()
        assert tried.crashes > 0
        assert points(tried, "b") == expected, seed
        (body,) = (one for one in tried.objects("Experiment") if one["metadata"]["name"] == "b")
        assert len(json.loads(body["metadata"]["annotations"]["kagit.dev/started-from"])) == 2
        assert all(one.same and one.seen for one in replay.again(replay.of_run(tried.cluster, body))), seed
