"""The Cluster port's contract, changing objects: merge and JSON patches, status, generation, locks."""

from typing import Any

import pytest

from kagit.errors import Conflict, NotFound, Refused
from kagit.experiment import Json
from tests.contract.cluster_world import World, owner

pytest_plugins = ["tests.contract.cluster_fixture"]


def version(body: Json) -> int:
    return int(body["metadata"]["resourceVersion"])


def test_a_merge_patch_merges_maps_replaces_lists_and_removes_by_null(world: World):
    body = world.trial("a", labels={"keep": "1", "drop": "2"})
    body["spec"] = {"map": {"a": 1, "b": {"c": 2}}, "list": [1, 2, 3], "text": "x", "gone": {"d": 4}}
    stored = world.cluster.create(body)
    patch = {"map": {"b": {"e": 5}, "a": None}, "list": [4], "gone": None, "absent": None, "new": {"f": 6, "g": None}}
    changed = world.merge(stored, {"metadata": {"labels": {"drop": None, "add": "3"}}, "spec": patch})
    assert changed["spec"] == {"map": {"b": {"c": 2, "e": 5}}, "list": [4], "text": "x", "new": {"f": 6}}
    assert changed["metadata"]["labels"] == {"keep": "1", "add": "3"}
    assert world.get(stored) == changed


@pytest.mark.parametrize(
    "patch",
    [
        {"spec": {"maxTrialCount": 3}},
        {"metadata": {"labels": {"a": "b"}, "annotations": {"gone": None}}},
        {"status": {"trials": 1}},
        {"metadata": {"uid": None, "creationTimestamp": None, "generation": 9}},
        {"metadata": {"uid": "", "creationTimestamp": "2001-01-01T00:00:00Z", "selfLink": "/x", "unknown": {}}},
        {},
    ],
    ids=str,
)
def test_a_write_that_changes_nothing_is_no_write(world: World, patch: Json):
    stored = world.cluster.create(world.experiment(labels={"a": "b"}))
    assert world.merge(stored, patch) == stored
    assert world.get(stored) == stored


def test_truth_and_one_are_different(world: World):
    stored = world.cluster.create(world.trial("a"))
    first = world.merge(stored, {"spec": {"flag": 1}})
    second = world.merge(stored, {"spec": {"flag": True}})
    assert second["spec"]["flag"] is True
    assert version(second) > version(first)
    assert second["metadata"]["generation"] == first["metadata"]["generation"] + 1


def test_the_generation_moves_with_the_spec_only(world: World):
    stored = world.cluster.create(world.trial("a"))
    generations = [
        world.merge(stored, patch, subresource=where)["metadata"]["generation"]
        for patch, where in [
            ({"metadata": {"labels": {"a": "b"}}}, ""),
            ({"metadata": {"annotations": {"a": "b"}, "finalizers": []}}, ""),
            ({"status": {"a": 1}}, "status"),
            ({"spec": {"a": 1}}, ""),
            ({"spec": {"a": 1}}, ""),
            ({"spec": {"a": None}, "metadata": {"labels": {"a": "c"}}}, ""),
        ]
    ]
    assert generations == [1, 1, 1, 2, 2, 3]


def test_status_is_written_through_its_subresource_only(world: World):
    body = {**world.trial("a"), "status": {"sneaked": "in"}}
    stored = world.cluster.create(body)
    assert "status" not in stored
    with_status = world.merge(stored, {"status": {"conditions": [{"type": "Running"}]}}, subresource="status")
    assert with_status["status"] == {"conditions": [{"type": "Running"}]}
    assert with_status["spec"] == stored["spec"]
    other = world.merge(stored, {"status": {"conditions": []}, "spec": {"a": 1}})
    assert other["status"] == with_status["status"]
    sneaky = {"status": {"more": 1}, "spec": {"a": 2}, "metadata": {"labels": {"a": "b"}, "finalizers": ["x.y/z"]}}
    changed = world.merge(stored, sneaky, subresource="status")
    assert changed["spec"] == other["spec"]
    assert changed["metadata"].get("labels") is None
    assert changed["metadata"].get("finalizers") is None
    assert changed["status"] == {"conditions": [{"type": "Running"}], "more": 1}
    assert world.get(stored) == changed


def test_a_status_can_be_replaced_and_removed_by_parts(world: World):
    stored = world.cluster.create(world.trial("a"))
    world.merge(stored, {"status": {"a": {"b": 1, "c": 2}, "list": [1, 2]}}, subresource="status")
    changed = world.merge(stored, {"status": {"a": {"b": None}, "list": [3]}}, subresource="status")
    assert changed["status"] == {"a": {"c": 2}, "list": [3]}


