"""The Cluster port's contract, server-side apply: who owns which field, and what goes when it is left out."""

from typing import Any

import pytest

from kagit.errors import Conflict, NotFound, Refused
from kagit.experiment import Json
from tests.contract.cluster_world import World

pytest_plugins = ["tests.contract.cluster_fixture"]


def apply(world: World, body: Json, manager: str = "git", **options: Any) -> Json:
    return world.merge(body, body, form="apply", manager=manager, **options)


def wanted(world: World, spec: Json, **metadata: Any) -> Json:
    return world.object("Experiment", "a", {"spec": spec}, **metadata)


def test_apply_creates_what_is_missing(world: World):
    body = {**wanted(world, {"x": 1}, labels={"a": "b"}), "status": {"sneaked": "in"}}
    stored = apply(world, body)
    assert (stored["spec"], stored["metadata"]["labels"], "status" in stored) == ({"x": 1}, {"a": "b"}, False)
    assert stored["metadata"]["generation"] == 1
    assert world.get(body) == stored


def test_applying_the_same_again_is_no_write(world: World):
    body = wanted(world, {"x": 1, "map": {"y": [1, {"z": 2}]}, "none": {}}, labels={"a": "b"}, finalizers=["a.b/c"])
    stored = apply(world, body)
    assert apply(world, body) == stored
    assert apply(world, body) == stored


def test_what_is_left_out_goes_if_nobody_else_has_it(world: World):
    apply(
        world, wanted(world, {"x": 1, "y": 2, "map": {"a": 1, "b": 2}, "deep": {"er": {"est": 1}}}, labels={"l": "m"})
    )
    changed = apply(world, wanted(world, {"x": 1, "map": {"b": 2}}))
    assert changed["spec"] == {"x": 1, "map": {"b": 2}}
    assert "labels" not in changed["metadata"]
    assert changed["metadata"]["generation"] == 2


def test_fields_of_others_stay(world: World):
    apply(world, wanted(world, {"x": 1, "map": {"a": 1}}))
    apply(world, wanted(world, {"y": 2, "map": {"b": 2}}), manager="other")
    world.merge(wanted(world, {}), {"spec": {"z": 3, "map": {"c": 3}}, "metadata": {"annotations": {"n": "o"}}})
    changed = apply(world, wanted(world, {"x": 5}))
    assert changed["spec"] == {"x": 5, "y": 2, "z": 3, "map": {"b": 2, "c": 3}}
    assert changed["metadata"]["annotations"] == {"n": "o"}


def test_shared_fields_go_with_the_last_owner(world: World):
    for manager in ("one", "two"):
        apply(world, wanted(world, {"x": 1, "shared": 2}), manager=manager)
    assert apply(world, wanted(world, {"x": 1}), manager="one")["spec"] == {"x": 1, "shared": 2}
    assert apply(world, wanted(world, {"x": 1}), manager="two")["spec"] == {"x": 1}


def test_conflicts_are_forced(world: World):
    apply(world, wanted(world, {"x": 1}), manager="one")
    assert apply(world, wanted(world, {"x": 2}), manager="two")["spec"] == {"x": 2}
    changed = apply(world, wanted(world, {"y": 1}), manager="one")
    assert changed["spec"] == {"x": 2, "y": 1}


def test_what_a_plain_write_changed_is_no_longer_the_appliers(world: World):
    body = wanted(world, {"x": 1, "y": 2})
    apply(world, body)
    world.merge(body, {"spec": {"x": 9}})
    assert apply(world, wanted(world, {"y": 2}))["spec"] == {"x": 9, "y": 2}
    assert apply(world, body)["spec"] == {"x": 1, "y": 2}


def test_what_was_created_plainly_is_not_the_appliers_alone(world: World):
    world.cluster.create(wanted(world, {"x": 1, "y": 2}, labels={"a": "b"}))
    apply(world, wanted(world, {"x": 1, "z": 3}, labels={"a": "b"}))
    changed = apply(world, wanted(world, {"z": 3}))
    assert changed["spec"] == {"x": 1, "y": 2, "z": 3}
    assert changed["metadata"]["labels"] == {"a": "b"}


def test_lists_are_replaced_as_a_whole(world: World):
    apply(world, wanted(world, {"list": [{"name": "a"}, {"name": "b"}]}))
    assert apply(world, wanted(world, {"list": [{"name": "c"}]}))["spec"] == {"list": [{"name": "c"}]}


def test_a_map_can_become_a_value_and_back(world: World):
    apply(world, wanted(world, {"x": {"a": 1}}), manager="one")
    assert apply(world, wanted(world, {"x": 1}), manager="two")["spec"] == {"x": 1}
    assert apply(world, wanted(world, {"x": {"b": 2}}), manager="two")["spec"] == {"x": {"b": 2}}


def test_finalizers_are_a_set(world: World):
    world.cluster.create(wanted(world, {}, finalizers=["a.b/other"]))
    assert apply(world, wanted(world, {}, finalizers=["a.b/mine"]))["metadata"]["finalizers"] == [
        "a.b/other",
        "a.b/mine",
    ]
    assert apply(world, wanted(world, {}))["metadata"]["finalizers"] == ["a.b/other"]


def test_apply_of_the_spec_leaves_the_status_and_the_reverse(world: World):
    body = wanted(world, {"x": 1})
    apply(world, body)
    status = {**wanted(world, {"x": 7}), "status": {"conditions": [1], "count": 1}}
    changed = apply(world, status, manager="controller", subresource="status")
    assert (changed["spec"], changed["status"]) == ({"x": 1}, {"conditions": [1], "count": 1})
    again = apply(world, {**wanted(world, {"x": 2}), "status": {"count": 9}})
    assert (again["spec"], again["status"]) == ({"x": 2}, {"conditions": [1], "count": 1})
    less = {**wanted(world, {}), "status": {"count": 1}}
    assert apply(world, less, manager="controller", subresource="status")["status"] == {"count": 1}
    assert world.get(body)["spec"] == {"x": 2}


def test_a_status_cannot_be_applied_to_nothing(world: World):
    with pytest.raises(NotFound):
        apply(world, {**wanted(world, {}), "status": {"a": 1}}, subresource="status")


def test_apply_honours_an_optimistic_lock(world: World):
    stored = apply(world, wanted(world, {"x": 1}))
    apply(world, wanted(world, {"x": 2}))
    with pytest.raises(Conflict):
        apply(world, wanted(world, {"x": 3}, resourceVersion=stored["metadata"]["resourceVersion"]))


def test_apply_refuses_what_create_and_patch_refuse(world: World):
    with pytest.raises(Refused):
        apply(world, {**wanted(world, {}), "apiVersion": "kubeflow.org/v7"})
    with pytest.raises(Refused):
        apply(world, world.object("Experiment", "Not-A-Name", {"spec": {}}))
    apply(world, wanted(world, {}))
    with pytest.raises(Refused):
        apply(world, wanted(world, {}, labels={"a b": "c"}))
    with pytest.raises(Refused):
        world.cluster.patch(
            kind="Experiment", namespace=world.namespace, name="a", body=world.experiment("b"), form="apply"
        )
