"""From any world that pushes, failures, crashes and faults can lead to: look and act until quiet, then all is said.

A walk is a list of steps made by Hypothesis; on failure it prints the walk, which is then a test case of its own.
"""

import copy
import functools
import zlib
from dataclasses import dataclass

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from kagit.errors import Conflict, Unavailable
from reconciler.core.plan import plan
from reconciler.core.slots import Share
from reconciler.core.times import moment
from tests.sim.executor_scripted import Script
from tests.sim.universe import Crash, Universe, argument, manifest
from tests.sim.watching import OVER, Watched, phase, run_of

PLACES = (("default", "a"), ("default", "b"), ("team", "a"))
STILL = 20


def script(work):
    """How a trial goes depends on its point alone: well, badly, slowly, silently, with NaN, deaf to SIGTERM."""
    x = argument(work)
    good = f"loss={x * x + 1}\nloss={x * x}\n".encode()
    return (
        Script(seconds=0.6, output=good),
        Script(seconds=2.5, output=((0.1, b"loss=5\n"), (2.0, good))),
        Script(seconds=0.4, output=b"boom\n", exit_code=3),
        Script(seconds=0.3, output=b"nothing to see\n"),
        Script(seconds=0.5, output=b"loss=1\nloss=nan\n"),
        Script(seconds=4.0, output=good, ignores_term=True, grace=1.5),
        Script(reason="StartError", message="no such command"),
        Script(seconds=0.9, output=good),
    )[zlib.crc32(f"{x:.5f}".encode()) % 8]


@dataclass(frozen=True)
class Push:
    """A manifest with these wishes appears at a place, or replaces the one there."""

    place: tuple[str, str]
    wishes: tuple[tuple[str, object], ...]

    def body(self) -> dict:
        want = dict(self.wishes)
        space, name = self.place
        body = manifest(
            name, trials=want["trials"], parallel=min(want["parallel"], want["trials"]), algorithm=want["algorithm"]
        )
        body["metadata"]["namespace"] = space
        notes = {"on-spec-change": want["on_change"], "suspend": want["suspend"], "retries": want["retries"],
                 "reuse-results": want["reuse"], "stop-trials-at-end": want["stop"], "stop-without-gain": want["gain"],
                 "max-duration": want["time"]}  # fmt: skip
        body["metadata"]["annotations"] = {f"kagit.dev/{key}": value for key, value in notes.items() if value}
        spec, feasible = body["spec"], body["spec"]["parameters"][0]["feasibleSpace"]
        if want["failed"] is not None:
            spec["maxFailedTrialCount"] = min(want["failed"], want["trials"])
        if want["goal"] is not None:
            spec["objective"]["goal"] = want["goal"]
        spec["resumePolicy"] = want["resume"]
        feasible["max"] = want["top"]
        if want["step"] or want["algorithm"] == "grid":
            feasible["step"] = "0.5"
        if want["early"]:
            spec["earlyStopping"] = {
                "algorithmName": want["early"],
                "algorithmSettings": [{"name": key, "value": value} for key, value in EARLY[want["early"]].items()],
            }
        if want["endless"] and want["algorithm"] == "grid":
            spec.pop("maxTrialCount")
        return body


EARLY = {
    "medianstop": {"min_trials_required": "1", "start_step": "1", "average": "running"},
    "percentile": {"min_trials_required": "1", "start_step": "1", "percentile": "50"},
    "threshold": {"upper": "0.9"},
    "patience": {"patience": "1"},
}
WISHES = {
    "trials": st.integers(1, 6),
    "parallel": st.integers(1, 4),
    "failed": st.sampled_from([None, None, 0, 1, 3]),
    "goal": st.sampled_from([None, None, 0.1]),
    "algorithm": st.sampled_from(["random", "random", "grid"]),
    "top": st.sampled_from(["1", "0.5"]),
    "resume": st.sampled_from(["Never", "LongRunning"]),
    "on_change": st.sampled_from(["new-run", "new-run", "refuse"]),
    "endless": st.booleans(),
    "suspend": st.sampled_from(["", "", "false", "true"]),
    "retries": st.sampled_from(["", "0", "1"]),
    "reuse": st.sampled_from(["", "true"]),
    "stop": st.sampled_from(["", "false"]),
    "time": st.sampled_from(["", "", "3s", "1h"]),
    "gain": st.sampled_from(["", "", "1", "2, 1%"]),
    "step": st.sampled_from(["", "", "0.5"]),
    "early": st.sampled_from(["", "", "medianstop", "percentile", "threshold", "patience"]),
}
BUDGET = ("trials", "parallel", "failed", "suspend", "retries", "reuse", "stop", "time", "gain")

