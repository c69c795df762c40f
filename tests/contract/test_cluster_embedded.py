"""What only the embedded cluster promises: nothing acknowledged is lost, one writer, many readers, a bounded history."""

import itertools
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from kagit.errors import Expired, NotFound, Refused, Unavailable
from kagit.experiment import Json
from reconciler.adapters.cluster_embedded import EmbeddedCluster
from tests.contract.cluster_world import eventually, names

ROOT = Path(__file__).parents[2]
SPACE = "default"


def open_cluster(path: Path, **options: Any) -> EmbeddedCluster:
    return EmbeddedCluster(path / "cluster.db", clock=itertools.count(1_700_000_000).__next__, **options)


def trial(name: str, **spec: Any) -> Json:
    metadata = {"namespace": SPACE, "name": name}
    return {"apiVersion": "kubeflow.org/v1beta1", "kind": "Trial", "metadata": metadata, "spec": spec}


def set_status(cluster: EmbeddedCluster, name: str, **status: Any) -> Json:
    return cluster.patch(
        kind="Trial", namespace=SPACE, name=name, body={"status": status}, subresource="status"
    )


def contents(cluster: EmbeddedCluster) -> list[Json]:
    return cluster.list(kind="Trial", namespace=SPACE).items


WRITER = """
import sys, json
from pathlib import Path
from reconciler.adapters.cluster_embedded import EmbeddedCluster
cluster = EmbeddedCluster(Path(sys.argv[1]), clock=lambda: 1.0, history=64)
place = {"kind": "Trial", "namespace": "default"}
for number in range(int(sys.argv[2]), 10**9):
    name = f"t-{number}"
    made = {"apiVersion": "kubeflow.org/v1beta1", "kind": "Trial", "spec": {"pad": "x" * 3000}}
    stored = cluster.create({**made, "metadata": {"name": name, "namespace": "default"}})
    print(json.dumps([name, stored["metadata"]["resourceVersion"], None]), flush=True)
    stored = cluster.patch(**place, name=name, subresource="status", body={"status": {"n": number}})
    print(json.dumps([name, stored["metadata"]["resourceVersion"], number]), flush=True)
    if number % 3 == 0:
        cluster.delete(**place, name=name)
        print(json.dumps([name, None, None]), flush=True)
"""


def killed_writer(path: Path, begin: int, after: int) -> list[Any]:
    """What a writing process said before it was killed, `after` lines from its start."""
    command = [sys.executable, "-c", WRITER, str(path / "cluster.db"), str(begin)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(after)]
        process.send_signal(signal.SIGKILL)
        said += process.stdout.readlines()
    return [json.loads(line) for line in said if line.endswith("\n")]


def test_nothing_acknowledged_is_lost_when_the_process_is_killed(tmp_path: Path):
    chance = random.Random(7)
    known: dict[str, Any] = {}
    newest = 0
    for attempt in range(20):
        said = killed_writer(tmp_path, attempt * 100_000, chance.randrange(1, 120))
        assert said
        for name, version, number in said:
            known[name] = (version, number)
            newest = max(newest, int(version or 0))
        unsaid = _next_deed(said[-1])
        cluster = open_cluster(tmp_path, history=64)
        found = {b["metadata"]["name"]: (b["metadata"]["resourceVersion"], b.get("status", {}).get("n")) for b in contents(cluster)}
        expected = {name: state for name, state in known.items() if state[0] is not None}
        differing = {name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)}
        assert differing <= {unsaid}
        assert int(cluster.list(kind="Trial").resource_version) >= newest
        # Deeds done but not yet told when the kill came belong to what is known from now on.
        known = {name: found.get(name, (None, None)) for name in known | found}
        cluster.close()
    assert len(known) > 100


def _next_deed(last: Any) -> str:
    """The object of the deed that comes after the last one told."""
    name, version, told = last
    number = int(name.removeprefix("t-"))
    is_over = version is None or (told is not None and number % 3)
    return f"t-{number + 1}" if is_over else name


def test_everything_survives_closing(tmp_path: Path):
    cluster = open_cluster(tmp_path)
    cluster.create(trial("a", x=1))
    set_status(cluster, "a", y=2)
    before = cluster.list(kind="Trial")
    since = cluster.create(trial("b"))["metadata"]["resourceVersion"]
    set_status(cluster, "b", z=3)
    cluster.close()
    again = open_cluster(tmp_path)
    assert again.list(kind="Trial").items[0] == before.items[0]
    assert [event.object["status"] for event in again.watch(kind="Trial", since=since)] == [{"z": 3}]
    assert int(again.create(trial("c"))["metadata"]["resourceVersion"]) > int(since)
    again.close()


