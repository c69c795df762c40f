"""The Cluster port's contract, deleting: finalizers, owners and their dependents, namespaces."""

from typing import Any

import pytest

from kagit.errors import Conflict, NotFound, Refused
from kagit.experiment import Json
from tests.contract.cluster_world import World, eventually, names, owner

pytest_plugins = ["tests.contract.cluster_fixture"]

HOLD = "kagit.dev/hold"


def family(world: World, **reference: Any) -> tuple[Json, Json, Json]:
    """An experiment, its trial, and a config map of that trial."""
    parent = world.cluster.create(world.experiment())
    child = world.cluster.create(world.trial("child", ownerReferences=[owner(parent, **reference)]))
    grandchild = world.cluster.create(world.config("grandchild", ownerReferences=[owner(child, **reference)]))
    return parent, child, grandchild


def released(world: World, body: Json) -> bool:
    """Take our finalizer away, unless the server takes one of its own away meanwhile."""
    current = world.get(body)["metadata"]
    left = [name for name in current["finalizers"] if name != HOLD]
    lock = {"resourceVersion": current["resourceVersion"]}
    try:
        world.merge(body, {"metadata": {"finalizers": left, **lock}})
    except Conflict:
        return False
    return True


def test_finalizers_hold_an_object_until_the_last_is_gone(world: World):
    stored = world.cluster.create(world.trial("a", finalizers=[HOLD, "kagit.dev/too"]))
    world.cluster.delete(**world.at(stored))
    marked = world.get(stored)
    assert marked["metadata"]["deletionTimestamp"]
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 0
    assert marked["metadata"]["generation"] == 2
    assert marked["metadata"]["finalizers"] == [HOLD, "kagit.dev/too"]
    world.merge(stored, {"metadata": {"finalizers": ["kagit.dev/too"]}})
    assert not world.is_gone(stored)
    last = world.merge(stored, {"metadata": {"finalizers": None}})
    assert last["metadata"]["uid"] == stored["metadata"]["uid"]
    assert world.is_gone(stored)


def test_deleting_a_marked_object_again_changes_nothing(world: World):
    stored = world.cluster.create(world.trial("a", finalizers=[HOLD]))
    world.cluster.delete(**world.at(stored))
    marked = world.get(stored)
    world.cluster.delete(**world.at(stored))
    assert world.get(stored) == marked


def test_a_marked_object_takes_changes_but_no_new_finalizer(world: World):
    stored = world.cluster.create(world.trial("a", finalizers=[HOLD]))
    world.cluster.delete(**world.at(stored))
    changed = world.merge(stored, {"status": {"x": 1}}, subresource="status")
    assert changed["status"] == {"x": 1}
    assert world.merge(stored, {"spec": {"x": 1}})["spec"]["x"] == 1
    with pytest.raises(Refused):
        world.merge(stored, {"metadata": {"finalizers": [HOLD, "kagit.dev/new"]}})


def test_a_marked_object_keeps_its_name(world: World):
    stored = world.cluster.create(world.trial("a", finalizers=[HOLD]))
    world.cluster.delete(**world.at(stored))
    with pytest.raises(Conflict):
        world.cluster.create(world.trial("a"))


def test_a_json_patch_that_removes_the_last_finalizer_lets_go(world: World):
    stored = world.cluster.create(world.trial("a", finalizers=[HOLD]))
    world.cluster.delete(**world.at(stored))
    test = {"op": "test", "path": "/metadata/finalizers/0", "value": HOLD}
    world.merge(stored, [test, {"op": "remove", "path": "/metadata/finalizers/0"}], form="json")
    assert world.is_gone(stored)


def test_what_is_owned_goes_after_its_owner(world: World):
    parent, child, grandchild = family(world)
    stranger = world.cluster.create(world.trial("stranger"))
    world.cluster.delete(**world.at(parent))
    assert world.is_gone(parent)
    eventually(lambda: world.is_gone(child) and world.is_gone(grandchild))
    assert not world.is_gone(stranger)


def test_what_is_owned_waits_for_its_own_finalizers(world: World):
    parent, child, grandchild = family(world)
    world.merge(child, {"metadata": {"finalizers": [HOLD]}})
    world.cluster.delete(**world.at(parent))
    eventually(lambda: world.get(child)["metadata"].get("deletionTimestamp"))
    assert not world.is_gone(grandchild)
    world.merge(child, {"metadata": {"finalizers": None}})
    eventually(lambda: world.is_gone(child) and world.is_gone(grandchild))


