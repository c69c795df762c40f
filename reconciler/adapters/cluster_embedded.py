"""The Cluster port on SQLite: the API server's semantics in one file, for machines without a cluster."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, cast

from kagit.errors import AlreadyExists, Conflict, NotFound, Refused
from kagit.experiment import Json
from reconciler import kinds as known
from reconciler.adapters import embedded_apply as ownership
from reconciler.adapters import embedded_metadata as rules
from reconciler.adapters.embedded_collector import Collector
from reconciler.adapters.embedded_patch import json_patch, merge
from reconciler.adapters.embedded_rows import Change, Row, Rows, whole
from reconciler.adapters.embedded_selectors import Test, field_test, label_test
from reconciler.adapters.json_text import dumps, loads
from reconciler.kinds import KINDS, Kind
from reconciler.ports import Event, Listing, PatchForm

_LARGEST = 3 * 512 * 1024
_PROPAGATIONS = ("Background", "Foreground", "Orphan")


class EmbeddedCluster:
    """Objects in one SQLite file: one process writes, any number of processes read.

    `history` changes are kept for watchers; `create_namespaces` makes a namespace with the first object in it, which
    the real server never does (it answers NotFound).
    """

    def __init__(  # noqa: PLR0913 - all but the path are named and have defaults
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
        self._clock, self._kinds, self._create_namespaces = clock, kinds, create_namespaces
        self._open_namespaces: set[str] = set()
        if not read_only and self._rows.next_version == 1:
            self._make_namespace("default")

    def close(self) -> None:
        """Let go of the file; another process may write from now on."""
        self._rows.close()

    # ------------------------------------------------------------------------------------------------------ reading

    def list(self, *, kind: str, namespace: str = "", selector: str = "", fields: str = "") -> Listing:
        """All objects of a kind by namespace and name, and the version to watch from."""
        found = known.named(kind, self._kinds)
        matches, named = label_test(selector), field_test(fields)
        rows, version = self._rows.select(kind, found.place(namespace))
        objects = (row.object() for row in rows if not fields or named(row.namespace, row.name))
        return Listing([body for body in objects if not selector or matches(_labels(body))], str(version))

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
                event = _event(change, matches)
                if event is not None:
                    yield event
            if not timeout or not self._rows.wait(seen, deadline - self._clock()):
                return

    def _row(self, kind: Kind, namespace: str, name: str) -> Row:
        row = self._rows.find(kind.name, kind.place(namespace), name)
        if row is None:
            where = f" in namespace {namespace!r}" if kind.namespaced else ""
            raise NotFound(f"{kind.name} {name!r} not found{where}")
        return row

    # ------------------------------------------------------------------------------------------------------ writing

    def create(self, body: Json) -> Json:
        """Store a new object; status is ignored where it is a subresource."""
        kind = known.of(body, self._kinds)
        metadata = rules.for_create(kind, body)
        main = {**body, "metadata": metadata}
        if kind.has_status:
            main.pop("status", None)
        with self._rows.transaction():
            return self._insert(kind, main, None)

    def _insert(self, kind: Kind, body: Json, managers: str | None) -> Json:
        metadata = body["metadata"]
        namespace = metadata.get("namespace", "")
        self._check_namespace(namespace)
        uid, name = self._identity(kind, metadata)
        now = self._clock()
        metadata |= {"name": name, "uid": uid, "creationTimestamp": rules.rfc3339(now)}
        if kind.has_generation:
            metadata["generation"] = 1
        if kind.name == "Namespace":
            body |= {"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}
        row = self._rows.insert(kind.name, uid, body, managers)
        _check_size(row)
        if "ownerReferences" in metadata:
            Collector(self._rows, self._kinds, now).settle(row)
        return row.object()

    def _identity(self, kind: Kind, metadata: Json) -> tuple[str, str]:
        """The uid and name of a new object; AlreadyExists if the name is taken."""
        namespace, name = metadata.get("namespace", ""), metadata.get("name", "")
        for attempt in range(8):
            uid = rules.derived_uid(self._rows.next_version, kind.name, namespace, name, attempt)
            proposed = name or rules.generated_name(metadata["generateName"], uid)
            rules.check_name(kind, proposed)
            if self._rows.find(kind.name, namespace, proposed) is None:
                return uid, proposed
            if name:
                break
        raise AlreadyExists(f"{kind.name} {proposed!r} exists already")

    def _check_namespace(self, namespace: str) -> None:
        if not namespace or namespace in self._open_namespaces:
            return
        row = self._rows.find("Namespace", "", namespace)
        if row is not None and "deletionTimestamp" in row.object()["metadata"]:
            raise Refused(f"namespace {namespace!r} is being deleted; wait until it is gone")
        if row is None and not self._create_namespaces:
            raise NotFound(f"namespace {namespace!r} not found; create it first")
        if row is None:
            self._insert(self._kinds["Namespace"], _namespace(namespace), None)
        else:
            self._open_namespaces.add(namespace)

    def _make_namespace(self, name: str) -> None:
        with self._rows.transaction():
            self._insert(self._kinds["Namespace"], _namespace(name), None)

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
        with self._rows.transaction():
            if form == "apply":
                return self._apply(found, (namespace, name), cast("Json", body), subresource, manager)
            row = self._row(found, namespace, name)
            old = row.object()
            if form == "merge":
                new = cast("Json", merge(old, body))
            else:
                new = json_patch(old, cast("Sequence[Json]", body))
            return self._update(found, row, (old, new), subresource, None)

    def _update(
        self, kind: Kind, row: Row, bodies: tuple[Json, Json], subresource: str, owners: ownership.Owners | None
    ) -> Json:
        """Store the new one of (old, new) as far as this subresource may change it."""
        old, new = bodies
        rules.check_lock(kind, old, (new.get("metadata") or {}).get("resourceVersion"))
        if subresource and kind.custom:
            new = _with_status({**old}, new)
        else:
            _check_identity(kind, old, new)
            new = {**new, "metadata": rules.for_update(kind, old, new)}
            new = _with_status({**old, "metadata": new["metadata"]}, new) if subresource else new
            new = _with_status(new, old) if kind.has_status and not subresource else new
        if kind.has_generation and not subresource and rules.spec_changed(old, new):
            new["metadata"]["generation"] += 1
        managers = self._managers(row, old, new, owners)
        if row.kind == "Namespace":
            self._open_namespaces.clear()
        main = row.main if subresource and kind.custom else None
        if (
            "deletionTimestamp" in new["metadata"]
            and not new["metadata"].get("finalizers")
            and kind.name != "Namespace"
        ):
            version = self._rows.next_version
            Collector(self._rows, self._kinds, self._clock()).finish(row, new)
            return {**new, "metadata": {**new["metadata"], "resourceVersion": str(version)}}
        changed = self._rows.update(row, old=old, new=new, managers=managers, main=main)
        if changed is not row:
            _check_size(changed)
        if old["metadata"].get("ownerReferences") != new["metadata"].get("ownerReferences"):
            Collector(self._rows, self._kinds, self._clock()).settle(changed)
        new["metadata"]["resourceVersion"] = str(changed.version)
        return new

    def _managers(self, row: Row, old: Json, new: Json, owners: ownership.Owners | None) -> str | None:
        if owners is None:
            if row.managers is None:
                return None
            owners = ownership.changed_by_write(_ownable(old), _ownable(new), ownership.from_json(loads(row.managers)))
        return dumps(ownership.to_json(owners))

    def _apply(self, kind: Kind, place: tuple[str, str], body: Json, subresource: str, manager: str) -> Json:
        namespace, name = kind.place(place[0]), place[1]
        wanted = ownership.applicable(body, with_status=kind.has_status, status_only=bool(subresource))
        label = f"{manager}/{subresource}"
        known.of(body, self._kinds)
        if (body.get("metadata") or {}).get("name", name) != name:
            raise Refused(f"{kind.name} {name!r}: the name in the object is {body['metadata']['name']!r}; make them equal")
        lock = (body.get("metadata") or {}).get("resourceVersion")
        row = self._rows.find(kind.name, namespace, name)
        if row is None:
            return self._apply_new(
                kind, {**body, "metadata": {**(body.get("metadata") or {}), "name": name}}, wanted, label
            )
        old = row.object()
        live = _ownable(old)
        owners = ownership.first_owners(live) if row.managers is None else ownership.from_json(loads(row.managers))
        result, owners = ownership.applied(live, wanted, owners, label)
        metadata = {**{key: value for key, value in old["metadata"].items() if key not in ownership.APPLIED_METADATA}}
        metadata |= result.get("metadata", {})
        new = {**result, "apiVersion": body.get("apiVersion"), "kind": body.get("kind"), "metadata": metadata}
        if lock:
            rules.check_lock(kind, old, lock)
        return self._update(kind, row, (old, new), subresource, owners)

    def _apply_new(self, kind: Kind, body: Json, wanted: Json, label: str) -> Json:
        if label.endswith("/status"):
            raise NotFound(f"{kind.name} {body['metadata']['name']!r} not found; a status needs its object")
        if body["metadata"].get("resourceVersion") or body["metadata"].get("uid"):
            raise Conflict(f"{kind.name} {body['metadata']['name']!r} does not exist; look again")
        main = {**body, "metadata": rules.for_create(kind, body)}
        if kind.has_status:
            main.pop("status", None)
        owners = ownership.applied({}, wanted, {}, label)[1]
        return self._insert(kind, main, dumps(ownership.to_json(owners)))

    def delete(self, *, kind: str, namespace: str, name: str, uid: str = "", propagation: str = "Background") -> None:
        """Delete an object and, by `propagation`, what it owns."""
        found = known.named(kind, self._kinds)
        if propagation not in _PROPAGATIONS:
            raise Refused(f"delete {kind} {name!r}: propagation is {propagation!r}; give {', '.join(_PROPAGATIONS)}")
        with self._rows.transaction():
            row = self._row(found, namespace, name)
            if uid and uid != row.uid:
                raise Conflict(f"{kind} {name!r} has uid {row.uid}, not {uid}; look again")
            self._open_namespaces.clear()
            Collector(self._rows, self._kinds, self._clock()).delete(row, propagation)


def _labels(body: Json) -> Mapping[str, str]:
    return body["metadata"].get("labels") or {}


def _namespace(name: str) -> Json:
    labels = {"kubernetes.io/metadata.name": name}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def _ownable(body: Json) -> Json:
    """An object without what only the server sets."""
    status = {"status": body["status"]} if "status" in body else {}
    return {**ownership.applicable(body, with_status=True, status_only=False), **status}


def _with_status(body: Json, source: Json) -> Json:
    """`body` with the status of `source`."""
    result = {key: value for key, value in body.items() if key != "status"}
    if "status" in source:
        result["status"] = source["status"]
    return result


def _check_identity(kind: Kind, old: Json, new: Json) -> None:
    for key in ("apiVersion", "kind"):
        if new.get(key) != old[key]:
            raise Refused(f"{kind.name} {old['metadata']['name']!r}: {key} cannot be changed to {new.get(key)!r}")


def _check_size(row: Row) -> None:
    size = len(row.main) + len(row.status or "")
    if size > _LARGEST:
        raise Refused(
            f"{row.kind} {row.name!r} has {size} bytes, more than the {_LARGEST} that a cluster keeps; make it smaller"
        )


def _event(change: Change, matches: Test | None) -> Event | None:
    """What a watcher with that selector sees of a change."""
    body = whole(change.main, change.status, change.version)
    if matches is None:
        return Event(cast("Literal['ADDED', 'MODIFIED', 'DELETED']", change.type), body)
    now = matches(_labels(body))
    if change.before is None:
        return Event(cast("Literal['ADDED', 'MODIFIED', 'DELETED']", change.type), body) if now else None
    before: Json = loads(change.before)
    if matches(_labels(before)):
        before["metadata"]["resourceVersion"] = str(change.version)
        return Event("MODIFIED", body) if now else Event("DELETED", before)
    return Event("ADDED", body) if now else None
