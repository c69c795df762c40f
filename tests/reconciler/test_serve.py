"""Other processes ask the one that owns the metrics store, and are told plainly when nobody does."""

import datetime as dt
import json
import os
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from kagit.errors import NotFound, Refused, Unavailable
from reconciler.adapters.store_duckdb import DuckStore
from reconciler.adapters.store_memory import MemoryStore
from reconciler.ports import Reading, Table
from reconciler.shell import serve
from reconciler.shell.serve import QueryServer, ask

ROOT = Path(__file__).resolve().parents[2]


class Noon:
    def now(self):
        return 0.0


class Parrot(MemoryStore):
    """Answers with one row, or raises what it is told to."""

    def __init__(self, *rows, error=None):
        super().__init__()
        self.rows, self.error, self.asked = list(rows), error, []

    def query(self, sql):
        self.asked.append(sql)
        if self.error:
            raise self.error
        return Table(("a", "b"), self.rows)


def raw(state, data):
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(20)
        peer.connect(str(state / "query.sock"))
        peer.sendall(data)
        peer.shutdown(socket.SHUT_WR)
        pieces = []
        while piece := peer.recv(1 << 16):
            pieces.append(piece)
    return b"".join(pieces)


def test_another_process_asks_while_the_owner_writes(tmp_path):
    store = DuckStore(tmp_path / "metrics.duckdb", clock=Noon())
    store.append([Reading("ns/e-1-0000", "loss", 0, "", 0.5, "0.5")], cursors={})
    code = """import sys; from pathlib import Path; from reconciler.shell.serve import ask
print(ask(Path(sys.argv[1]), sys.argv[2]).rows)"""
    with QueryServer(store, tmp_path):
        command = [sys.executable, "-c", code, str(tmp_path), "SELECT trial, value FROM readings"]
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}
        )
    store.close()
    assert done.stdout == "[('e-1-0000', 0.5)]\n"


def test_nobody_serves(tmp_path):
    with pytest.raises(NotFound, match="no reconciler"):
        ask(tmp_path, "SELECT 1")


def test_the_socket_of_a_crashed_server_is_nobody_and_is_replaced(tmp_path):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "query.sock"))
    with pytest.raises(NotFound):
        ask(tmp_path, "SELECT 1")
    with QueryServer(Parrot((1, 2)), tmp_path):
        assert ask(tmp_path, "x") == (("a", "b"), [(1, 2)])


def test_a_second_server_is_refused_and_the_first_goes_on(tmp_path):
    with QueryServer(Parrot((1, 2)), tmp_path):
        with pytest.raises(Unavailable, match="another process"):
            QueryServer(Parrot(), tmp_path).start()
        assert ask(tmp_path, "x").rows == [(1, 2)]


def test_only_the_owner_may_connect_and_nothing_is_left_behind(tmp_path):
    with QueryServer(Parrot(), tmp_path):
        assert stat.S_IMODE((tmp_path / "query.sock").stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == []
    server = QueryServer(Parrot(), tmp_path)
    server.start()
    server.stop()
    server.stop()


def test_a_path_too_long_for_a_socket_is_no_obstacle(tmp_path):
    state = tmp_path / ("long" * 30)
    state.mkdir()
    with QueryServer(Parrot((1, 2)), state):
        private = Path((state / "query.sock.path").read_text().strip())
        assert stat.S_IMODE(private.parent.stat().st_mode) == 0o700
        assert ask(state, "x").rows == [(1, 2)]
    assert (list(state.iterdir()), private.parent.exists()) == ([], False)
    with pytest.raises(NotFound):
        ask(state, "x")


def test_a_directory_that_cannot_hold_a_socket_is_said(tmp_path):
    with pytest.raises(Unavailable, match="cannot be served"):
        QueryServer(Parrot(), tmp_path / "missing").start()


@pytest.mark.parametrize("error", [Refused("no such table"), Unavailable("disk"), NotFound("gone")])
def test_what_the_store_says_arrives(tmp_path, error):
    with QueryServer(Parrot(error=error), tmp_path), pytest.raises((Refused, Unavailable), match=str(error)) as seen:
        ask(tmp_path, "x")
    assert isinstance(seen.value, Unavailable) == isinstance(error, Unavailable)


def test_sql_arrives_word_by_word(tmp_path):
    store = Parrot()
    with QueryServer(store, tmp_path):
        ask(tmp_path, "SELECT 'ü\n\"🦊\" \\'")
    assert store.asked == ["SELECT 'ü\n\"🦊\" \\'"]


def test_values_that_json_lacks_become_text(tmp_path):
    with QueryServer(Parrot((dt.datetime(2024, 1, 2, 3, tzinfo=dt.UTC), None)), tmp_path):
        assert ask(tmp_path, "x").rows == [("2024-01-02 03:00:00+00:00", None)]


@pytest.mark.parametrize(
    "line", [b"no json\n", b"[1]\n", b'{"sql": 3}\n', b"\xff\xfe\n", b"null\n", b"\n{}", b"[" * 100_000 + b"\n"]
)
def test_nonsense_is_answered_and_the_server_lives_on(tmp_path, line):
    with QueryServer(Parrot((1, 2)), tmp_path):
        answer = raw(tmp_path, line)
        assert answer == b"" or json.loads(answer)["error"] == "Refused"
        assert ask(tmp_path, "x").rows == [(1, 2)]


def test_an_endless_request_is_hung_up(tmp_path, monkeypatch):
    monkeypatch.setattr(serve, "REQUEST_BYTES", 1000)
    with QueryServer(Parrot((1, 2)), tmp_path):
        with pytest.raises(Unavailable, match=r"hung up|does not answer"):
            ask(tmp_path, "x" * 500_000)
        assert ask(tmp_path, "x").rows == [(1, 2)]


def test_a_silent_client_does_not_block_the_others(tmp_path, monkeypatch):
    monkeypatch.setattr(serve, "REQUEST_SECONDS", 0.2)
    with QueryServer(Parrot((1, 2)), tmp_path), socket.socket(socket.AF_UNIX) as silent:
        silent.connect(str(tmp_path / "query.sock"))
        assert ask(tmp_path, "x").rows == [(1, 2)]


def test_too_large_an_answer_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(serve, "ANSWER_BYTES", 1 << 20)
    with QueryServer(Parrot(("x" * (2 << 20), 1)), tmp_path), pytest.raises(Refused, match="aggregate"):
        ask(tmp_path, "x")


def test_many_ask_at_once(tmp_path):
    answers = []
    with QueryServer(Parrot((1, 2)), tmp_path):
        threads = [threading.Thread(target=lambda: answers.append(ask(tmp_path, "x").rows)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert answers == [[(1, 2)]] * 20
