"""What only the embedded cluster promises about its file: whatever happens, nothing acknowledged is lost."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from kagit.errors import Unavailable
from reconciler.adapters.cluster_embedded import EmbeddedCluster
from tests.contract.cluster_file import ROOT, contents, open_cluster, set_status, trial

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
        found = {
            b["metadata"]["name"]: (b["metadata"]["resourceVersion"], b.get("status", {}).get("n"))
            for b in contents(cluster)
        }
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


def test_a_full_disk_is_said_and_leaves_nothing_half_written(tmp_path: Path):
    cluster = open_cluster(tmp_path, history=8)
    pages = cluster._rows._db.execute("PRAGMA page_count").fetchone()[0]
    cluster._rows._db.execute(f"PRAGMA max_page_count={pages + 60}")
    stored = 0

    def fill() -> None:
        nonlocal stored
        for stored in range(1000):
            cluster.create(trial(f"t-{stored:04}", pad="x" * 3000))

    with pytest.raises(Unavailable, match=r"full.*make room"):
        fill()
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
