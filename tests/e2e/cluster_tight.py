"""For a lab with TIGHT=1, which lets one write in at a time: 429 with Retry-After really happens, and is survived.

Run by tests/e2e/run-cluster; the file's name keeps it out of the everyday suite.
"""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.contract.cluster_world import World, names, open_kubernetes

pytest_plugins = ["tests.contract.cluster_fixture"]


def test_a_crowd_of_writers_is_throttled_and_every_write_arrives(world: World, capsys: pytest.CaptureFixture[str]):
    patient = open_kubernetes()
    pauses: list[float] = []
    pace = threading.Event()

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        pace.wait(seconds)

    crowd = World(open_kubernetes(pause=pause), world.namespace)
    with ThreadPoolExecutor(24) as pool:
        made = list(pool.map(lambda number: crowd.cluster.create(crowd.trial(f"t-{number:03}")), range(200)))
        list(pool.map(lambda body: crowd.merge(body, {"status": {"done": True}}, subresource="status"), made))
    listed = patient.list(kind="Trial", namespace=world.namespace).items
    assert names(listed) == [f"t-{number:03}" for number in range(200)]
    assert all(body["status"] == {"done": True} for body in listed)
    assert pauses, "the server never throttled: this proves nothing"
    assert max(pauses) >= 1
    with capsys.disabled():
        sys.stdout.write(f"\n{len(pauses)} answers were 429, and every write arrived\n")
    for cluster in (patient, crowd.cluster):
        cluster.close()
