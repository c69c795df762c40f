"""Answers queries of other processes while this one owns the metrics store: DuckDB has no readers beside its writer.

One line of JSON in, `{"sql": "SELECT …"}`, one line out, `{"columns": […], "rows": […]}` or
`{"error": …, "message": …}`, over a Unix socket that only its owner may open. One query at a time.
"""

import json
import os
import shutil
import socket
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from kagit.errors import KagitError, NotFound, Refused, Unavailable
from kagit.shapes import mapping
from reconciler.ports import Store, Table

REQUEST_BYTES = 1 << 20
ANSWER_BYTES = 64 << 20
REQUEST_SECONDS = 5.0
ANSWER_SECONDS = 60.0
_LONGEST_PATH = 100
"""Bytes of a socket's path that every system takes (Linux 107, macOS 103)."""


class QueryServer:
    """Serves `Store.query` from a thread of its own until stopped."""

    def __init__(self, store: Store, state_dir: Path) -> None:
        """Take the store and the directory where clients look for the socket; nothing is served before `start`."""
        self._store = store
        self._note = state_dir / "query.sock.path"
        self._path = state_dir / "query.sock"
        self._private: Path | None = None
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve, name="queries", daemon=True)
        self._stopping = threading.Event()

    def start(self) -> None:
        """Begin to answer, in place of a server that crashed; Unavailable if another one lives."""
        with suppress(NotFound):
            _connected(self._path.parent).close()
            raise Unavailable(f"{self._path} is served by another process: stop that one first")
        try:
            self._socket = self._bound()
        except OSError as error:
            self._clean()
            raise Unavailable(f"{self._path} cannot be served: {error.strerror or error}") from error
        self._thread.start()

    def stop(self) -> None:
        """Stop answering and remove the socket; a query that still runs is given a few seconds."""
        if self._socket is None or self._stopping.is_set():
            return
        self._stopping.set()
        with suppress(OSError), socket.socket(socket.AF_UNIX) as wake:
            wake.connect(str(self._path))
        self._thread.join(timeout=REQUEST_SECONDS)
        self._socket.close()
        self._clean()

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def _bound(self) -> socket.socket:
        self._note.unlink(missing_ok=True)
        self._path.unlink(missing_ok=True)
        if len(os.fsencode(self._path)) > _LONGEST_PATH:
            self._private = Path(tempfile.mkdtemp(prefix="kagit-"))
            self._path = self._private / "query.sock"
            self._note.write_text(f"{self._path}\n", encoding="utf-8")
        bound = socket.socket(socket.AF_UNIX)
        try:
            bound.bind(str(self._path))
            # nobody can connect before listen(), so there is no moment at which the socket is open to others
            self._path.chmod(0o600)
            bound.listen(128)
        except OSError:
            bound.close()
            raise
        return bound

    def _clean(self) -> None:
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        if self._private is not None:
            shutil.rmtree(self._private, ignore_errors=True)
            self._note.unlink(missing_ok=True)

    def _serve(self) -> None:
        while self._socket is not None and not self._stopping.is_set():
            try:
                client, _ = self._socket.accept()
            except OSError:
                if self._stopping.wait(0.1):  # out of file descriptors: others will be closed
                    return
                continue
            with client, suppress(OSError):
                client.settimeout(REQUEST_SECONDS)
                line = _line(client, REQUEST_BYTES)
                if line:
                    client.settimeout(ANSWER_SECONDS)
                    client.sendall(self._answer(line) + b"\n")

    def _answer(self, line: bytes) -> bytes:
        try:
            return _encoded(self._store.query(_sql(line)))
        except KagitError as error:
            return _failure(error)
        except Exception as error:  # noqa: BLE001 - no single query may end the service
            return _failure(Refused(f"the query cannot be answered: {type(error).__name__}: {error}"))


def ask(state_dir: Path, sql: str) -> Table:
    """What the process that owns the store below `state_dir` answers; NotFound where nobody serves."""
    with _connected(state_dir) as server:
        server.settimeout(ANSWER_SECONDS)
        try:
            server.sendall(json.dumps({"sql": sql}).encode() + b"\n")
            line = _line(server, 2 * ANSWER_BYTES)
        except OSError as error:
            raise Unavailable(f"the reconciler on {state_dir} does not answer: {error.strerror or error}") from error
    if not line:
        raise Unavailable(f"the reconciler on {state_dir} hung up: it is stopping, or the query was too long")
    answer: dict[str, Any] = json.loads(line)
    if "error" in answer:
        raise (Refused if answer["error"] == "Refused" else Unavailable)(answer["message"])
    return Table(tuple(answer["columns"]), [tuple(row) for row in answer["rows"]])


def _connected(state_dir: Path) -> socket.socket:
    path = state_dir / "query.sock"
    with suppress(OSError):
        path = Path((state_dir / "query.sock.path").read_text(encoding="utf-8").rstrip("\n"))
    server = socket.socket(socket.AF_UNIX)
    try:
        server.settimeout(REQUEST_SECONDS)
        server.connect(str(path))
    except PermissionError as error:
        server.close()
        raise Refused(f"{path} belongs to another user: run this as the one who runs the reconciler") from error
    except BlockingIOError as error:
        server.close()
        raise Unavailable(f"the reconciler on {state_dir} has too many queries to answer: try again") from error
    except OSError as error:
        # no such file, nobody listening behind it, or a path too long to have ever been one
        server.close()
        raise NotFound(f"no reconciler serves queries on {state_dir}: {error.strerror or error}") from error
    return server


def _line(peer: socket.socket, limit: int) -> bytes:
    """The bytes up to the first line end; empty if the other side hangs up before, or sends more than `limit`."""
    pieces: list[bytes] = []
    size = 0
    while size <= limit:
        piece = peer.recv(1 << 16)
        if not piece:
            return b""
        head, end, _ = piece.partition(b"\n")
        pieces.append(head)
        size += len(head)
        if end:
            return b"".join(pieces)
    return b""


def _sql(line: bytes) -> str:
    try:
        request = mapping(json.loads(line))
    except ValueError as error:
        raise Refused(f"a request is one line of JSON: {error}") from None
    sql = request.get("sql")
    if not isinstance(sql, str):
        raise Refused('a request is {"sql": "SELECT …"}')
    return sql


def _encoded(table: Table) -> bytes:
    answer = json.dumps({"columns": table.columns, "rows": table.rows}, default=str).encode()
    if len(answer) > ANSWER_BYTES:
        raise Refused(f"the answer has more than {ANSWER_BYTES >> 20} MiB: aggregate, or select fewer columns")
    return answer


def _failure(error: KagitError) -> bytes:
    kind = "Refused" if isinstance(error, Refused) else "Unavailable"
    return json.dumps({"error": kind, "message": str(error)}).encode()
