"""The embedded cluster against a small model: any sequence of writes ends in the same objects and the same events."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from kagit.errors import AlreadyExists, Conflict, NotFound
from kagit.experiment import Json
from reconciler.adapters.cluster_embedded import EmbeddedCluster

NAMES = st.sampled_from("abc")
VALUES = st.dictionaries(st.sampled_from("xyz"), st.integers(0, 2) | st.just({"deep": 1}), max_size=2)
LABELS = st.dictionaries(st.just("color"), st.sampled_from(["red", "blue"]), max_size=1)
HOLD = "kagit.dev/hold"


class Model(RuleBasedStateMachine):
    """What is expected, by name: spec, status, labels, generation, finalizers, marked for deletion."""

    def __init__(self) -> None:
        super().__init__()
        self.cluster = EmbeddedCluster(Path(":memory:"), clock=lambda: 1.0)
        self.expected: dict[str, Json] = {}
        self.replica: dict[str, Json] = {}
        self.red: dict[str, Json] = {}
        self.since = self.cluster.list(kind="Trial").resource_version

    def place(self, name: str) -> dict[str, str]:
        return {"kind": "Trial", "namespace": "default", "name": name}

    @rule(name=NAMES, spec=VALUES, labels=LABELS, held=st.booleans())
    def create(self, name: str, spec: Json, labels: Json, *, held: bool) -> None:
        metadata = {"name": name, "namespace": "default", "labels": labels, "finalizers": [HOLD] if held else []}
        body = {"apiVersion": "kubeflow.org/v1beta1", "kind": "Trial", "metadata": metadata, "spec": spec}
        if name in self.expected:
            with pytest.raises(AlreadyExists):
                self.cluster.create(body)
            return
        self.cluster.create(body)
        self.expected[name] = {
            "spec": spec,
            "status": None,
            "labels": labels,
            "generation": 1,
            "held": held,
            "marked": False,
        }

    @rule(name=NAMES, value=VALUES, status=st.booleans(), stale=st.booleans())
    def merge(self, name: str, value: Json, *, status: bool, stale: bool) -> None:
        section = "status" if status else "spec"
        lock = {"metadata": {"resourceVersion": "1"}} if stale else {}
        options: Any = {"body": {section: value, **lock}, "subresource": "status" if status else ""}
        if name not in self.expected or stale:
            with pytest.raises(Conflict if name in self.expected else NotFound):
                self.cluster.patch(**self.place(name), **options)
            return
        known = self.expected[name]
        self.cluster.patch(**self.place(name), **options)
        before = known[section] or {}
        after = {**before, **value}
        if not status and after != before:
            known["generation"] += 1
        known[section] = after

    @rule(name=NAMES, labels=LABELS)
    def relabel(self, name: str, labels: Json) -> None:
        if name in self.expected:
            self.cluster.patch(**self.place(name), body={"metadata": {"labels": {"color": labels.get("color")}}})
            self.expected[name]["labels"] = labels

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        if name not in self.expected:
            with pytest.raises(NotFound):
                self.cluster.delete(**self.place(name))
            return
        self.cluster.delete(**self.place(name))
        known = self.expected[name]
        if not known["held"]:
            del self.expected[name]
        elif not known["marked"]:
            known |= {"marked": True, "generation": known["generation"] + 1}

    @rule(name=NAMES)
    def release(self, name: str) -> None:
        if name in self.expected:
            self.cluster.patch(**self.place(name), body={"metadata": {"finalizers": None}})
            self.expected[name]["held"] = False
            if self.expected[name]["marked"]:
                del self.expected[name]

    @invariant()
    def shows_what_is_expected(self) -> None:
        listing = self.cluster.list(kind="Trial", namespace="default")
        shown = {body["metadata"]["name"]: _seen(body) for body in listing.items}
        assert shown == self.expected

    @invariant()
    def tells_watchers_what_happened(self) -> None:
        events = list(self.cluster.watch(kind="Trial", since=self.since))
        _replay(self.replica, events)
        _replay(self.red, self.cluster.watch(kind="Trial", since=self.since, selector="color=red"))
        listing = self.cluster.list(kind="Trial")
        assert self.replica == {body["metadata"]["name"]: body for body in listing.items}
        reds = self.cluster.list(kind="Trial", selector="color=red").items
        assert self.red == {body["metadata"]["name"]: body for body in reds}
        self.since = listing.resource_version

    def teardown(self) -> None:
        self.cluster.close()


def _seen(body: Json) -> Json:
    metadata = body["metadata"]
    return {
        "spec": body["spec"],
        "status": body.get("status"),
        "labels": metadata.get("labels", {}),
        "generation": metadata["generation"],
        "held": "finalizers" in metadata,
        "marked": "deletionTimestamp" in metadata,
    }


def _replay(replica: dict[str, Json], events: Any) -> None:
    """Follow events as a cache does, and insist that they make sense."""
    for event in events:
        name = event.object["metadata"]["name"]
        assert (name in replica) is (event.type != "ADDED")
        if event.type == "DELETED":
            del replica[name]
        else:
            replica[name] = event.object


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=60, stateful_step_count=25)
