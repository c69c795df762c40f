"""What only the store on a file promises: durability, SQL that only reads, words for a file that cannot be opened."""

import os
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from kagit.errors import NotFound, Refused, Unavailable
from reconciler.adapters import store_duckdb
from reconciler.adapters.store_duckdb import FLUSH_SECONDS, DuckStore
from reconciler.ports import Reading

ROOT = Path(__file__).resolve().parents[2]


class Hands:
    def __init__(self):
        self.seconds = 1000.0

    def now(self):
        return self.seconds


def rows(count, *, first=0, trial="ns/exp-1-0000", metric="loss"):
    return [Reading(trial, metric, step, "", step / 2, str(step / 2)) for step in range(first, first + count)]


def child(code, *arguments):
    """Another process that runs `code`, which prints a line when it is ready."""
    script = "import sys, time\nfrom pathlib import Path\nfrom tests.contract.test_store_duckdb import *\n" + code
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "metrics.duckdb"


@pytest.fixture
def store(path):
    made = DuckStore(path, clock=Hands())
    yield made
    made.close()


def test_what_was_stored_is_there_after_reopening(path):
    first = DuckStore(path, clock=Hands())
    first.append(rows(3), cursors={"ns/exp-1-0000": 77})
    first.close()
    again = DuckStore(path, clock=Hands())
    assert [one.step for one in again.curve("ns/exp-1-0000", "loss")] == [0, 1, 2]
    assert (again.cursors(["ns/exp-1-0000"]), again.steps("ns/exp-1-0000")) == ({"ns/exp-1-0000": 77}, {"loss": 3})
    again.append(rows(3, first=1), cursors={})
    again.close()
    assert len(DuckStore(path, clock=Hands(), read_only=True).curve("ns/exp-1-0000", "loss")) == 4


def test_rows_are_written_when_they_are_many_or_old(path):
    clock = Hands()
    store = DuckStore(path, clock=clock, buffer_rows=10)
    on_disk = "SELECT count(*) FROM stored_readings"
    store.append(rows(9), cursors={})
    assert store._fetch(on_disk, []) == [(0,)]
    store.append(rows(1, first=9), cursors={})
    assert store._fetch(on_disk, []) == [(10,)]
    store.append(rows(1, first=10), cursors={})
    store.flush_if_due()
    clock.seconds += FLUSH_SECONDS
    assert store._fetch(on_disk, []) == [(10,)]
    store.flush_if_due()
    assert store._fetch(on_disk, []) == [(11,)]
    store.close()


def test_a_kill_loses_nothing_that_was_flushed_and_moves_no_cursor_for_what_was_not(path):
    code = """
store = DuckStore(Path(sys.argv[1]), clock=Hands())
for turn in range(5):
    store.append(rows(1000, first=1000 * turn), cursors={"ns/exp-1-0000": turn + 1})
    store.flush()
store.append(rows(1000, first=5000), cursors={"ns/exp-1-0000": 6})
print("ready", flush=True)
time.sleep(60)
"""
    with child(code, path) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGKILL)
    reader = DuckStore(path, clock=Hands(), read_only=True)
    assert len(reader.curve("ns/exp-1-0000", "loss")) == 5000
    reader.close()
    store = DuckStore(path, clock=Hands())
    assert store.cursors(["ns/exp-1-0000"]) == {"ns/exp-1-0000": 5}
    assert store.steps("ns/exp-1-0000") == {"loss": 5000}
    assert store.query("SELECT count(*), max(value) FROM readings").rows == [(5000, 2499.5)]
    store.close()


def test_a_file_in_use_names_the_process(path):
    code = "store = DuckStore(Path(sys.argv[1]), clock=Hands())\nprint('ready', flush=True)\ntime.sleep(60)"
    with child(code, path) as process:
        assert process.stdout.readline() == "ready\n"
        for read_only in (False, True):
            with pytest.raises(Unavailable, match=f"in use by process {process.pid}"):
                DuckStore(path, clock=Hands(), read_only=read_only)
        process.kill()


def test_a_full_disk_keeps_the_readings_for_later(path):
    store = DuckStore(path, clock=Hands(), buffer_rows=1_000_000)
    store.append(rows(10), cursors={"ns/exp-1-0000": 1})
    store.flush()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    size = max(one.stat().st_size for one in path.parent.iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 4096, limits[1]))
    try:
        store.append(rows(20_000, first=10), cursors={"ns/exp-1-0000": 2})
        with pytest.raises(Unavailable, match="wait in memory"):
            store.flush()
        assert store.steps("ns/exp-1-0000") == {"loss": 20_010}
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, old)
    store.flush()
    store.close()
    again = DuckStore(path, clock=Hands())
    assert again.query("SELECT count(*), count(DISTINCT step) FROM readings").rows == [(20_010, 20_010)]
    assert again.cursors(["ns/exp-1-0000"]) == {"ns/exp-1-0000": 2}
    again.close()


def test_memory_stays_bounded_when_nothing_can_be_written(path, monkeypatch):
    store = DuckStore(path, clock=Hands(), buffer_rows=10)

    def full():
        raise Unavailable("full")

    monkeypatch.setattr(store, "_write", full)
    for turn in range(20):
        with pytest.raises(Unavailable):
            store.append(rows(10, first=10 * turn), cursors={})
    assert store._rows == 40


def test_a_broken_file_says_the_way_out(path):
    path.write_bytes(b"this is no database at all " * 1000)
    with pytest.raises(Unavailable, match="move it away"):
        DuckStore(path, clock=Hands())