def test_kinds_without_that_subresource_say_so(world: World):
    stored = world.cluster.create(world.config("a"))
    with pytest.raises(NotFound):
        world.merge(stored, {"data": {"a": "b"}}, subresource="status")


@pytest.mark.parametrize("subresource", ["", "status"])
def test_a_version_in_the_body_is_an_optimistic_lock(world: World, subresource: Any):
    stored = world.cluster.create(world.trial("a"))
    lock = {"metadata": {"resourceVersion": stored["metadata"]["resourceVersion"]}}
    section = subresource or "spec"
    changed = world.merge(stored, {**lock, section: {"a": 1}}, subresource=subresource)
    with pytest.raises(Conflict):
        world.merge(stored, {**lock, section: {"a": 2}}, subresource=subresource)
    assert world.get(stored) == changed
    again = {"metadata": {"resourceVersion": changed["metadata"]["resourceVersion"]}, section: {"a": 3}}
    assert world.merge(stored, again, subresource=subresource)[section]["a"] == 3


def test_a_stale_version_is_a_conflict_even_where_nothing_would_change(world: World):
    stored = world.cluster.create(world.trial("a"))
    world.merge(stored, {"spec": {"a": 1}})
    with pytest.raises(Conflict):
        world.merge(stored, {"metadata": {"resourceVersion": stored["metadata"]["resourceVersion"]}})


@pytest.mark.parametrize(
    "patch",
    [
        {"metadata": {"name": "other"}},
        {"metadata": {"namespace": "other"}},
        {"metadata": {"name": None}},
        {"metadata": None},
        {"metadata": {"uid": "00000000-0000-0000-0000-000000000000"}},
        {"metadata": {"deletionTimestamp": "2001-01-01T00:00:00Z"}},
        {"metadata": {"resourceVersion": None}},
        {"metadata": {"resourceVersion": "garbage"}},
        {"kind": None},
        {"kind": "Experiment"},
        {"apiVersion": "v1"},
        {"metadata": {"labels": {"a": 1}}},
        {"metadata": {"labels": {"a b": "c"}}},
        {"metadata": {"finalizers": ["no name"]}},
    ],
    ids=str,
)
def test_what_may_not_change_is_refused(world: World, patch: Json):
    stored = world.cluster.create(world.trial("a"))
    with pytest.raises(Refused):
        world.merge(stored, patch)
    assert world.get(stored) == stored


def test_the_status_of_our_own_kinds_takes_nothing_but_status(world: World):
    stored = world.cluster.create(world.trial("a"))
    noise = {"kind": "Experiment", "metadata": {"uid": "x", "labels": {"a b": "c"}}}
    changed = world.merge(stored, {**noise, "status": {"a": 1}}, subresource="status")
    assert changed == {
        **stored,
        "metadata": {**stored["metadata"], "resourceVersion": changed["metadata"]["resourceVersion"]},
        "status": {"a": 1},
    }


JOB = {
    "spec": {
        "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "example.org/none"}]}},
        "suspend": True,
    }
}


def test_the_status_of_a_job_takes_labels_too(world: World):
    stored = world.cluster.create(world.object("Job", "a", {**JOB, "status": {"active": 7}}))
    assert stored.get("status", {}).get("active") is None
    changed = world.merge(stored, {"metadata": {"labels": {"a": "b"}}, "status": {"ready": 0}}, subresource="status")
    assert changed["metadata"]["labels"]["a"] == "b"
    assert changed["metadata"]["generation"] == 1


def test_what_only_the_server_sets_stays(world: World):
    stored = world.cluster.create(world.trial("a"))
    changed = world.merge(stored, {"metadata": {"generation": 9, "selfLink": "/x"}, "spec": {"a": 1}})
    kept = {key: value for key, value in stored["metadata"].items() if key != "resourceVersion"}
    assert changed["metadata"] == {**kept, "generation": 2, "resourceVersion": changed["metadata"]["resourceVersion"]}


def json(world: World, body: Json, *operations: Json, **options: Any) -> Json:
    return world.merge(body, list(operations), form="json", **options)