def test_the_history_is_bounded_and_too_old_is_said(tmp_path: Path):
    cluster = open_cluster(tmp_path, history=10)
    first = cluster.create(trial("a"))["metadata"]["resourceVersion"]
    for number in range(10):
        set_status(cluster, "a", n=number)
    assert len(list(cluster.watch(kind="Trial", since=first))) == 10
    set_status(cluster, "a", n=99)
    with pytest.raises(Expired, match="too old"):
        list(cluster.watch(kind="Trial", since=first))
    later = list(cluster.watch(kind="Trial", since=str(int(first) + 1)))
    assert [event.object["status"]["n"] for event in later] == [*range(1, 10), 99]
    cluster.close()


def test_a_watch_that_falls_behind_is_told(tmp_path: Path):
    cluster = open_cluster(tmp_path, history=5)
    cluster.create(trial("a"))
    watch = cluster.watch(kind="Trial", since="1", timeout=5)
    assert next(watch).type == "ADDED"
    for number in range(9):
        set_status(cluster, "a", n=number)
    with pytest.raises(Expired):
        next(watch)
    cluster.close()


def test_another_size_of_history_forgets_but_loses_nothing(tmp_path: Path):
    cluster = open_cluster(tmp_path, history=10)
    version = cluster.create(trial("a"))["metadata"]["resourceVersion"]
    set_status(cluster, "a", n=1)
    cluster.close()
    cluster = open_cluster(tmp_path, history=7)
    assert names(contents(cluster)) == ["a"]
    with pytest.raises(Expired):
        list(cluster.watch(kind="Trial", since=version))
    since = cluster.list(kind="Trial").resource_version
    for number in range(2, 9):
        set_status(cluster, "a", n=number)
    assert [event.object["status"]["n"] for event in cluster.watch(kind="Trial", since=since)] == [*range(2, 9)]
    cluster.close()


def test_a_second_writer_is_turned_away_and_readers_are_not(tmp_path: Path):
    cluster = open_cluster(tmp_path)
    cluster.create(trial("a"))
    with pytest.raises(Unavailable, match="being written by another process"):
        open_cluster(tmp_path)
    reader = open_cluster(tmp_path, read_only=True)
    assert names(contents(reader)) == ["a"]
    with pytest.raises(Refused, match="reading only"):
        reader.create(trial("b"))
    cluster.close()
    successor = open_cluster(tmp_path)
    successor.create(trial("b"))
    assert names(contents(reader)) == ["a", "b"]
    for opened in (successor, reader):
        opened.close()


READER = """
import sys
from pathlib import Path
from reconciler.adapters.cluster_embedded import EmbeddedCluster
import time
cluster = EmbeddedCluster(Path(sys.argv[1]), clock=time.time, read_only=True)
listing = cluster.list(kind="Trial")
print([body["metadata"]["name"] for body in listing.items], flush=True)
for event in cluster.watch(kind="Trial", since=listing.resource_version, timeout=60):
    print(event.type, event.object["metadata"]["name"], flush=True)
    if event.type == "DELETED":
        break
"""


