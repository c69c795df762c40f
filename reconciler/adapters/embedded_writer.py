"""Writes as the API server does them: what each way of writing may change, and what follows from it.

Every method runs inside a transaction of the rows.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from kagit.errors import AlreadyExists, Conflict, NotFound, Refused
from kagit.experiment import Json
from reconciler import kinds as known
from reconciler.adapters import embedded_apply as ownership
from reconciler.adapters import embedded_metadata as rules
from reconciler.adapters.embedded_collector import Collector
from reconciler.adapters.embedded_row import Row
from reconciler.adapters.embedded_rows import Rows
from reconciler.adapters.json_text import dumps, loads
from reconciler.kinds import Kind

_LARGEST = 3 * 512 * 1024
_GENERATED_TRIES = 8
Clock: TypeAlias = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a patch is for."""

    kind: Kind
    namespace: str
    name: str
    subresource: str
    manager: str

    @property
    def is_pure_status(self) -> bool:
        """Whether nothing but the status may change: /status of our own kinds; that of built-in ones takes metadata."""
        return bool(self.subresource) and self.kind.custom


class Writer:
    """Stores new and changed objects and deletes them, with everything that the server does at that moment."""

    def __init__(self, rows: Rows, kinds: Mapping[str, Kind], *, clock: Clock, create_namespaces: bool) -> None:
        self._rows, self._kinds, self._clock = rows, kinds, clock
        self._create_namespaces = create_namespaces
        self._open_namespaces: set[str] = set()

    def insert(self, kind: Kind, body: Json, managers: str | None = None) -> Json:
        """Store a new object whose metadata is its own and was checked; answers it as stored."""
        metadata = body["metadata"]
        self._check_namespace(metadata.get("namespace", ""))
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
            self._collector().settle(row, metadata["ownerReferences"])
        return row.object()

    def make_namespace(self, name: str) -> None:
        """Store a namespace of that name."""
        metadata = {"name": name, "labels": {"kubernetes.io/metadata.name": name}}
        self.insert(self._kinds["Namespace"], {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})

    def update(self, target: Target, row: Row, old: Json, new: Json) -> Json:
        """Store a changed object as far as the target may change it; answers it as stored."""
        kind = target.kind
        rules.check_lock(kind, old, new)
        new = _allowed(target, old, new)
        managers = row.managers
        if managers is not None:
            owners = ownership.changed_by_write(_ownable(old), _ownable(new), ownership.from_json(loads(managers)))
            managers = dumps(ownership.to_json(owners))
        return self._store(target, row, (old, new), managers)

    def apply(self, target: Target, body: Json) -> Json:
        """Server-side apply with force; creates what is missing."""
        kind, metadata = target.kind, known.metadata_of(body)
        if known.of(body, self._kinds) != kind or metadata.get("name", target.name) != target.name:
            raise Refused(f"{kind.name} {target.name!r}: kind or name in the object differ; make them equal")
        wanted = ownership.applicable(body, with_status=kind.has_status, status_only=bool(target.subresource))
        label = f"{target.manager}/{target.subresource}"
        row = self._rows.find(kind.name, kind.place(target.namespace), target.name)
        if row is None:
            return self._apply_new(target, body, wanted, label)
        old = row.object()
        live = _ownable(old)
        owners = ownership.first_owners(live) if row.managers is None else ownership.from_json(loads(row.managers))
        result, owners = ownership.applied(live, wanted, owners, label)
        kept = {key: value for key, value in old["metadata"].items() if key not in ownership.APPLIED_METADATA}
        kept |= {"resourceVersion": metadata.get("resourceVersion") or kept["resourceVersion"]}
        new = {**result, "metadata": {**kept, **result.get("metadata", {})}}
        new |= {"apiVersion": kind.api_version, "kind": kind.name}
        rules.check_lock(kind, old, new)
        return self._store(target, row, (old, _allowed(target, old, new)), dumps(ownership.to_json(owners)))

    def delete(self, row: Row, propagation: str) -> None:
        """Delete an object and, by `propagation`, what it owns."""
        self._open_namespaces.clear()
        self._collector().delete(row, propagation)

    def _apply_new(self, target: Target, body: Json, wanted: Json, label: str) -> Json:
        kind, metadata = target.kind, known.metadata_of(body)
        if target.subresource:
            raise NotFound(f"{kind.name} {target.name!r} not found; a status needs its object")
        if metadata.get("resourceVersion") or metadata.get("uid"):
            raise Conflict(f"{kind.name} {target.name!r} does not exist; look again")
        place = {"namespace": target.namespace} if kind.namespaced else {}
        named = {**body, "metadata": {**place, **metadata, "name": target.name}}
        owners = ownership.applied({}, wanted, {}, label)[1]
        return self.insert(kind, rules.for_create(kind, named), dumps(ownership.to_json(owners)))

    def _store(self, target: Target, row: Row, bodies: tuple[Json, Json], managers: str | None) -> Json:
        old, new = bodies
        metadata = new["metadata"]
        if row.kind == "Namespace":
            self._open_namespaces.clear()
        elif "deletionTimestamp" in metadata and not metadata.get("finalizers"):
            version = self._rows.next_version
            self._collector().finish(row, new)
            return {**new, "metadata": {**metadata, "resourceVersion": str(version)}}
        main = row.main if target.is_pure_status else None
        changed = self._rows.update(row, old=old, new=new, managers=managers, main=main)
        if changed is not row:
            _check_size(changed)
        if old["metadata"].get("ownerReferences") != metadata.get("ownerReferences"):
            self._collector().settle(changed, metadata.get("ownerReferences", ()))
        metadata["resourceVersion"] = str(changed.version)
        return new

    def _collector(self) -> Collector:
        return Collector(self._rows, self._kinds, self._clock())

    def _identity(self, kind: Kind, metadata: Json) -> tuple[str, str]:
        """The uid and name of a new object; AlreadyExists if the name is taken."""
        namespace, name = metadata.get("namespace", ""), metadata.get("name", "")
        for attempt in range(1 if name else _GENERATED_TRIES):
            uid = rules.derived_uid(self._rows.next_version, kind.name, namespace, name, attempt)
            proposed = name or rules.generated_name(metadata["generateName"], uid)
            rules.check_name(kind, proposed)
            if self._rows.find(kind.name, namespace, proposed) is None:
                return uid, proposed
        raise AlreadyExists(f"{kind.name} {name or metadata['generateName']!r} exists already")

    def _check_namespace(self, namespace: str) -> None:
        if not namespace or namespace in self._open_namespaces:
            return
        row = self._rows.find("Namespace", "", namespace)
        if row is None:
            if not self._create_namespaces:
                raise NotFound(f"namespace {namespace!r} not found; create it first")
            self.make_namespace(namespace)
        elif "deletionTimestamp" in row.object()["metadata"]:
            raise Refused(f"namespace {namespace!r} is being deleted; wait until it is gone")
        else:
            self._open_namespaces.add(namespace)


def _allowed(target: Target, old: Json, new: Json) -> Json:
    """The new object with everything put back that the target may not change."""
    kind = target.kind
    if target.is_pure_status:
        return _with_status(old, new)
    for key in ("apiVersion", "kind"):
        if new.get(key) != old[key]:
            raise Refused(f"{kind.name} {target.name!r}: {key} cannot be changed to {new.get(key)!r}")
    metadata = rules.for_update(kind, old, new)
    if target.subresource:
        return _with_status({**old, "metadata": metadata}, new)
    new = {**new, "metadata": metadata}
    if kind.has_status:
        new = _with_status(new, old)
    if kind.has_generation and rules.spec_changed(old, new):
        metadata["generation"] += 1
    return new


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


def _check_size(row: Row) -> None:
    texts = (row.main, row.status or "")
    if sum(map(len, texts)) * 4 <= _LARGEST:  # no character takes more than four bytes
        return
    size = sum(len(text.encode()) for text in texts)
    if size > _LARGEST:
        raise Refused(f"{row.kind} {row.name!r} has {size} bytes, but a cluster keeps {_LARGEST}; make it smaller")
