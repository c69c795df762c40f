"""Whatever happened to the reconciler, every suggestion comes again from what is kept of it."""

import random

import pytest

from kagit import names
from reconciler.commands import replay
from tests.sim.test_crash import crash, script
from tests.sim.universe import Universe, manifest


def universe(algorithm: str) -> Universe:
    made = Universe(script)
    settings = {"n_startup_trials": "3"} if "tpe" in algorithm else {}
    body = manifest("b", trials=12, parallel=3, algorithm=algorithm)
    body["spec"]["maxFailedTrialCount"] = 12
    body["spec"]["algorithm"]["algorithmSettings"] = [{"name": n, "value": v} for n, v in settings.items()]
    made.push({"experiments/b.yaml": body})
    return made


def again(of: Universe) -> list:
    (body,) = of.objects("Experiment")
    return list(replay.again(replay.of_run(of.cluster, body)))


@pytest.mark.parametrize("algorithm", ["random", "tpe"])
def test_every_suggestion_comes_again_after_crashes(algorithm):
    calm = universe(algorithm)
    calm.settle()
    assert len(again(calm)) >= 12
    for seed in range(20):
        chance = random.Random(seed)
        tried = universe(algorithm)
        for _ in range(4):
            chance.choice((tried.calls.before, tried.calls.after))[chance.randint(1, calm.calls.count)] = crash
        tried.settle()
        assert tried.crashes > 0
        assert all(one.same and one.seen for one in again(tried)), seed


def test_a_value_that_was_changed_afterwards_is_noticed():
    tried = universe("tpe")
    tried.settle()
    stored = next(one for one in tried.objects("Trial") if one["status"].get("observation"))
    status = stored["status"] | {
        "observation": {"metrics": [{"name": "loss", "min": "-9", "max": "-9", "latest": "-9"}]}
    }
    tried.cluster.patch(
        kind="Trial",
        namespace="default",
        name=stored["metadata"]["name"],
        body={"status": status},
        subresource="status",
    )
    number = int(stored["metadata"]["annotations"][names.ANNOTATION_INDEX])
    found = again(tried)
    assert not all(one.seen for one in found)
    assert all(one.seen for one in found if one.asked.index <= number or number in one.asked.running)


def test_a_point_that_was_changed_afterwards_is_noticed():
    tried = universe("random")
    tried.settle()
    (body,) = tried.objects("Experiment")
    kept = replay.of_run(tried.cluster, body)
    seed = {
        **body,
        "metadata": {
            **body["metadata"],
            "annotations": {**body["metadata"]["annotations"], names.ANNOTATION_SEED: "1"},
        },
    }
    assert kept.seed != 1
    assert not any(one.same for one in replay.again(replay.of_run(tried.cluster, seed)))


def test_what_auto_has_picked_is_asked_again_also_after_its_budget_was_raised():
    tried = universe("auto")
    body = manifest("b", trials=4, parallel=4, algorithm="auto", resumePolicy="LongRunning")
    tried.push({"experiments/b.yaml": body})
    tried.settle()
    body["spec"]["maxTrialCount"] = 9
    tried.push({"experiments/b.yaml": body})
    tried.settle()
    found = again(tried)
    engines = {one.asked.engine.partition(":")[0] for one in found}
    assert engines == {"auto (sobol", "auto (bayesianoptimization"}
    assert len(found) >= 9
    assert all(one.same and one.seen and one.engine == one.asked.engine for one in found)
