"""Experiments that share a machine, a repository or a state directory, and what one of them may not do to another."""

import copy
from dataclasses import replace

from kagit.errors import Unavailable
from reconciler.adapters.repo_memory import Remote, RepoMemory
from reconciler.shell.follow import Policy
from tests.sim.executor_scripted import Script, ScriptedExecutor
from tests.sim.universe import Universe, manifest, square


def slow(_) -> Script:
    return Script(seconds=30.0, output=b"loss=1\n")


def other_repository(universe: Universe, files: dict) -> None:
    """From now on a new reconciler follows another repository, with the same state directory."""
    universe.remote, universe.url = Remote(), "elsewhere"
    universe.push(files)
    universe.crashed()


class Limited:
    """A clock that is asked so many times at most: who never comes to rest is found out."""

    def __init__(self, clock, *, most: int) -> None:
        self.clock, self.left = clock, most

    def now(self) -> float:
        self.left -= 1
        assert self.left, "it never comes to rest"
        return self.clock.now()


def steps(universe: Universe, count: int) -> None:
    for _ in range(count):
        universe.step()


def test_slots_are_shared_fairly_from_the_first_moment_on():
    universe = Universe(slow, slots=2)
    universe.push({"experiments/a.yaml": manifest("a"), "experiments/b.yaml": manifest("b")})
    steps(universe, 3)
    assert sorted(universe.machine.running()) == ["default.a-1-0000.1", "default.b-1-0000.1"]


def test_a_running_trial_of_another_repository_is_left_alone():
    universe = Universe(slow, slots=3)
    universe.push({"experiments/a.yaml": manifest("a")})
    steps(universe, 3)
    running = universe.machine.running()
    other_repository(universe, {"experiments/b.yaml": manifest("b", trials=1, parallel=1)})
    steps(universe, 5)
    assert set(running) < set(universe.machine.running())


def test_the_same_name_from_another_repository_takes_nothing_over():
    universe = Universe(square)
    universe.push({"experiments/a.yaml": manifest("a", trials=2)})
    universe.settle()
    before = copy.deepcopy(universe.objects("Experiment"))
    body = manifest("a", trials=3)
    body["spec"]["parameters"][0]["feasibleSpace"]["max"] = "0.5"
    other_repository(universe, {"experiments/a.yaml": body})
    steps(universe, 30)
    assert universe.objects("Experiment") == before


def test_a_trial_that_cannot_be_started_does_not_keep_others_from_their_slot():
    universe = Universe(square, slots=1)
    loop = universe.begin().loop
    loop.hands = replace(loop.hands, clock=Limited(universe.clock, most=5000))
    strange = manifest("a", trials=1, parallel=1)
    strange["spec"]["trialTemplate"]["trialSpec"] |= {"apiVersion": "kubeflow.org/v1", "kind": "PyTorchJob"}
    universe.push({"experiments/a.yaml": strange})
    steps(universe, 8)
    universe.push({"experiments/b.yaml": manifest("b", trials=1, parallel=1)})
    steps(universe, 30)
    assert universe.status("b") == "Succeeded"


def test_the_index_forgets_a_deleted_experiment():
    universe = Universe(square)
    universe.push({"experiments/a.yaml": manifest("a", trials=2), "experiments/b.yaml": manifest("b", trials=2)})
    universe.settle()
    universe.push({"experiments/b.yaml": None})
    universe.settle()
    assert universe.objects("Trial")[0]["metadata"]["name"].startswith("a-")
    index = RepoMemory(universe.remote).read([universe.reports()["reports/README.md"]])
    assert b"default/b" not in next(iter(index.values()))


def test_a_refused_mass_deletion_says_why_the_experiments_stay():
    universe = Universe(square)
    files = {f"experiments/{name}.yaml": manifest(name, trials=1, parallel=1) for name in "abc"}
    universe.push(files)
    universe.settle()
    universe.push(dict.fromkeys(files))
    universe.settle()
    assert {one.waiting for one in universe.follower.shown()} == {("MassDeletionRefused()",)}


def test_a_stop_with_the_reconciler_never_counts_as_lost_even_if_its_record_fails():
    """The disk is full just when the third retry is to be recorded."""
    universe = Universe(slow)
    universe.push({"experiments/a.yaml": manifest("a", trials=1, parallel=1)})
    for _ in range(3):
        steps(universe, 6)
        assert universe.machine.running()
        ScriptedExecutor(universe.machine).close()
        universe.store.flush()
        universe.follower = None
    universe.begin()
    patch = universe.cluster.patch
    failures = []

    def full(**given):
        if given["kind"] == "Trial" and not failures:
            failures.append(given)
            raise Unavailable("no space left on device")
        return patch(**given)

    universe.cluster.patch = full
    steps(universe, 20)
    assert failures
    assert [one["status"]["conditions"][-1]["type"] for one in universe.objects("Trial")] == ["Running"]


def test_wishes_are_looked_at_in_the_order_of_names():
    universe = Universe(square)
    loop = universe.begin().loop
    files = {f"experiments/{name}.yaml": manifest(name) for name in "hgfedcbapomlkji"}
    universe.push(files)
    seen = universe.follower.source.look()
    loop.want(seen.wanted, refusals={})
    assert [name for _, name in loop.dirty] == list("abcdefghijklmop")


def test_a_policy_may_refuse_and_the_others_go_on():
    universe = Universe(square)
    universe.begin()
    universe.follower.policy = Policy(
        interval=1.0, refusals=lambda wanted: {title: "not here" for title in wanted if title[1] == "a"}
    )
    universe.push({"experiments/a.yaml": manifest("a", trials=1, parallel=1), "experiments/b.yaml": manifest("b")})
    universe.settle()
    assert [one["metadata"]["name"] for one in universe.objects("Experiment")] == ["b"]
    assert any("default/a is refused: not here" in line for line in universe.said)
