"""The Cluster port on SQLite: the API server's semantics in one file, for machines without a cluster."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal, cast

from kagit.errors import Conflict, NotFound, Refused
from kagit.experiment import Json
from reconciler import kinds as known
from reconciler.adapters import embedded_events as events
from reconciler.adapters import embedded_metadata as rules
from reconciler.adapters.embedded_patch import json_patch, merge
from reconciler.adapters.embedded_row import Row
from reconciler.adapters.embedded_rows import Rows
from reconciler.adapters.embedded_selectors import field_test, label_test
from reconciler.adapters.embedded_writer import Target, Writer
from reconciler.kinds import KINDS, Kind
from reconciler.ports import Event, Listing, PatchForm

_PROPAGATIONS = ("Background", "Foreground", "Orphan")


class EmbeddedCluster:
    """Objects in one SQLite file: one process writes, any number of processes read.

    `history` changes are kept for watchers; `create_namespaces` makes a namespace with the first object in it, which
    the real server never does (it answers NotFound).
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], float],
        history: int = 4096,
        read_only: bool = False,
        kinds: Mapping[str, Kind] = KINDS,
        create_namespaces: bool = False,
    ) -> None:
        self._rows = Rows(path, history=history, read_only=read_only)
        self._clock, self._kinds = clock, kinds
        self._writer = Writer(self._rows, kinds, clock=clock, create_namespaces=create_namespaces)
        if not read_only and self._rows.next_version == 1:
            with self._rows.transaction():
                self._writer.make_namespace("default")

    def close(self) -> None:
        """Let go of the file; another process may write from now on."""
        self._rows.close()

    def batch(self) -> AbstractContextManager[None]:
        """Writes inside are made durable together at its end, all or none of them; nested ones join the outer."""
        return self._rows.transaction()

    def list(self, *, kind: str, namespace: str = "", selector: str = "", fields: str = "") -> Listing:
        """All objects of a kind by namespace and name, and the version to watch from."""
        found = known.named(kind, self._kinds)
        matches, named = label_test(selector), field_test(fields)
        rows, version = self._rows.select(kind, found.place(namespace))
        objects = (row.object() for row in rows if not fields or named(row.namespace, row.name))
        return Listing([body for body in objects if not selector or matches(events.labels(body))], str(version))

    def get(self, *, kind: str, namespace: str, name: str) -> Json:
        """One object; NotFound if there is none."""
        return self._row(known.named(kind, self._kinds), namespace, name).object()

    def watch(
        self, *, kind: str, since: str, namespace: str = "", selector: str = "", timeout: float = 0.0
    ) -> Iterator[Event]:
        """Changes after version `since`; Expired when it is too old, silence when it is still to come."""
        found = known.named(kind, self._kinds)
        place, matches = found.place(namespace), label_test(selector) if selector else None
        deadline = self._clock() + timeout
        seen = known.version(since)
        while True:
            changes, seen = self._rows.changes(kind, place, seen)
            for change in changes:
                event = events.event(change, matches)
                if event is not None:
                    yield event
            if not timeout or not self._rows.wait(seen, deadline - self._clock()):
                return

    def create(self, body: Json) -> Json:
        """Store a new object; status is ignored where it is a subresource."""
        kind = known.of(body, self._kinds)
        new = rules.for_create(kind, body)
        with self._rows.transaction():
            return self._writer.insert(kind, new)

    def patch(
        self,
        *,
        kind: str,
        namespace: str,
        name: str,
        body: Json | Sequence[Json],
        form: PatchForm = "merge",
        subresource: Literal["", "status"] = "",
        manager: str = "kagit",
    ) -> Json:
        """Change an object; nothing is written where nothing changes."""
        found = known.named(kind, self._kinds)
        if subresource and not found.has_status:
            raise NotFound(f"{kind} has no subresource {subresource!r}")
        if isinstance(body, dict) is (form == "json"):
            raise Refused(f"patch {kind} {name!r}: a json patch is a list of operations, any other an object")
        target = Target(kind=found, namespace=namespace, name=name, subresource=subresource, manager=manager)
        with self._rows.transaction():
            if form == "apply":
                return self._writer.apply(target, cast("Json", body))
            row = self._row(found, namespace, name)
            old = row.object()
            new = json_patch(old, cast("Sequence[Json]", body)) if form == "json" else merge(old, body)
            return self._writer.update(target, row, old, new)

    def delete(self, *, kind: str, namespace: str, name: str, uid: str = "", propagation: str = "Background") -> None:
        """Delete an object and, by `propagation`, what it owns."""
        found = known.named(kind, self._kinds)
        if propagation not in _PROPAGATIONS:
            raise Refused(f"delete {kind} {name!r}: propagation is {propagation!r}; give {', '.join(_PROPAGATIONS)}")
        with self._rows.transaction():
            row = self._row(found, namespace, name)
            if uid and uid != row.uid:
                raise Conflict(f"{kind} {name!r} has uid {row.uid}, not {uid}; look again")
            self._writer.delete(row, propagation)

    def _row(self, kind: Kind, namespace: str, name: str) -> Row:
        row = self._rows.find(kind.name, kind.place(namespace), name)
        if row is None:
            where = f" in namespace {namespace!r}" if kind.namespaced else ""
            raise NotFound(f"{kind.name} {name!r} not found{where}")
        return row