def test_another_process_reads_and_watches_while_this_one_writes(tmp_path: Path):
    cluster = open_cluster(tmp_path)
    cluster.create(trial("a"))
    command = [sys.executable, "-c", READER, str(tmp_path / "cluster.db")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "['a']\n"
        cluster.create(trial("b"))
        assert process.stdout.readline() == "ADDED b\n"
        set_status(cluster, "b", n=1)
        cluster.delete(kind="Trial", namespace=SPACE, name="b")
        assert process.stdout.read() == "MODIFIED b\nDELETED b\n"
    cluster.close()


def test_a_full_disk_is_said_and_leaves_nothing_half_written(tmp_path: Path):
    cluster = open_cluster(tmp_path, history=8)
    pages = cluster._rows._db.execute("PRAGMA page_count").fetchone()[0]
    cluster._rows._db.execute(f"PRAGMA max_page_count={pages + 60}")
    stored = 0
    with pytest.raises(Unavailable, match="full.*make room"):
        for stored in range(1000):
            cluster.create(trial(f"t-{stored:04}", pad="x" * 3000))
    before = cluster.list(kind="Trial")
    assert len(before.items) == stored > 5
    with pytest.raises(Unavailable):
        cluster.create(trial("too-much", pad="x" * 30_000))
    assert cluster.list(kind="Trial") == before
    cluster._rows._db.execute("PRAGMA max_page_count=1000000")
    after = cluster.create(trial("fits", pad="x" * 3000))
    assert int(after["metadata"]["resourceVersion"]) == int(before.resource_version) + 1
    cluster.close()
    again = open_cluster(tmp_path, history=8)
    assert contents(again) == [after, *before.items]
    again.close()


def test_an_unwritable_place_is_said(tmp_path: Path):
    with pytest.raises(Unavailable, match="nowhere"):
        EmbeddedCluster(tmp_path / "nowhere" / "cluster.db", clock=time.time)
    with pytest.raises(Unavailable, match=r"cluster\.db"):
        open_cluster(tmp_path, read_only=True)


def test_a_file_that_is_something_else_is_said(tmp_path: Path):
    (tmp_path / "cluster.db").write_text("this is a letter, not a database " * 100)
    with pytest.raises(Unavailable, match="not a database"):
        open_cluster(tmp_path)


def test_it_can_live_in_memory():
    cluster = EmbeddedCluster(Path(":memory:"), clock=lambda: 0.0)
    made = cluster.create(trial("a"))
    assert made["metadata"]["creationTimestamp"] == "1970-01-01T00:00:00Z"
    assert contents(cluster) == [made]
    cluster.close()


def test_the_same_deeds_at_the_same_times_give_the_same_objects(tmp_path: Path):
    answers = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        cluster = open_cluster(tmp_path / folder)
        body = trial("x")
        body["metadata"] = {"namespace": SPACE, "generateName": "run-"}
        answers.append([cluster.create(body), cluster.create(body), set_status(cluster, cluster.create(trial("a"))["metadata"]["name"], n=1)])
        cluster.close()
    assert answers[0] == answers[1]


def test_namespaces_can_be_made_with_their_first_object(tmp_path: Path):
    cluster = open_cluster(tmp_path, create_namespaces=True)
    body = trial("a")
    body["metadata"]["namespace"] = "team-a"
    cluster.create(body)
    assert names(cluster.list(kind="Namespace").items) == ["default", "team-a"]
    body["metadata"]["namespace"] = "Not A Name"
    with pytest.raises(Refused):
        cluster.create(body)
    assert names(cluster.list(kind="Namespace").items) == ["default", "team-a"]
    cluster.close()


def test_a_failed_write_changes_nothing_not_even_the_version(tmp_path: Path):
    cluster = open_cluster(tmp_path)
    before = cluster.list(kind="Trial").resource_version
    for body in (trial("a", pad="x" * 1_700_000), trial("Bad")):
        with pytest.raises(Refused):
            cluster.create(body)
    assert cluster.list(kind="Trial").resource_version == before
    assert list(cluster.watch(kind="Trial", since=before)) == []
    cluster.close()


def test_many_threads_write_and_one_reads_all(tmp_path: Path):
    cluster = EmbeddedCluster(tmp_path / "cluster.db", clock=time.time)
    since = cluster.list(kind="Trial").resource_version

    def write(worker: int) -> None:
        for number in range(50):
            cluster.create(trial(f"w{worker}-{number}"))
            set_status(cluster, f"w{worker}-{number}", n=number)

    seen: list[int] = []

    def read() -> None:
        seen.extend(
            int(event.object["metadata"]["resourceVersion"])
            for event in itertools.islice(cluster.watch(kind="Trial", since=since, timeout=60), 400)
        )

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(4)] + [threading.Thread(target=read)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert seen == list(range(int(since) + 1, int(since) + 401))
    cluster.close()


def test_the_owner_of_a_deleted_tree_takes_thousands_along_at_once(tmp_path: Path):
    cluster = open_cluster(tmp_path)
    parent = cluster.create({**trial("exp"), "kind": "Experiment"})
    reference = {"apiVersion": parent["apiVersion"], "kind": "Experiment", "name": "exp", "uid": parent["metadata"]["uid"]}
    for number in range(500):
        body = trial(f"t-{number}")
        body["metadata"]["ownerReferences"] = [reference]
        cluster.create(body)
    cluster.delete(kind="Experiment", namespace=SPACE, name="exp")
    assert contents(cluster) == []
    assert cluster._rows._db.execute("SELECT count(*) FROM owners").fetchone() == (0,)
    cluster.close()


def test_a_broken_connection_is_unavailable_not_a_traceback_of_sqlite(tmp_path: Path):
    cluster = open_cluster(tmp_path)
    cluster.close()
    with pytest.raises(Unavailable):
        cluster.get(kind="Trial", namespace=SPACE, name="a")


def test_a_missing_namespace_of_a_get_is_not_found(tmp_path: Path):
    cluster = open_cluster(tmp_path)
    with pytest.raises(NotFound):
        cluster.get(kind="Trial", namespace="", name="a")
    cluster.close()


def test_the_writers_file_is_private_to_the_user(tmp_path: Path):
    cluster = open_cluster(tmp_path)
    assert (tmp_path / "cluster.db.writer").stat().st_mode & 0o077 == 0
    with sqlite3.connect(tmp_path / "cluster.db") as plain:
        assert plain.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    plain.close()
    assert os.path.exists(tmp_path / "cluster.db-wal")
    cluster.close()


def test_waiting_wakes_at_once_for_a_write_of_this_process(tmp_path: Path):
    cluster = EmbeddedCluster(tmp_path / "cluster.db", clock=time.time)
    since = cluster.list(kind="Trial").resource_version
    woken: list[str] = []
    watcher = threading.Thread(
        target=lambda: woken.append(next(cluster.watch(kind="Trial", since=since, timeout=60)).type)
    )
    watcher.start()
    cluster.create(trial("a"))
    eventually(lambda: woken)
    watcher.join()
    cluster.close()