def test_json_patch_does_what_rfc_6902_says(world: World):
    body = world.trial("a")
    body["spec"] = {"list": ["a", "b"], "map": {"x": 1, "a/b": 2, "m~n": 3}, "from": {"deep": [1]}}
    stored = world.cluster.create(body)
    changed = json(
        world,
        stored,
        {"op": "test", "path": "/spec/list/0", "value": "a"},
        {"op": "add", "path": "/spec/list/1", "value": "between"},
        {"op": "add", "path": "/spec/list/-", "value": "last"},
        {"op": "replace", "path": "/spec/map/x", "value": {"y": None}},
        {"op": "remove", "path": "/spec/map/a~1b"},
        {"op": "test", "path": "/spec/map/m~0n", "value": 3},
        {"op": "copy", "from": "/spec/from/deep", "path": "/spec/copied"},
        {"op": "move", "from": "/spec/from", "path": "/spec/moved"},
        {"op": "remove", "path": "/spec/list/0"},
    )
    assert changed["spec"] == {
        "list": ["between", "b", "last"],
        "map": {"x": {"y": None}, "m~n": 3},
        "copied": [1],
        "moved": {"deep": [1]},
    }
    assert changed["metadata"]["generation"] == 2
    assert world.get(stored) == changed


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/spec/list/0", "value": "z"},
        {"op": "test", "path": "/spec/absent", "value": 1},
        {"op": "remove", "path": "/spec/absent"},
        {"op": "remove", "path": "/spec/list/9"},
        {"op": "replace", "path": "/spec/absent/below", "value": 1},
        {"op": "move", "from": "/spec/absent", "path": "/spec/x"},
        {"op": "remove", "path": "/spec/list/-2"},
        {"op": "add", "path": "/spec/list/word", "value": 1},
        {"op": "add", "path": "/spec/absent/below", "value": 1},
        {"op": "add", "path": "/spec/list/9", "value": 1},
        {"op": "copy", "from": "/spec/absent/deep", "path": "/spec/x"},
        {"op": "explode", "path": "/spec/list"},
    ],
    ids=str,
)
def test_a_json_patch_happens_wholly_or_not_at_all(world: World, operation: Json):
    body = world.trial("a")
    body["spec"] = {"list": ["a"]}
    stored = world.cluster.create(body)
    with pytest.raises(Refused):
        json(world, stored, {"op": "add", "path": "/spec/first", "value": 1}, operation)
    assert world.get(stored) == stored


def test_json_patch_is_as_lax_as_the_server(world: World):
    body = world.trial("a")
    body["spec"] = {"list": [1]}
    changed = json(
        world,
        world.cluster.create(body),
        {"op": "replace", "path": "/spec/absent", "value": 1},
        {"op": "copy", "from": "/spec/nothing", "path": "/spec/copied"},
        {"op": "test", "path": "/spec/nothing", "value": None},
        {"op": "add", "path": "/spec/valueless"},
        {"op": "add", "path": "/spec/list/-1", "value": 2},
        {"op": "replace", "path": "/spec/list/-1", "value": 3},
    )
    assert changed["spec"] == {"absent": 1, "copied": None, "valueless": None, "list": [1, 3]}


def test_a_json_patch_can_lock_and_remove_one_finalizer(world: World):
    stored = world.cluster.create(world.trial("a", finalizers=["kagit.dev/one", "kagit.dev/two"]))
    changed = json(
        world,
        stored,
        {"op": "test", "path": "/metadata/finalizers/0", "value": "kagit.dev/one"},
        {"op": "remove", "path": "/metadata/finalizers/0"},
    )
    assert changed["metadata"]["finalizers"] == ["kagit.dev/two"]
    stale = {"op": "replace", "path": "/metadata/resourceVersion", "value": stored["metadata"]["resourceVersion"]}
    with pytest.raises(Conflict):
        json(world, stored, stale, {"op": "add", "path": "/spec/a", "value": 1})


def test_a_json_patch_of_the_status(world: World):
    stored = world.cluster.create(world.trial("a"))
    changed = json(
        world,
        stored,
        {"op": "add", "path": "/status", "value": {"a": 1}},
        {"op": "add", "path": "/spec/a", "value": 1},
        subresource="status",
    )
    assert (changed["status"], changed["spec"]) == ({"a": 1}, stored["spec"])


def test_owners_can_change(world: World):
    parents = [world.cluster.create(world.config(name)) for name in "ab"]
    child = world.cluster.create(world.trial("c", ownerReferences=[owner(parents[0])]))
    changed = world.merge(child, {"metadata": {"ownerReferences": [owner(parents[1])]}})
    assert changed["metadata"]["ownerReferences"] == [owner(parents[1])]
