"""SQLite under the embedded cluster: current objects, a ring of the last changes, one version number for all.

A change is acknowledged after COMMIT. WAL with synchronous=NORMAL loses nothing when the process dies. The ring has one
slot per kept change (slot = version modulo size), so that forgetting old changes costs nothing and leaves no gaps.
"""

import sqlite3
import threading
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from kagit.errors import Expired, Refused, Unavailable
from kagit.experiment import Json
from reconciler.adapters.embedded_lock import WriterLock
from reconciler.adapters.embedded_row import Change, Row, split
from reconciler.adapters.json_text import dumps, loads

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, namespace TEXT NOT NULL,
  name TEXT NOT NULL, uid TEXT NOT NULL, version INTEGER NOT NULL, main TEXT NOT NULL, status TEXT, managers TEXT,
  UNIQUE (kind, namespace, name));
CREATE TABLE IF NOT EXISTS changes (slot INTEGER PRIMARY KEY, version INTEGER NOT NULL, kind TEXT NOT NULL,
  namespace TEXT NOT NULL, type TEXT NOT NULL, main TEXT NOT NULL, status TEXT, before TEXT);
CREATE TABLE IF NOT EXISTS owners (uid TEXT, object INTEGER, PRIMARY KEY (uid, object)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state (id INTEGER PRIMARY KEY CHECK (id = 1),
  version INTEGER, forgotten INTEGER, size INTEGER);
"""
_OBJECT = "id, kind, namespace, name, uid, version, main, status, managers"
MEMORY = ":memory:"
_POLL = 0.1
"""Seconds between two looks of a process that only reads."""


class Rows:
    """The open file. Reading is safe from any thread, writing happens inside `transaction` only."""

    def __init__(self, path: Path, *, history: int, read_only: bool) -> None:
        self.path = str(path)
        self.read_only = read_only
        self.changed = threading.Condition(threading.RLock())
        self._lock = WriterLock(path) if not read_only and self.path != MEMORY else None
        try:
            with self._translated():
                self._open(history)
        except BaseException:
            self.close()
            raise

    def _open(self, history: int) -> None:
        target = self.path if self.path == MEMORY else f"{Path(self.path).absolute().as_uri()}?mode={self._mode}"
        self._db = sqlite3.connect(target, uri=self.path != MEMORY, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA busy_timeout=5000")
        if self.read_only:
            self._db.execute("PRAGMA query_only=1")
        else:
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute("PRAGMA wal_autocheckpoint=4000")
            self._db.executescript(_SCHEMA)
            self._db.execute("INSERT OR IGNORE INTO state VALUES (1, 0, 0, ?)", (history,))
            self._resize(history)
        self._version, self._forgotten, self._size = self._state()

    @property
    def _mode(self) -> str:
        return "rw" if self.read_only else "rwc"

    def _state(self) -> tuple[int, int, int]:
        version, forgotten, size = self._db.execute("SELECT version, forgotten, size FROM state").fetchone()
        return version, forgotten, size

    def _resize(self, history: int) -> None:
        if self._state()[2] != history:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("DELETE FROM changes")
            self._db.execute("UPDATE state SET forgotten = version, size = ?", (history,))
            self._db.execute("COMMIT")

    def close(self) -> None:
        """Let go of the file and of the right to write."""
        with self.changed:
            if hasattr(self, "_db"):
                self._db.close()
            if self._lock is not None:
                self._lock.release()

    def __del__(self) -> None:
        """Whoever forgets it lets go of it too."""
        if hasattr(self, "_db"):
            self._db.close()

    @contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except sqlite3.Error as error:
            hint = "make room on the disk" if "full" in str(error) else "check the state directory"
            raise Unavailable(f"{self.path}: {error}; {hint} and try again") from error

    @contextmanager
    def transaction(self) -> Generator[None]:
        """All writes inside happen together or not at all; watchers wake afterwards."""
        if self.read_only:
            raise Refused(f"{self.path} was opened for reading only")
        with self.changed, self._translated():
            before = self._version
            if self._db.in_transaction:  # inside a batch, whose end makes it durable
                yield from self._part(before)
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                if self._version != before:
                    self._db.execute("UPDATE state SET version = ?", (self._version,))
                self._db.execute("COMMIT")
            except BaseException:
                self._version = before
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
            if self._version != before:
                self.changed.notify_all()

    def _part(self, before: int) -> Generator[None]:
        self._db.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            self._version = before
            if self._db.in_transaction:  # a full disk may have ended all of it
                self._db.execute("ROLLBACK TO part")
                self._db.execute("RELEASE part")
            raise
        self._db.execute("RELEASE part")

    @contextmanager
    def _snapshot(self) -> Generator[int]:
        """One consistent look; yields the version it shows."""
        with self.changed, self._translated():
            if not self.read_only:
                yield self._version
                return
            self._db.execute("BEGIN")
            try:
                self._version, self._forgotten, self._size = self._state()
                yield self._version
            finally:
                self._db.execute("COMMIT")

    # ------------------------------------------------------------------------------------------------------ reading

    def find(self, kind: str, namespace: str, name: str) -> Row | None:
        """The object of that name, if there is one."""
        with self.changed, self._translated():
            found = self._db.execute(
                f"SELECT {_OBJECT} FROM objects WHERE kind = ? AND namespace = ? AND name = ?",  # noqa: S608 - a constant
                (kind, namespace, name),
            ).fetchone()
        return None if found is None else Row(*found)

    def select(self, kind: str, namespace: str) -> tuple[list[Row], int]:
        """All objects of a kind, in one namespace or in all, by namespace and name, and the version this shows."""
        where, values = ("kind = ? AND namespace = ?", (kind, namespace)) if namespace else ("kind = ?", (kind,))
        sql = f"SELECT {_OBJECT} FROM objects WHERE {where} ORDER BY namespace, name"  # noqa: S608 - constants
        with self._snapshot() as version:
            return [Row(*found) for found in self._db.execute(sql, values)], version

    def inside(self, namespace: str) -> list[Row]:
        """Every object in a namespace, whatever its kind."""
        sql = f"SELECT {_OBJECT} FROM objects WHERE namespace = ? ORDER BY id"  # noqa: S608 - a constant
        return [Row(*found) for found in self._db.execute(sql, (namespace,))]

    def dependents(self, uid: str) -> list[Row]:
        """The objects that name this uid as an owner."""
        sql = f"SELECT {_OBJECT} FROM objects WHERE id IN (SELECT object FROM owners WHERE uid = ?) ORDER BY id"  # noqa: S608
        return [Row(*found) for found in self._db.execute(sql, (uid,))]

    def changes(self, kind: str, namespace: str, since: int) -> tuple[Sequence[Change], int]:
        """Changes after `since` in order and the version they lead to; Expired where some are forgotten."""
        with self._snapshot() as version:
            if since >= version:
                return (), since
            oldest = max(self._forgotten, version - self._size)
            if since < oldest:
                raise Expired(f"version {since} is too old to watch from ({oldest} is the oldest kept); list again")
            return [Change(*found) for found in self._ring(kind, namespace, since, version)], version

    def wait(self, seen: int, seconds: float) -> bool:
        """Wait for a version after `seen`; False if there was none for so long."""
        with self.changed:
            if not self.read_only:
                return seconds > 0 and self.changed.wait_for(lambda: self._version > seen, seconds)
            while seconds > 0:
                with self._snapshot() as version:
                    if version > seen:
                        return True
                self.changed.wait(min(seconds, _POLL))
                seconds -= _POLL
            return False

    def _ring(self, kind: str, namespace: str, since: int, until: int) -> Iterable[Any]:
        first, last = (since + 1) % self._size, until % self._size
        spans = [(first, last)] if first <= last else [(first, self._size - 1), (0, last)]
        sql = "SELECT version, type, main, status, before FROM changes WHERE slot BETWEEN ? AND ? AND kind = ?"
        wanted = (kind, namespace) if namespace else (kind,)
        sql += " AND namespace = ? ORDER BY slot" if namespace else " ORDER BY slot"
        return [found for span in spans for found in self._db.execute(sql, (*span, *wanted))]

    # ------------------------------------------------------------------------------------------------------ writing

    @property
    def next_version(self) -> int:
        """The version that the next write gets."""
        return self._version + 1

    def insert(self, kind: str, uid: str, body: Json, managers: str | None) -> Row:
        """Store a new object."""
        main, status = split(body)
        metadata = body["metadata"]
        namespace, name = metadata.get("namespace", ""), metadata["name"]
        cursor = self._db.execute(
            "INSERT INTO objects VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)",
            (kind, namespace, name, uid, self.next_version, main, status, managers),
        )
        row = Row(cursor.lastrowid or 0, kind, namespace, name, uid, self.next_version, main, status, managers)
        self._own(row, (), metadata)
        self._record("ADDED", row, None)
        return row

    def update(self, row: Row, *, old: Json, new: Json, managers: str | None = None, main: str | None = None) -> Row:
        """Store a changed object, or nothing where nothing changed. `main`, if given, spares writing it out anew."""
        if main is None:
            main, status = split(new)
        else:
            status = dumps(new["status"]) if "status" in new else None
        if (main, status, managers) == (row.main, row.status, row.managers):
            return row
        changed = replace(row, version=self.next_version, main=main, status=status, managers=managers)
        self._db.execute(
            "UPDATE objects SET version = ?, main = ?, status = ?, managers = ? WHERE id = ?",
            (changed.version, main, status, managers, row.id),
        )
        was, now = old["metadata"], new["metadata"]
        if was.get("ownerReferences") != now.get("ownerReferences"):
            self._own(row, was.get("ownerReferences", ()), now)
        self._record("MODIFIED", changed, old if was.get("labels") != now.get("labels") else None)
        return changed

    def remove(self, row: Row, body: Json) -> None:
        """Forget an object; `body` is its last state, as the event shows it."""
        main, status = split(body)
        self._db.execute("DELETE FROM objects WHERE id = ?", (row.id,))
        self._own(row, loads(row.main)["metadata"].get("ownerReferences", ()), {})
        self._record("DELETED", replace(row, version=self.next_version, main=main, status=status), None)

    def _own(self, row: Row, old: Sequence[Json], metadata: Json) -> None:
        for reference in old:
            self._db.execute("DELETE FROM owners WHERE uid = ? AND object = ?", (reference["uid"], row.id))
        for reference in metadata.get("ownerReferences", ()):
            self._db.execute("INSERT OR IGNORE INTO owners VALUES (?, ?)", (reference["uid"], row.id))

    def _record(self, type_: str, row: Row, before: Json | None) -> None:
        self._version += 1
        text = None if before is None else dumps(before)
        self._db.execute(
            "INSERT OR REPLACE INTO changes VALUES (?,?,?,?,?,?,?,?)",
            (self._version % self._size, self._version, row.kind, row.namespace, type_, row.main, row.status, text),
        )
