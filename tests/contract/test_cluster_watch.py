"""The Cluster port's contract, watching: what happened after a version, in order, seen through a selector."""

import threading
from collections.abc import Iterable

import pytest

from kagit.errors import Refused
from kagit.experiment import Json
from reconciler.ports import Event
from tests.contract.cluster_world import World, eventually, names

pytest_plugins = ["tests.contract.cluster_fixture"]


def told(events: Iterable[Event]) -> list[tuple[str, str]]:
    return [(event.type, event.object["metadata"]["name"]) for event in events if event.type != "BOOKMARK"]


def follow(world: World, since: str, until: int, *, kind: str = "Trial", selector: str = "") -> list[Event]:
    """The events after `since`, up to the first of version `until` or later."""
    seen: list[Event] = []
    for event in world.cluster.watch(kind=kind, since=since, namespace=world.namespace, selector=selector, timeout=30):
        if event.type != "BOOKMARK":
            seen.append(event)
        if int(event.object["metadata"]["resourceVersion"]) >= until:
            return seen
    raise AssertionError(f"version {until} was not seen; but {told(seen)}")


def now(world: World, kind: str = "Trial") -> str:
    return world.cluster.list(kind=kind, namespace=world.namespace).resource_version


def version(body: Json) -> int:
    return int(body["metadata"]["resourceVersion"])


def test_what_happens_is_told_once_and_in_order(world: World):
    since = now(world)
    a = world.cluster.create(world.trial("a"))
    b = world.cluster.create(world.trial("b"))
    changed = world.merge(a, {"status": {"x": 1}}, subresource="status")
    world.merge(a, {"status": {"x": 1}}, subresource="status")
    world.cluster.delete(**world.at(b))
    last = world.cluster.create(world.trial("c"))
    events = follow(world, since, version(last))
    assert told(events) == [("ADDED", "a"), ("ADDED", "b"), ("MODIFIED", "a"), ("DELETED", "b"), ("ADDED", "c")]
    assert [events[0].object, events[1].object, events[2].object, events[4].object] == [a, b, changed, last]
    versions = [version(event.object) for event in events]
    assert versions == sorted(set(versions))
    gone = events[3].object
    assert gone["metadata"]["uid"] == b["metadata"]["uid"]
    assert gone["spec"] == b["spec"]


def test_a_watch_begins_after_the_version_it_is_given(world: World):
    first = world.cluster.create(world.trial("a"))
    second = world.cluster.create(world.trial("b"))
    assert told(follow(world, first["metadata"]["resourceVersion"], version(second))) == [("ADDED", "b")]


def test_a_list_and_a_watch_from_its_version_miss_nothing(world: World):
    world.cluster.create(world.trial("a"))
    listing = world.cluster.list(kind="Trial", namespace=world.namespace)
    last = world.cluster.create(world.trial("b"))
    assert names(listing.items) == ["a"]
    assert told(follow(world, listing.resource_version, version(last))) == [("ADDED", "b")]


def test_a_watch_sees_its_kind_and_namespace_only(world: World):
    since = now(world)
    world.cluster.create(world.config("other"))
    world.cluster.create(world.experiment("other"))
    elsewhere = world.cluster.create(world.trial("", namespace="default", generateName="kagit-contract-"))
    world.cluster.delete(**world.at(elsewhere))
    last = world.cluster.create(world.trial("mine"))
    assert told(follow(world, since, version(last))) == [("ADDED", "mine")]


def test_a_watch_of_all_namespaces(world: World):
    since = now(world)
    made = world.cluster.create(world.trial("a"))
    for event in world.cluster.watch(kind="Trial", since=since, timeout=30):
        if event.object["metadata"].get("uid") == made["metadata"]["uid"]:
            assert event == Event("ADDED", made)
            return
    raise AssertionError("not seen")


