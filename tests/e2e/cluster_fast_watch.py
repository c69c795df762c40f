"""For a lab with FAST_WATCH=1, where watches end after seconds and history is compacted: 410 Gone really happens.

Run by tests/e2e/run-cluster; the file's name keeps it out of the everyday suite.
"""

import threading

from kagit.errors import Expired
from tests.contract.cluster_world import World, eventually

pytest_plugins = ["tests.contract.cluster_fixture"]


def test_too_old_a_version_is_expired_and_a_new_list_goes_on(world: World):
    since = world.cluster.create(world.trial("a"))["metadata"]["resourceVersion"]
    count = 0

    def expired() -> bool:
        nonlocal count
        count += 1
        world.merge(world.trial("a"), {"spec": {"count": count}})
        try:
            list(world.cluster.watch(kind="Trial", since=since, namespace=world.namespace))
        except Expired:
            return True
        return False

    eventually(expired, seconds=90)
    listing = world.cluster.list(kind="Trial", namespace=world.namespace)
    world.cluster.create(world.trial("b"))
    events = list(world.cluster.watch(kind="Trial", since=listing.resource_version, namespace=world.namespace))
    assert [event.object["metadata"]["name"] for event in events if event.type != "BOOKMARK"] == ["b"]


def test_a_watch_goes_on_when_the_server_ends_its_streams(world: World):
    body = world.cluster.create(world.trial("a"))
    pace = threading.Event()

    def write() -> None:
        for number in range(30):
            pace.wait(0.6)  # spread over several streams, which the server ends after 5 to 10 s
            world.merge(body, {"spec": {"number": number}})

    writer = threading.Thread(target=write)
    writer.start()
    seen: list[int] = []
    since = body["metadata"]["resourceVersion"]
    for event in world.cluster.watch(kind="Trial", since=since, namespace=world.namespace, timeout=90):
        seen += [event.object["spec"]["number"]] if event.type == "MODIFIED" else []
        if seen[-1:] == [29]:
            break
    writer.join()
    assert seen == list(range(30))