places = st.sampled_from(PLACES)
pushes = st.builds(Push, places, st.fixed_dictionaries(WISHES).map(lambda one: tuple(one.items())))
budgets = st.tuples(st.just("budget"), places, st.fixed_dictionaries({key: WISHES[key] for key in BUDGET}))
simple = st.one_of(
    st.tuples(st.sampled_from(["remove", "break"]), places),
    st.tuples(st.just("go"), st.integers(1, 25)),
    st.tuples(st.just("go"), st.integers(1, 8)),
    st.tuples(st.sampled_from(["lose", "shut down", "crash", "foreign push"])),
    st.tuples(st.sampled_from(["crash before", "crash after", "409", "503", "moved branch"]), st.integers(1, 60)),
)
walks = st.lists(st.one_of(pushes, simple, budgets, simple, simple), min_size=3, max_size=14)


class Walk:
    """Takes the steps of a walk on a watched universe."""

    def __init__(self, *, slots: int) -> None:
        self.universe = Universe(script, slots=slots)
        self.universe.push({"README.md": "a repository"})
        self.watched = Watched(self.universe)
        self.there: dict[tuple[str, str], Push] = {}
        self.foreign = 0

    def take(self, step) -> None:
        """One step."""
        if isinstance(step, Push):
            self.put(step)
            return
        word, *given = step
        getattr(self, f"do_{word.replace(' ', '_')}", functools.partial(self.arm, word))(*given)

    def do_go(self, count: int) -> None:
        for _ in range(count):
            self.watched.step()

    def do_budget(self, place: tuple[str, str], counts: dict) -> None:
        if place in self.there:
            self.put(Push(place, tuple((dict(self.there[place].wishes) | counts).items())))

    def do_remove(self, place: tuple[str, str]) -> None:
        if self.there.pop(place, None) is not None:
            self.universe.push({path(place): None})

    def do_break(self, place: tuple[str, str]) -> None:
        if place in self.there:
            self.universe.push({path(place): "spec: ["})

    def do_lose(self) -> None:
        self.universe.machine.lose()

    def do_shut_down(self) -> None:
        self.watched.shut_down()

    def do_crash(self) -> None:
        self.universe.crashed()

    def put(self, push: Push) -> None:
        """The file of a place has these contents now."""
        self.there[push.place] = push
        self.universe.push({path(push.place): copy.deepcopy(push.body())})

    def do_foreign_push(self) -> None:
        """Somebody else's commit moves the branch."""
        self.foreign += 1
        self.universe.push({"notes.txt": str(self.foreign)})

    def arm(self, trouble: str, calls: int) -> None:
        """Something will happen at one of the next calls of a port."""
        number = self.universe.calls.count + calls
        before, after = self.universe.calls.before, self.universe.calls.after
        match trouble:
            case "crash before":
                before[number] = crash
            case "crash after":
                after[number] = crash
            case "409":
                before[number] = conflict
            case "503":
                before[number] = unavailable
            case "moved branch":
                before[number] = self.do_foreign_push

    def calm(self) -> None:
        """No more trouble; go on until all is quiet."""
        self.universe.calls.before.clear()
        self.universe.calls.after.clear()
        least = self.universe.clock.now() + 3.0
        for _ in range(1500):
            if self.watched.step() and self.universe.clock.now() >= least:
                return
        ledgers = self.universe.follower.loop.ledgers.values()
        told = {one.title: (one.refusal, one.waiting, list(one.live)) for one in ledgers}
        raise AssertionError(f"never quiet: {told}; said {self.universe.said[-5:]}")

    def picture(self) -> tuple:
        """All that may not change any more."""
        kinds = ("Experiment", "Suggestion", "Trial", "ConfigMap")
        versions = {
            (kind, one["metadata"]["uid"]): one["metadata"]["resourceVersion"]
            for kind in kinds
            for one in self.universe.objects(kind)
        }
        return versions, dict(self.universe.remote.refs), list(self.universe.machine.starts)


