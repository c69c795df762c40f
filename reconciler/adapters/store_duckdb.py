"""Every reading in one DuckDB file, written in bulk by the one process that owns it.

Rows wait in memory until there are `buffer_rows` of them or the oldest is a second old; then rows and cursors go into
one transaction. What a crash takes was read from a trial's output and is read again, because the cursor has not moved.
DuckDB lets one process write and none read beside it; `reconciler.shell.serve` answers queries of others.
"""

import re
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

from kagit.errors import NotFound, Refused, Unavailable
from kagit.objective import Observation
from reconciler.core.tally import Tally
from reconciler.ports import Clock, Reading, Table

_Connection: TypeAlias = Any
"""A duckdb.DuckDBPyConnection; to import the library for a type would take half a second."""

BUFFER_ROWS = 20_000
FLUSH_SECONDS = 5.0
QUERY_SECONDS = 30.0
QUERY_ROWS = 100_000

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": "512MB",
    "threads": 2,
    "max_temp_directory_size": "2GB",
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "lock_configuration": "true",
}
_SCHEMA = r"""CREATE TABLE IF NOT EXISTS stored_readings
    (trial VARCHAR, metric VARCHAR, step BIGINT, time VARCHAR, value DOUBLE, text VARCHAR);
CREATE TABLE IF NOT EXISTS stored_cursors (trial VARCHAR PRIMARY KEY, "offset" BIGINT);
CREATE OR REPLACE VIEW readings AS SELECT split_part(trial, '/', 1) AS namespace,
    regexp_extract(trial, '/(.*)-\d+-\d+(\.\d+)?$', 1) AS experiment,
    regexp_extract(trial, '/(.*?)(\.\d+)?$', 1) AS trial,
    coalesce(try_cast(regexp_extract(trial, '\.(\d+)$', 1) AS INTEGER), 1) AS attempt,
    metric, step, nullif(time, '') AS time, value, text FROM stored_readings"""
# binding an object takes a microsecond, so the commonest times and steps (none; 0, 1, 2…) are not bound one by one
_INSERT = """INSERT INTO stored_readings SELECT t, m, unnest(if(n > 0, range(f, f + n), s)), coalesce(unnest(c), ''),
    unnest(v), unnest(x) FROM (SELECT unnest(?::BIGINT[]) f, unnest(?::BIGINT[]) n,
    unnest(?::VARCHAR[]) t, unnest(?::VARCHAR[]) m, unnest(?::BIGINT[][]) s,
    unnest(?::VARCHAR[][]) c, unnest(?::DOUBLE[][]) v, unnest(?::VARCHAR[][]) x)"""
_DELETE = """DELETE FROM stored_readings USING (SELECT unnest(?::VARCHAR[]) t, unnest(?::VARCHAR[]) m,
    unnest(?::BIGINT[]) s) old WHERE trial = old.t AND metric = old.m AND step = old.s"""
_MOVE = """INSERT OR REPLACE INTO stored_cursors SELECT unnest(?::VARCHAR[]), unnest(?::BIGINT[])"""
_ROLL_UP = r"""SELECT trial, metric,
    arg_min({'v': value, 'x': text}, {'v': value, 's': step}) FILTER (value IS NOT NULL),
    arg_max({'v': value, 'x': text}, {'v': value, 's': -step}) FILTER (value IS NOT NULL),
    arg_max({'v': value, 'x': text, 'c': time},
        {'at': coalesce(try_cast(time AS TIMESTAMPTZ), '0001-01-01T00:00:00Z'::TIMESTAMPTZ),
         'ns': rtrim(regexp_extract(time, '\.(\d+)', 1), '0'), 's': step})
    FROM stored_readings WHERE trial IN (SELECT unnest(?::VARCHAR[])) GROUP BY trial, metric"""
_CURVE = "SELECT step, time, value, text FROM stored_readings WHERE trial = ? AND metric = ?"
_MARKS = "SELECT trial, metric, max(step) + 1 FROM stored_readings GROUP BY trial, metric"