def test_a_file_of_a_newer_version_says_the_way_out(path):
    DuckStore(path, clock=Hands()).close()
    data = bytearray(path.read_bytes())
    data[12:20] = (9999).to_bytes(8, "little")
    path.write_bytes(data)
    with pytest.raises(Unavailable, match=r"another version|move it away"):
        DuckStore(path, clock=Hands())


def test_reading_only_needs_a_file_and_writes_nothing(path):
    with pytest.raises(NotFound):
        DuckStore(path, clock=Hands(), read_only=True)
    DuckStore(path, clock=Hands()).close()
    reader = DuckStore(path, clock=Hands(), read_only=True)
    with pytest.raises(Refused):
        reader.append(rows(1), cursors={})
    assert reader.query("SELECT count(*) AS n FROM readings") == (("n",), [(0,)])
    reader.close()


def test_a_million_readings(store):
    every = rows(1000)
    for trial in range(1000):
        name = f"ns/exp-1-{trial:04d}"
        store.append([Reading(name, *one[1:]) for one in every], cursors={name: trial})
    assert store.query("SELECT count(*), count(DISTINCT trial), sum(value) FROM readings").rows == [
        (10**6, 1000, 249750000.0)
    ]
    seen = store.observations(["ns/exp-1-0999"])["ns/exp-1-0999"][0]
    assert (seen.min, seen.max, seen.latest) == ("0.0", "499.5", "499.5")
    assert store.cursors(["ns/exp-1-0999"]) == {"ns/exp-1-0999": 999}


def test_queries_see_buffered_rows_under_good_names(store):
    store.append([Reading("ns/my-exp-2-0007.3", "loss", 0, "", None, "nan")], cursors={})
    store.append([Reading("ns/my-exp-2-0008", "loss", 0, "2024-03-04T17:55:08Z", 0.5, "0.5")], cursors={})
    assert store.query("SELECT * FROM readings ORDER BY trial") == (
        ("namespace", "experiment", "trial", "attempt", "metric", "step", "time", "value", "text"),
        [
            ("ns", "my-exp", "my-exp-2-0007", 3, "loss", 0, None, None, "nan"),
            ("ns", "my-exp", "my-exp-2-0008", 1, "loss", 0, "2024-03-04T17:55:08Z", 0.5, "0.5"),
        ],
    )


@pytest.mark.parametrize(
    "sql",
    [
        "WITH a AS (SELECT 1 AS x) SELECT x FROM a",
        "DESCRIBE readings",
        "SUMMARIZE readings",
        "SHOW TABLES",
        "EXPLAIN SELECT 1",
        "FROM readings",
        "SELECT 'a;b' -- ; comment\n;",
    ],
)
def test_what_only_reads_is_answered(store, sql):
    assert store.query(sql).columns


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "-- nothing",
        "SELEC 1",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP VIEW readings",
        "DELETE FROM stored_readings",
        "EXPLAIN ANALYZE DELETE FROM stored_readings",
        "WITH a AS (SELECT 1) INSERT INTO stored_cursors SELECT 'x', 1",
        "CREATE TABLE x (a INT)",
        "COPY readings TO '{path}.csv'",
        "COPY (SELECT 1) TO '{path}.csv'",
        "EXPORT DATABASE '{path}.d'",
        "ATTACH '{path}.other'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "PRAGMA database_size",
        "SET enable_external_access = true",
        "RESET lock_configuration",
        "CALL pragma_version()",
        "PREPARE x AS SELECT 1",
        "CHECKPOINT",
        "BEGIN TRANSACTION",
        "VACUUM",
        "USE memory",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM parquet_metadata('/etc/passwd')",
        "SELECT $1",
        "SELECT * FROM query('DELETE FROM stored_readings')",
        "SELECT getenv('HOME')",
    ],
)
def test_everything_else_is_refused_and_changes_nothing(store, path, sql):
    store.append(rows(1), cursors={})
    with pytest.raises(Refused):
        store.query(sql.replace("{path}", str(path)))
    assert store.query("SELECT count(*) FROM readings").rows == [(1,)]
    assert {one.name for one in path.parent.iterdir()} <= {"metrics.duckdb", "metrics.duckdb.wal"}


def test_too_long_an_answer_is_refused_with_the_way_out(store, monkeypatch):
    monkeypatch.setattr(store_duckdb, "QUERY_ROWS", 1000)
    assert len(store.query("SELECT * FROM range(1000)").rows) == 1000
    with pytest.raises(Refused, match="add LIMIT"):
        store.query("SELECT * FROM range(1001)")


def test_a_query_that_takes_for_ever_is_stopped(store, monkeypatch):
    monkeypatch.setattr(store_duckdb, "QUERY_SECONDS", 0.2)
    with pytest.raises(Refused, match="stopped"):
        store.query("SELECT count(*) FROM range(10000000000) a, range(10000000000) b WHERE a.range + b.range = 3")


def test_one_thread_writes_while_another_asks(store):
    failures = []

    def asking():
        try:
            for _ in range(30):
                [(count, distinct)] = store.query(
                    "SELECT count(*), count(DISTINCT (trial, metric, step)) FROM readings"
                ).rows
                assert count == distinct
        except Exception as error:  # noqa: BLE001 - it must reach the test's own thread
            failures.append(error)

    asker = threading.Thread(target=asking)
    asker.start()
    for turn in range(200):
        store.append(rows(10, first=5 * turn), cursors={"ns/exp-1-0000": turn})
    asker.join(30)
    assert (failures, store.query("SELECT count(*) FROM readings").rows) == ([], [(1005,)])