def test_a_selector_turns_changes_into_arrivals_and_departures(world: World):
    since = now(world)
    body = world.cluster.create(world.trial("a", labels={"x": "1"}))
    world.cluster.create(world.trial("never", labels={"x": "2"}))
    world.merge(body, {"metadata": {"labels": {"y": "2"}}})
    left = world.merge(body, {"metadata": {"labels": {"x": "3"}}, "spec": {"new": True}})
    world.merge(body, {"metadata": {"labels": {"z": "4"}}})
    world.merge(body, {"metadata": {"labels": {"x": "1"}}})
    world.merge(body, {"metadata": {"labels": None}})
    last = world.cluster.create(world.trial("last", labels={"x": "1"}))
    events = follow(world, since, version(last), selector="x=1")
    assert [event.type for event in events] == ["ADDED", "MODIFIED", "DELETED", "ADDED", "DELETED", "ADDED"]
    departed = events[2].object
    assert version(departed) == version(left)
    assert departed["metadata"]["labels"] == {"x": "1", "y": "2"}
    assert "new" not in departed["spec"]


def test_deletion_of_a_selected_object_is_told(world: World):
    body = world.cluster.create(world.trial("a", labels={"x": "1"}))
    other = world.cluster.create(world.trial("b", labels={"x": "2"}))
    since = now(world)
    world.cluster.delete(**world.at(other))
    world.cluster.delete(**world.at(body))
    last = world.cluster.create(world.trial("c", labels={"x": "1"}))
    events = follow(world, since, version(last), selector="x=1")
    assert told(events) == [("DELETED", "a"), ("ADDED", "c")]


def test_a_marked_object_is_changed_first_and_deleted_when_it_is_released(world: World):
    body = world.cluster.create(world.trial("a", finalizers=["kagit.dev/hold"]))
    since = now(world)
    world.cluster.delete(**world.at(body))
    world.merge(body, {"metadata": {"finalizers": None}})
    last = world.cluster.create(world.trial("b"))
    events = follow(world, since, version(last))
    assert told(events) == [("MODIFIED", "a"), ("DELETED", "a"), ("ADDED", "b")]
    assert events[0].object["metadata"]["deletionTimestamp"]


def test_a_watch_without_time_tells_what_is_there_already(world: World):
    since = now(world)
    assert told(world.cluster.watch(kind="Trial", since=since, namespace=world.namespace)) == []
    for name in "abc":
        world.cluster.create(world.trial(name))
    events = list(world.cluster.watch(kind="Trial", since=since, namespace=world.namespace))
    assert told(events) == [("ADDED", "a"), ("ADDED", "b"), ("ADDED", "c")]


def test_a_watch_ends_when_its_time_is_over(world: World):
    since = now(world)
    assert told(world.cluster.watch(kind="Trial", since=since, namespace=world.namespace, timeout=0.5)) == []


def test_a_waiting_watch_wakes_when_another_thread_writes(world: World):
    since = now(world)
    seen: list[tuple[str, str]] = []

    def watch() -> None:
        for event in world.cluster.watch(kind="Trial", since=since, namespace=world.namespace, timeout=60):
            seen.extend(told([event]))
            if len(seen) == 2:
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    body = world.cluster.create(world.trial("a"))
    eventually(lambda: seen)
    world.merge(body, {"spec": {"x": 1}})
    watcher.join(45)
    assert seen == [("ADDED", "a"), ("MODIFIED", "a")]


def test_a_version_still_to_come_is_silence(world: World):
    world.cluster.create(world.trial("a"))
    later = str(int(now(world)) + 1_000_000)
    assert told(world.cluster.watch(kind="Trial", since=later, namespace=world.namespace, timeout=1)) == []


@pytest.mark.parametrize("since", ["", "0", "abc", "-1", "1.5"])
def test_what_is_no_version_is_refused(world: World, since: str):
    with pytest.raises(Refused):
        list(world.cluster.watch(kind="Trial", since=since, namespace=world.namespace))


def test_an_unreadable_selector_is_refused(world: World):
    with pytest.raises(Refused):
        list(world.cluster.watch(kind="Trial", since=now(world), namespace=world.namespace, selector="a b", timeout=1))
