"""The Cluster port's contract, single objects: the same tests for the embedded engine and a real server."""

import re

import pytest

from kagit.errors import AlreadyExists, Conflict, NotFound, Refused
from tests.contract.cluster_world import World, names, owner

pytest_plugins = ["tests.contract.cluster_fixture"]


def test_a_new_object_gets_what_only_the_server_sets(world: World):
    stored = world.cluster.create(world.trial("a", labels={"x": "y"}))
    metadata = stored["metadata"]
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", metadata["uid"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", metadata["creationTimestamp"])
    assert metadata["generation"] == 1
    assert int(metadata["resourceVersion"]) > 0
    assert metadata["labels"] == {"x": "y"}
    assert stored["spec"] == world.trial("a")["spec"]
    assert world.get(stored) == stored


def test_only_kinds_with_a_spec_of_intent_have_a_generation(world: World):
    assert "generation" not in world.cluster.create(world.config("a"))["metadata"]


def test_a_name_is_taken_once_per_kind_and_namespace(world: World):
    world.cluster.create(world.trial("a"))
    world.cluster.create(world.experiment("a"))
    with pytest.raises(AlreadyExists):
        world.cluster.create(world.trial("a"))


def test_a_name_is_free_again_after_deletion_and_the_uid_is_new(world: World):
    first = world.cluster.create(world.trial("a"))
    world.cluster.delete(**world.at(first))
    assert world.cluster.create(world.trial("a"))["metadata"]["uid"] != first["metadata"]["uid"]


def test_versions_increase_over_all_kinds(world: World):
    made = [world.cluster.create(body) for body in (world.trial("a"), world.config("b"), world.experiment("c"))]
    made.append(world.merge(made[0], {"metadata": {"labels": {"a": "b"}}}))
    versions = [int(body["metadata"]["resourceVersion"]) for body in made]
    assert versions == sorted(set(versions))


@pytest.mark.parametrize("kind", ["Trial", "ConfigMap"])
@pytest.mark.parametrize("name", ["Big", "-a", "a-", "a_b", "a/b", "a..b", "ä", "a" * 254, "a b"])
def test_bad_names_are_refused(world: World, kind: str, name: str):
    with pytest.raises(Refused):
        world.cluster.create(world.object(kind, name, {}))


@pytest.mark.parametrize("name", ["a", "a.b-c.d", "0", "a" * 253])
def test_good_names_are_taken(world: World, name: str):
    assert world.cluster.create(world.config(name))["metadata"]["name"] == name


@pytest.mark.parametrize("name", ["a.b", "a" * 64, "A"])
def test_bad_namespace_names_are_refused(world: World, name: str):
    with pytest.raises(Refused):
        world.cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})


def test_a_name_can_be_generated(world: World):
    made = [world.cluster.create(world.trial("", generateName="run-")) for _ in range(3)]
    assert len(set(names(made))) == 3
    assert all(re.fullmatch(r"run-[a-z0-9]{5}", name) for name in names(made))
    assert made[0]["metadata"]["generateName"] == "run-"
    long = world.cluster.create(world.trial("", generateName="x" * 80))["metadata"]["name"]
    assert re.fullmatch(r"x{58}[a-z0-9]{5}", long)


def test_an_object_without_any_name_is_refused(world: World):
    with pytest.raises(Refused):
        world.cluster.create(world.trial(""))


def test_an_object_of_a_namespaced_kind_needs_a_namespace(world: World):
    body = world.trial("a")
    del body["metadata"]["namespace"]
    with pytest.raises(Refused):
        world.cluster.create(body)


def test_the_namespace_must_exist(world: World):
    with pytest.raises(NotFound):
        world.cluster.create(world.trial("a", namespace="kagit-does-not-exist"))


def test_a_new_object_cannot_bring_a_version(world: World):
    with pytest.raises(Refused):
        world.cluster.create(world.trial("a", resourceVersion="5"))