def test_foreground_deletion_waits_for_what_is_owned(world: World):
    parent, child, grandchild = family(world, blockOwnerDeletion=True)
    world.merge(child, {"metadata": {"finalizers": [HOLD]}})
    world.cluster.delete(**world.at(parent), propagation="Foreground")
    eventually(lambda: world.get(child)["metadata"].get("deletionTimestamp"))
    assert world.get(parent)["metadata"]["finalizers"] == ["foregroundDeletion"]
    eventually(lambda: released(world, child))
    eventually(lambda: all(map(world.is_gone, (parent, child, grandchild))))


def test_foreground_deletion_of_what_owns_nothing(world: World):
    stored = world.cluster.create(world.trial("a"))
    world.cluster.delete(**world.at(stored), propagation="Foreground")
    eventually(lambda: world.is_gone(stored))


def test_orphaning_leaves_what_was_owned(world: World):
    parent, child, grandchild = family(world)
    world.cluster.delete(**world.at(parent), propagation="Orphan")
    eventually(lambda: world.is_gone(parent))
    eventually(lambda: "ownerReferences" not in world.get(child)["metadata"])
    assert world.get(grandchild)["metadata"]["ownerReferences"] == [owner(child)]


def test_two_owners_share_what_they_own(world: World):
    parents = [world.cluster.create(world.experiment(name)) for name in ("one", "two")]
    child = world.cluster.create(world.trial("child", ownerReferences=[owner(body) for body in parents]))
    world.cluster.delete(**world.at(parents[0]))
    eventually(lambda: world.get(child)["metadata"]["ownerReferences"] == [owner(parents[1])])
    world.cluster.delete(**world.at(parents[1]))
    eventually(lambda: world.is_gone(child))


def test_who_names_an_owner_that_never_was_is_collected(world: World):
    parent = world.cluster.create(world.experiment())
    stale = {**owner(parent), "uid": "00000000-0000-0000-0000-000000000000"}
    child = world.cluster.create(world.trial("child", ownerReferences=[stale]))
    eventually(lambda: world.is_gone(child))
    assert not world.is_gone(parent)


def test_who_names_an_owner_that_is_gone_is_collected(world: World):
    parent = world.cluster.create(world.experiment())
    world.cluster.delete(**world.at(parent))
    world.cluster.create(world.experiment())
    child = world.cluster.create(world.trial("child", ownerReferences=[owner(parent)]))
    eventually(lambda: world.is_gone(child))


def test_who_comes_to_name_a_missing_owner_is_collected(world: World):
    parent = world.cluster.create(world.experiment())
    child = world.cluster.create(world.trial("child"))
    world.cluster.delete(**world.at(parent))
    world.merge(child, {"metadata": {"ownerReferences": [owner(parent)]}})
    eventually(lambda: world.is_gone(child))


def test_owners_of_kinds_that_nobody_knows_are_left_alone(world: World):
    unknown = {"apiVersion": "example.org/v1", "kind": "Spaceship", "name": "x", "uid": "0-0"}
    parent = world.cluster.create(world.experiment())
    child = world.cluster.create(world.trial("child", ownerReferences=[unknown]))
    other = world.cluster.create(world.trial("other", ownerReferences=[owner(parent)]))
    world.cluster.delete(**world.at(parent))
    eventually(lambda: world.is_gone(other))
    assert not world.is_gone(child)


def test_a_namespace_takes_its_content_along(world: World):
    space = world.cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": "kagit-gone-"}})
    name = space["metadata"]["name"]
    body = world.cluster.create(world.trial("a", namespace=name, finalizers=[HOLD]))
    other = world.cluster.create(world.config("b", namespace=name))
    world.cluster.delete(kind="Namespace", namespace="", name=name)
    assert world.cluster.get(kind="Namespace", namespace="", name=name)["metadata"]["deletionTimestamp"]
    with pytest.raises(Refused):
        world.cluster.create(world.trial("late", namespace=name))
    eventually(lambda: world.is_gone(other) and world.get(body)["metadata"].get("deletionTimestamp"))
    world.merge(body, {"metadata": {"finalizers": None}})

    def gone() -> bool:
        try:
            world.cluster.get(kind="Namespace", namespace="", name=name)
        except NotFound:
            return True
        return False

    eventually(gone)


def test_an_unknown_propagation_is_refused(world: World):
    stored = world.cluster.create(world.trial("a"))
    with pytest.raises(Refused):
        world.cluster.delete(**world.at(stored), propagation="Sideways")
    assert names(world.cluster.list(kind="Trial", namespace=world.namespace).items) == ["a"]