class DuckStore:
    """The Store port on one DuckDB file. It may be used by several threads."""

    def __init__(self, path: Path, *, clock: Clock, buffer_rows: int = BUFFER_ROWS, read_only: bool = False) -> None:
        """Open the file, made if missing; Unavailable if locked or broken, NotFound to only read what is not there."""
        self._path = path
        self._clock = clock
        self._buffer_rows = buffer_rows
        self._read_only = read_only
        self._lock = threading.RLock()
        self._asking: set[_Connection] = set()
        self._fresh: dict[tuple[str, str], dict[int, Reading]] = {}
        self._rows = 0
        self._moved: dict[str, int] = {}
        self._since: float | None = None
        self._connection: _Connection | None = None
        self._closed = False
        self._marks: dict[str, dict[str, int]] = {}
        for trial, metric, mark in self._fetch(_MARKS, []):
            self._marks.setdefault(trial, {})[metric] = mark
        self._offsets: dict[str, int] = dict(self._fetch('SELECT trial, "offset" FROM stored_cursors', []))

    def append(self, readings: Sequence[Reading], *, cursors: Mapping[str, int]) -> None:
        """Buffer readings and cursors and write them when it is time; Unavailable if that fails, nothing being lost."""
        if self._read_only:
            raise Refused(f"{self._path} is open for reading only")
        with self._lock:
            if self._rows >= 4 * self._buffer_rows:
                self.flush()
            for one in readings:
                rows = self._fresh.setdefault((one.trial, one.metric), {})
                self._rows += one.step not in rows
                rows[one.step] = one
            self._moved.update(cursors)
            if self._since is None and (readings or cursors):
                self._since = self._clock.now()
            self.flush_if_due()

    def flush_if_due(self) -> None:
        """Write what is buffered if it is much or old."""
        with self._lock:
            if self._since is None:
                return
            if self._rows >= self._buffer_rows or self._clock.now() - self._since >= FLUSH_SECONDS:
                self.flush()

    def flush(self) -> None:
        """Write what is buffered, in one transaction; Unavailable if the disk refuses, and then all stays buffered."""
        with self._lock:
            if self._since is None:
                return
            self._write()
            for (trial, metric), rows in self._fresh.items():
                marks = self._marks.setdefault(trial, {})
                marks[metric] = max(marks.get(metric, 0), max(rows) + 1)
            self._offsets.update(self._moved)
            self._fresh, self._moved, self._rows, self._since = {}, {}, 0, None

    def cursors(self, trials: Sequence[str]) -> Mapping[str, int]:
        """How far each trial's output was read, 0 if never."""
        with self._lock:
            return {trial: self._moved.get(trial, self._offsets.get(trial, 0)) for trial in trials}

    def steps(self, trial: str) -> Mapping[str, int]:
        """The next step of every metric of a trial: what a parser needs to go on at the cursor."""
        with self._lock:
            stored = self._marks.get(trial, {})
            fresh = {metric: max(rows) + 1 for (name, metric), rows in self._fresh.items() if name == trial}
            return {metric: max(stored.get(metric, 0), fresh.get(metric, 0)) for metric in {**stored, **fresh}}

    def observations(self, trials: Sequence[str]) -> Mapping[str, Observation]:
        """Roll-up of every metric of these trials, metrics by name; empty for a trial without readings."""
        with self._lock:
            if any(self._replaced(key, rows) for key, rows in self._fresh.items()):
                self.flush()  # what is replaced cannot be taken out of a roll-up
            tallies = {trial: Tally() for trial in trials}
            stored = [trial for trial in tallies if trial in self._marks]
            if stored:
                for trial, metric, low, high, last in self._fetch(_ROLL_UP, [stored]):
                    for kept in (low, high, last):
                        if kept is not None:
                            one = Reading(trial, metric, 0, kept.get("c", ""), kept["v"], kept["x"])
                            tallies[trial].add([one])
            for (trial, _), rows in self._fresh.items():
                if trial in tallies:
                    tallies[trial].add(rows[step] for step in sorted(rows))
            return {trial: tally.observation() for trial, tally in tallies.items()}

    def curve(self, trial: str, metric: str) -> Sequence[Reading]:
        """All readings of one metric of one trial in the order of steps."""
        with self._lock:
            stored = self._fetch(_CURVE, [trial, metric]) if metric in self._marks.get(trial, {}) else []
            rows = {row[0]: Reading(trial, metric, *row) for row in stored} | self._fresh.get((trial, metric), {})
        return [rows[step] for step in sorted(rows)]

    def query(self, sql: str) -> Table:
        """The answer to one SELECT over the view `readings`; Refused for anything else, and for too long answers."""
        import duckdb

        with self._lock:
            self.flush()
            cursor = self._open().cursor()
            self._asking.add(cursor)
        timer = threading.Timer(QUERY_SECONDS, cursor.interrupt)
        timer.daemon = True
        timer.start()
        try:
            _check(cursor, sql)
            cursor.execute("BEGIN TRANSACTION READ ONLY")
            rows = cursor.execute(sql).fetchmany(QUERY_ROWS + 1)
            columns = tuple(str(column[0]) for column in cursor.description or ())
        except duckdb.InterruptException:
            raise Refused(f"the query took longer than {QUERY_SECONDS:g} s and was stopped: select less") from None
        except (duckdb.Error, ValueError, OverflowError) as error:
            raise Refused(f"the query cannot be answered: {_first_line(error)}") from None
        finally:
            timer.cancel()
            with self._lock:
                self._asking.discard(cursor)
            with suppress(duckdb.Error):
                cursor.close()
        if len(rows) > QUERY_ROWS:
            raise Refused(f"the answer has more than {QUERY_ROWS} rows: aggregate, or add LIMIT")
        return Table(columns, rows)

    def close(self) -> None:
        """Write what is buffered, stop queries that still run and let go of the file."""
        with self._lock:
            if self._closed:
                return
            for cursor in self._asking:
                cursor.interrupt()
            try:
                self.flush()
            finally:
                self._closed = True
                self._drop()

    def _write(self) -> None:
        import duckdb

        groups = [list(rows.values()) for rows in self._fresh.values()]
        old = [(*key, step) for key, rows in self._fresh.items() for step in self._replaced(key, rows)]
        connection = self._open()
        try:
            connection.execute("BEGIN TRANSACTION")
            if old:
                connection.execute(_DELETE, [list(column) for column in zip(*old, strict=True)])
            if groups:
                connection.execute(_INSERT, [list(column) for column in zip(*map(_bound, groups), strict=True)])
            if self._moved:
                connection.execute(_MOVE, [list(self._moved), list(self._moved.values())])
            connection.execute("COMMIT")
        except duckdb.Error as error:
            with suppress(duckdb.Error):
                connection.execute("ROLLBACK")
            self._drop()
            raise Unavailable(
                f"{self._path}: readings cannot be written and wait in memory; is the disk full? {_first_line(error)}"
            ) from error

    def _replaced(self, key: tuple[str, str], rows: Mapping[int, Reading]) -> list[int]:
        mark = self._marks.get(key[0], {}).get(key[1], 0)
        return [step for step in rows if step < mark] if mark and min(rows) < mark else []

    def _fetch(self, sql: str, arguments: list[object]) -> list[tuple[Any, ...]]:
        import duckdb

        try:
            rows: list[tuple[Any, ...]] = self._open().execute(sql, arguments).fetchall()
        except duckdb.Error as error:
            self._drop()
            raise Unavailable(f"{self._path} cannot be read: {_first_line(error)}") from error
        return rows

    def _open(self) -> _Connection:
        if self._closed:
            raise Unavailable(f"{self._path} was closed")
        if self._connection is None:
            self._connection = _connect(self._path, read_only=self._read_only)
        return self._connection

    def _drop(self) -> None:
        import duckdb

        with suppress(duckdb.Error):
            if self._connection is not None:
                self._connection.close()
        self._connection = None


