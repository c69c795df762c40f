"""What only the embedded cluster promises: one writer, many readers, a bounded history, no chance."""

import itertools
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from kagit.errors import Expired, NotFound, Refused, Unavailable
from reconciler.adapters.cluster_embedded import EmbeddedCluster
from tests.contract.cluster_file import ROOT, SPACE, contents, open_cluster, set_status, trial
from tests.contract.cluster_world import eventually, names


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
        answers.append(
            [
                cluster.create(body),
                cluster.create(body),
                set_status(cluster, cluster.create(trial("a"))["metadata"]["name"], n=1),
            ]
        )
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
    reference = {
        "apiVersion": parent["apiVersion"],
        "kind": "Experiment",
        "name": "exp",
        "uid": parent["metadata"]["uid"],
    }
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
    assert (tmp_path / "cluster.db-wal").exists()
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
