"""A search whose reconciler is lost every five trials ends with the same points as one that was left alone.

Trials run one after another here: with several at once, what `asha` gives depends on who ends first, as it should.
"""

import pytest

from algorithms.catalog import GRAPHS, names
from reconciler.commands import replay
from tests.algorithms.harness import EARLY, NEEDED
from tests.sim.executor_scripted import Script
from tests.sim.universe import Universe, manifest

TRIALS = 30


def script(work):
    _, x, z, epochs = work.manifest["spec"]["template"]["spec"]["containers"][0]["command"]
    if work.trial.endswith(("4", "11")):
        return Script(seconds=0.5, output=b"boom\n", exit_code=3, reason="Error", message="exit code 3")
    loss = (float(x) - 0.3) ** 2 + (float(z) + 0.2) ** 2 + 1 / int(epochs)
    return Script(seconds=0.5, output=f"loss={loss}\n".encode())


def universe(algorithm: str) -> Universe:
    body = manifest("a", trials=TRIALS, parallel=1, algorithm=algorithm)
    settings = {**NEEDED.get(algorithm, {}), **EARLY.get(algorithm, {})}
    spec = body["spec"]
    spec["maxFailedTrialCount"] = TRIALS
    spec["algorithm"]["algorithmSettings"] = [{"name": name, "value": value} for name, value in settings.items()]
    double = {"min": "-1", "max": "1", **({"step": "0.25"} if algorithm == "grid" else {})}
    spec["parameters"] = [
        {"name": "x", "parameterType": "double", "feasibleSpace": double},
        {"name": "z", "parameterType": "double", "feasibleSpace": double},
        {"name": "budget", "parameterType": "int", "feasibleSpace": {"min": "1", "max": "8"}},
    ]
    template = spec["trialTemplate"]
    template["trialParameters"] = [{"name": name, "reference": name} for name in ("x", "z", "budget")]
    command = template["trialSpec"]["spec"]["template"]["spec"]["containers"][0]["command"]
    command[1:] = [f"${{trialParameters.{name}}}" for name in ("x", "z", "budget")]
    made = Universe(script)
    made.push({"experiments/a.yaml": body})
    return made


def over(of: Universe) -> int:
    return sum(bool(one.get("status", {}).get("completionTime")) for one in of.objects("Trial"))


@pytest.mark.parametrize("algorithm", sorted(set(names()) - GRAPHS))
def test_points_are_the_same_with_and_without_restarts(algorithm):
    calm = universe(algorithm)
    calm.settle()
    assert len(calm.trials()) == TRIALS
    tried, next_loss = universe(algorithm), 5
    for _ in range(100_000):
        tried.step()
        if over(tried) >= next_loss:
            tried.crashed()
            next_loss += 5
        if next_loss > TRIALS:
            break
    tried.settle()
    assert tried.crashes == TRIALS // 5
    assert tried.trials() == calm.trials()
    (body,) = tried.objects("Experiment")
    assert all(one.same and one.seen for one in replay.again(replay.of_run(tried.cluster, body)))
