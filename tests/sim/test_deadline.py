"""A deadline is met to the second, without looking at the clock again and again."""

import pytest

from reconciler.adapters.clock import ManualClock
from tests.sim.executor_scripted import Script, ScriptedExecutor
from tests.sim.universe import START, Universe, manifest


def limited(name: str, limit: str, **given) -> dict:
    body = manifest(name, **given)
    body["metadata"]["annotations"] = {"kagit.dev/max-duration": limit}
    return body


class Patient(ScriptedExecutor):
    """Notes how long it is told to wait for news."""

    def __init__(self, machine, *, clock: ManualClock) -> None:
        super().__init__(machine, wait=clock.advance)
        self.waits: list[float] = []

    def sightings(self, *, timeout: float = 0.0):
        self.waits.append(timeout)
        return super().sightings(timeout=timeout)


@pytest.mark.parametrize("limit", [40, 61])
def test_the_loop_sleeps_until_the_deadline_and_not_longer(limit):
    universe = Universe(lambda _: Script(seconds=1000.0))
    universe.push({"experiments/a.yaml": limited("a", f"{limit}s")})
    follower = universe.begin()
    universe.step()
    patient = Patient(universe.machine, clock=universe.clock)
    object.__setattr__(follower.loop.hands, "executor", patient)
    while universe.clock.now() < START + limit + 5 and not follower.loop.ledgers["default", "a"].run.is_over:
        follower.loop.tick(timeout=1000.0)
    (ended,) = [one for one in universe.objects("Experiment")[0]["status"]["conditions"] if one["type"] == "Failed"]
    assert universe.clock.now() == START + limit
    assert ended["message"].startswith("Experiment has failed because max duration has reached")
    assert len([one for one in patient.waits if one > 0]) <= 3


def test_trouble_at_the_deadline_is_tried_again_later_and_not_at_once():
    """While a look is postponed, the deadline that has passed does not make the loop spin."""
    universe = Universe(lambda _: Script(seconds=1000.0))
    universe.push({"experiments/a.yaml": limited("a", "40s")})
    follower = universe.begin()
    universe.step()
    universe.clock.advance(100.0)
    loop = follower.loop
    patient = Patient(universe.machine, clock=universe.clock)
    object.__setattr__(loop.hands, "executor", patient)
    loop.later["default", "a"] = (universe.clock.now() + 30.0, 15.0)
    loop.dirty.clear()
    loop.tick(timeout=7.0)
    assert patient.waits == [7.0]


def test_a_clock_that_went_back_makes_a_run_longer_by_no_more_than_that():
    universe = Universe(lambda _: Script(seconds=1000.0))
    universe.push({"experiments/a.yaml": limited("a", "40s")})
    for _ in range(8):
        universe.step()
    universe.crashed()
    universe.clock = ManualClock(universe.clock.now() - 10.0)
    universe.machine.now = universe.clock.now
    universe.settle()
    status = universe.objects("Experiment")[0]["status"]
    assert status["startTime"] < status["completionTime"]
    assert START + 40 <= universe.clock.now() <= START + 42