def path(place: tuple[str, str]) -> str:
    return f"experiments/{'-'.join(place)}.yaml"


def crash() -> None:
    raise Crash


def conflict() -> None:
    raise Conflict("somebody was faster")


def unavailable() -> None:
    raise Unavailable("503, try again later")


def converge(walk: Walk) -> None:
    """Quiet is reached, the plan of every experiment is empty, and nothing is written any more."""
    walk.calm()
    universe = walk.universe
    assert universe.machine.running() == []
    counts_are_right(walk)
    nobody = Share(grants={}, positions={})
    seconds = universe.clock.now() + 100.0
    for ledger in universe.follower.loop.ledgers.values():
        left = plan(ledger.world(now=moment(seconds), seconds=seconds, share=nobody))
        assert left.actions == (), f"{ledger.title}: {left.actions}"
    before = walk.picture()
    for _ in range(STILL):
        walk.watched.step()
    assert walk.picture() == before
    ends_as_wanted(walk)


def counts_are_right(walk: Walk) -> None:
    """Every trial is over or waits in an experiment that sleeps, and the status of its experiment counts it."""
    trials, bodies = walk.universe.objects("Trial"), walk.universe.objects("Experiment")
    asleep = {where(one) for one in bodies if last_condition(one) == "Suspended"}
    active = [one for one in trials if phase(one) not in OVER]
    assert [one["metadata"]["name"] for one in active if where(one) not in asleep or phase(one) != "Created"] == []
    for body in bodies:
        meta, status = body["metadata"], body["status"]
        mine = [
            phase(one)
            for one in trials
            if one["metadata"]["namespace"] == meta["namespace"]
            and one["metadata"]["labels"]["katib.kubeflow.org/experiment"] == meta["name"]
            and run_of(one) == run_of(body)
        ]
        counted = {
            "Succeeded": status["trialsSucceeded"],
            "Failed": status["trialsFailed"],
            "Killed": status["trialsKilled"],
            "MetricsUnavailable": status["trialMetricsUnavailable"],
            "EarlyStopped": status["trialsEarlyStopped"],
            "Created": status["trialsPending"],
        }
        assert status["trials"] == len(mine), f"{meta['name']}: {status['trials']} of {len(mine)}"
        assert {key: mine.count(key) for key in counted} == counted, meta["name"]


def where(body: dict) -> tuple[str, str]:
    """Namespace and name of the experiment that an object is or belongs to."""
    meta = body["metadata"]
    return meta["namespace"], meta.get("labels", {}).get("katib.kubeflow.org/experiment", meta["name"])


def last_condition(body: dict) -> str:
    return next((c["type"] for c in reversed(body["status"]["conditions"]) if c["status"] == "True"), "")


def ends_as_wanted(walk: Walk) -> None:
    """Whatever stands in the repository and is neither broken nor refused has been run to its end."""
    universe = walk.universe
    for ledger in universe.follower.loop.ledgers.values():
        assert ledger.run is None or ledger.run.is_over or ledger.run.is_suspended, (
            f"{ledger.title} is not over: {ledger.waiting}"
        )
        assert ledger.wanted is None or ledger.wanted.errors or ledger.run is not None, f"{ledger.title} never ran"


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
@given(slots=st.integers(1, 3), steps=walks)
def test_every_walk_ends_in_quiet(slots, steps):
    walk = Walk(slots=slots)
    for step in steps:
        note(repr(step))
        walk.take(step)
    converge(walk)