def test_what_only_the_server_sets_is_not_taken_from_a_new_object(world: World):
    body = world.trial("a", uid="mine", generation=7, creationTimestamp="2001-01-01T00:00:00Z")
    metadata = world.cluster.create({**body, "metadata": {**body["metadata"], "selfLink": "/x"}})["metadata"]
    assert metadata["uid"] != "mine"
    assert metadata["generation"] == 1
    assert metadata["creationTimestamp"] > "2020"
    assert "selfLink" not in metadata


def test_unknown_and_mismatched_kinds_are_refused(world: World):
    with pytest.raises(Refused):
        world.cluster.list(kind="Spaceship")
    with pytest.raises(Refused):
        world.cluster.create({**world.trial("a"), "apiVersion": "kubeflow.org/v7"})


@pytest.mark.parametrize(
    "metadata",
    [
        {"labels": {"a": 1}},
        {"labels": {"a": "b c"}},
        {"labels": {"a": "x" * 64}},
        {"labels": {"a b": "c"}},
        {"labels": {"-a": "c"}},
        {"labels": "text"},
        {"annotations": {"a": 1}},
        {"annotations": {"a b": "c"}},
        {"annotations": {"a": "x" * 263_000}},
        {"finalizers": ["not a name"]},
        {"ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "x"}]},
        {"ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "", "uid": "x"}]},
    ],
    ids=str,
)
def test_bad_metadata_is_refused(world: World, metadata: dict[str, object]):
    with pytest.raises(Refused):
        world.cluster.create(world.trial("a", **metadata))


def test_two_controlling_owners_are_refused(world: World):
    parents = [world.cluster.create(world.config(name)) for name in "ab"]
    with pytest.raises(Refused):
        world.cluster.create(world.config("c", ownerReferences=[owner(body, controller=True) for body in parents]))


def test_get_and_delete_of_nothing(world: World):
    for body in (world.trial("a"), world.config("a")):
        with pytest.raises(NotFound):
            world.get(body)
        with pytest.raises(NotFound):
            world.cluster.delete(**world.at(body))
        with pytest.raises(NotFound):
            world.merge(body, {"metadata": {"labels": {"a": "b"}}})


def test_delete_can_insist_on_a_uid(world: World):
    stored = world.cluster.create(world.trial("a"))
    with pytest.raises(Conflict):
        world.cluster.delete(**world.at(stored), uid="00000000-0000-0000-0000-000000000000")
    world.cluster.delete(**world.at(stored), uid=stored["metadata"]["uid"])
    assert world.is_gone(stored)


def test_list_shows_one_namespace_by_name_and_the_version_to_watch_from(world: World):
    made = [world.cluster.create(world.trial(name)) for name in ("b", "c", "a")]
    world.cluster.create(world.config("d"))
    listing = world.cluster.list(kind="Trial", namespace=world.namespace)
    assert names(listing.items) == ["a", "b", "c"]
    assert listing.items[1] == made[0]
    assert int(listing.resource_version) >= int(made[-1]["metadata"]["resourceVersion"])
    mine = [body for body in world.cluster.list(kind="Trial").items if body["metadata"]["namespace"] == world.namespace]
    assert mine == listing.items


def test_objects_of_built_in_kinds_are_listed_with_their_kind(world: World):
    stored = world.cluster.create(world.config("a"))
    listing = world.cluster.list(kind="ConfigMap", namespace=world.namespace, fields="metadata.name=a")
    assert listing.items == [stored]


def test_more_objects_than_fit_one_page_are_listed(world: World):
    for number in range(520):
        world.cluster.create(world.config(f"n-{number:04}"))
    listed = names(
        world.cluster.list(kind="ConfigMap", namespace=world.namespace, fields="metadata.name!=kube-root-ca.crt").items
    )
    assert listed == [f"n-{number:04}" for number in range(520)]


SELECTORS = {
    "": "abcd",
    "app=x": "ab",
    "app==x": "ab",
    "app!=x": "cd",
    "app in (x,y)": "abc",
    "app in (x, y),tier": "a",
    "app notin (x)": "cd",
    "app": "abc",
    "!app": "d",
    "app,!tier": "bc",
    "size>3": "c",
    "size<3": "b",
    "example.org/deep=1": "d",
    "app=": "",
    "app=x,tier=front": "a",
}


def test_label_selectors(world: World):
    labels = {
        "a": {"app": "x", "tier": "front"},
        "b": {"app": "x", "size": "2"},
        "c": {"app": "y", "size": "4"},
        "d": {"example.org/deep": "1"},
    }
    for name, chosen in labels.items():
        world.cluster.create(world.trial(name, labels=chosen))
    found = {
        selector: "".join(names(world.cluster.list(kind="Trial", namespace=world.namespace, selector=selector).items))
        for selector in SELECTORS
    }
    assert found == SELECTORS


@pytest.mark.parametrize("selector", ["=x", "a in x", "a in (", "a b", "a=b c", "!", "a=b,,c", "a>x", "a=%"])
def test_unreadable_label_selectors_are_refused(world: World, selector: str):
    with pytest.raises(Refused):
        world.cluster.list(kind="Trial", namespace=world.namespace, selector=selector)


def test_field_selectors(world: World):
    for name in "abc":
        world.cluster.create(world.trial(name))
    wanted = {
        "metadata.name=b": "b",
        "metadata.name==b": "b",
        "metadata.name!=b": "ac",
        f"metadata.namespace={world.namespace},metadata.name=a": "a",
        "metadata.namespace=elsewhere": "",
    }
    found = {
        fields: "".join(names(world.cluster.list(kind="Trial", namespace=world.namespace, fields=fields).items))
        for fields in wanted
    }
    assert found == wanted
    with pytest.raises(Refused):
        world.cluster.list(kind="Trial", namespace=world.namespace, fields="spec.nothing=1")


def test_an_object_too_large_for_the_store_is_refused_and_not_kept(world: World):
    body = world.trial("a")
    body["spec"]["text"] = "x" * 1_600_000
    with pytest.raises(Refused):
        world.cluster.create(body)
    with pytest.raises(NotFound):
        world.get(body)


def test_answers_belong_to_the_caller(world: World):
    body = world.trial("a", labels={"x": "y"})
    stored = world.cluster.create(body)
    patch = {"spec": {"deep": {"list": [{"a": 1}]}}}
    changed = world.merge(stored, patch)
    for answer in (stored, changed, body, patch):
        answer["spec"].clear()
    changed["metadata"]["labels"]["x"] = "z"
    assert world.get(stored)["spec"]["deep"] == {"list": [{"a": 1}]}
    assert world.get(stored)["metadata"]["labels"] == {"x": "y"}
    assert changed["spec"] == {} == stored["spec"]


def test_text_of_all_kinds_survives(world: World):
    data = {"text": 'ş ğ 漢字 🎉 \u2028 " \\ \n\t end'}
    assert world.get(world.cluster.create(world.config("a", data)))["data"] == data


def test_numbers_and_truth_survive(world: World):
    body = world.trial("a")
    body["spec"] |= {
        "int": 2**53,
        "neg": -1,
        "float": 0.1,
        "yes": True,
        "no": False,
        "empty": {},
        "none": [],
        "zero": 0,
    }
    assert world.get(world.cluster.create(body))["spec"] == body["spec"]


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_what_json_cannot_say_is_refused(world: World, number: float):
    body = world.trial("a")
    body["spec"] |= {"list": [{"text": None}, {"number": number}]}
    with pytest.raises(Refused):
        world.cluster.create(body)
    stored = world.cluster.create(world.trial("a"))
    with pytest.raises(Refused):
        world.merge(stored, {"status": {"number": number}}, subresource="status")
    assert world.get(stored) == stored