def _bound(rows: Sequence[Reading]) -> tuple[object, ...]:
    """The arguments of `_INSERT` for readings of one trial and metric."""
    trials, metrics, steps, times, values, texts = zip(*rows, strict=True)
    first, count = steps[0], len(steps)
    plain = steps == tuple(range(first, first + count))
    clock = times if any(times) else ()
    return first, count if plain else 0, trials[0], metrics[0], () if plain else steps, clock, values, texts


def _connect(path: Path, *, read_only: bool) -> _Connection:
    import duckdb

    if read_only and not path.exists():
        raise NotFound(f"{path} does not exist: nothing was measured here yet")
    try:
        connection = duckdb.connect(str(path), read_only=read_only, config=_CONFIG)
        if not read_only:
            connection.execute(_SCHEMA)
    except duckdb.Error as error:
        raise Unavailable(_why(path, str(error))) from error
    return connection


def _why(path: Path, text: str) -> str:
    """The reason why a file cannot be opened, with the way out."""
    holder = re.search(r"PID (\d+)", text)
    if "lock" in text and holder is not None:
        return f"{path} is in use by process {holder[1]}: ask that one (kagit query does), or stop it first"
    if "version" in text:
        return f"{path} was written by another version of DuckDB: install a newer kagit, or move the file away ({text})"
    return f"{path} cannot be opened: restore it, or move it away to begin anew ({_first_line(text)})"


def _check(cursor: _Connection, sql: str) -> None:
    """Refuse what is not one statement that only reads; the read-only transaction stands behind this."""
    import duckdb

    kinds = [one.type for one in cursor.extract_statements(sql)]
    if len(kinds) != 1:
        raise Refused(f"one statement is answered at a time, here are {len(kinds)}")
    if kinds[0] not in {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}:
        raise Refused(f"only SELECT, WITH, DESCRIBE, SUMMARIZE, SHOW and EXPLAIN are answered, not {kinds[0].name}")


def _first_line(error: object) -> str:
    return str(error).strip().partition("\n")[0]
