"""Deletion and garbage collection, done within the transaction of the write that causes it."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kagit.experiment import Json
from reconciler.adapters.embedded_metadata import rfc3339
from reconciler.adapters.embedded_row import Row
from reconciler.adapters.embedded_rows import Rows
from reconciler.kinds import Kind

FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"
_FINALIZER_OF: Mapping[str, str] = {"Background": "", "Foreground": FOREGROUND, "Orphan": ORPHAN}


class Collector:
    """One pass over what a deletion leaves behind; lives as long as one transaction."""

    def __init__(self, rows: Rows, kinds: Mapping[str, Kind], now: float) -> None:
        self._rows, self._kinds, self._now = rows, kinds, now
        self._work: deque[Callable[[], None]] = deque()

    def delete(self, row: Row, propagation: str = "Background") -> None:
        """Delete an object: at once, or marked where finalizers or dependents are to be waited for."""
        self._delete(row, propagation)
        self._drain()

    def finish(self, row: Row, body: Json) -> None:
        """Remove an object whose last finalizer is gone."""
        self._remove(row, body)
        self._drain()

    def settle(self, row: Row, references: Sequence[Json]) -> None:
        """Collect an object with these owner references if none of its owners exists."""
        if any(self._owner(reference, row.namespace) is None for reference in references):
            self._settle(row)
            self._drain()

    def _drain(self) -> None:
        while self._work:
            self._work.popleft()()

    def _current(self, row: Row) -> Row | None:
        found = self._rows.find(row.kind, row.namespace, row.name)
        return found if found is not None and found.id == row.id else None

    def _delete(self, row: Row, propagation: str) -> None:
        old = row.object()
        finalizers = [name for name in old["metadata"].get("finalizers", ()) if name not in {FOREGROUND, ORPHAN}]
        if _FINALIZER_OF[propagation]:
            finalizers.append(_FINALIZER_OF[propagation])
        if row.kind == "Namespace":
            self._empty(row, old)
        elif finalizers:
            self._mark(row, old, finalizers)
        else:
            self._remove(row, {**old, "metadata": _with_finalizers(old["metadata"], ())})

    def _mark(self, row: Row, old: Json, finalizers: list[str]) -> None:
        metadata = _with_finalizers(old["metadata"], finalizers)
        if "deletionTimestamp" not in metadata:
            metadata |= {"deletionTimestamp": rfc3339(self._now), "deletionGracePeriodSeconds": 0}
            if "generation" in metadata:
                metadata["generation"] += 1
        marked = self._rows.update(row, old=old, new={**old, "metadata": metadata}, managers=row.managers)
        if FOREGROUND in finalizers:
            for dependent in self._rows.dependents(row.uid):
                self._later(dependent, lambda found: self._delete(found, "Foreground"))
            self._later(marked, self._release_owner)
        if ORPHAN in finalizers:
            for dependent in self._rows.dependents(row.uid):
                self._disown(dependent, {row.uid})
            self._drop_finalizer(marked, ORPHAN)

    def _remove(self, row: Row, body: Json) -> None:
        dependents = self._rows.dependents(row.uid)
        self._rows.remove(row, body)
        for dependent in dependents:
            self._later(dependent, self._settle)
        for reference in body["metadata"].get("ownerReferences", ()):
            owner = self._owner(reference, row.namespace)
            if owner is not None:
                self._later(owner, self._release_owner)
        space = self._rows.find("Namespace", "", row.namespace) if row.namespace else None
        if space is not None:
            self._later(space, self._release_namespace)

    def _later(self, row: Row, deed: Callable[[Row], None]) -> None:
        def work() -> None:
            found = self._current(row)
            if found is not None:
                deed(found)

        self._work.append(work)

    def _owner(self, reference: Json, namespace: str) -> Row | None:
        """The living owner that a reference of an object in `namespace` means."""
        kind = self._kinds.get(reference["kind"])
        if kind is None:
            return None
        found = self._rows.find(kind.name, kind.place(namespace), reference["name"])
        return found if found is not None and found.uid == reference["uid"] else None

    def _knows(self, reference: Json) -> bool:
        kind = self._kinds.get(reference["kind"])
        return kind is not None and kind.api_version == reference["apiVersion"]

    def _settle(self, row: Row) -> None:
        references = row.object()["metadata"].get("ownerReferences", ())
        if not all(map(self._knows, references)):
            return
        dangling = {reference["uid"] for reference in references if self._owner(reference, row.namespace) is None}
        if not dangling:
            return
        if len(dangling) == len({reference["uid"] for reference in references}):
            self._delete(row, "Background")
        else:
            self._disown(row, dangling)

    def _disown(self, row: Row, uids: set[str]) -> None:
        old = row.object()
        left = [reference for reference in old["metadata"]["ownerReferences"] if reference["uid"] not in uids]
        metadata = {**old["metadata"], "ownerReferences": left}
        if not left:
            del metadata["ownerReferences"]
        self._rows.update(row, old=old, new={**old, "metadata": metadata}, managers=row.managers)

    def _release_owner(self, row: Row) -> None:
        if FOREGROUND in row.object()["metadata"].get("finalizers", ()) and not self._rows.dependents(row.uid):
            self._drop_finalizer(row, FOREGROUND)

    def _drop_finalizer(self, row: Row, finalizer: str) -> None:
        old = row.object()
        left = [name for name in old["metadata"].get("finalizers", ()) if name != finalizer]
        new = {**old, "metadata": _with_finalizers(old["metadata"], left)}
        if left:
            self._rows.update(row, old=old, new=new, managers=row.managers)
        else:
            self._remove(row, new)

    def _empty(self, row: Row, old: Json) -> None:
        """Delete what is in a namespace; it goes itself when its last object has gone."""
        metadata = {**old["metadata"], "deletionTimestamp": rfc3339(self._now)}
        if "deletionTimestamp" in old["metadata"]:
            metadata = old["metadata"]
        new = {**old, "metadata": metadata, "status": {**old.get("status", {}), "phase": "Terminating"}}
        marked = self._rows.update(row, old=old, new=new, managers=row.managers)
        for content in self._rows.inside(row.name):
            self._later(content, lambda found: self._delete(found, "Background"))
        self._later(marked, self._release_namespace)

    def _release_namespace(self, row: Row) -> None:
        body = row.object()
        if "deletionTimestamp" in body["metadata"] and not self._rows.inside(row.name):
            self._remove(row, body)


def _with_finalizers(metadata: Json, finalizers: list[str] | tuple[()]) -> dict[str, Any]:
    result = {key: value for key, value in metadata.items() if key != "finalizers"}
    if finalizers:
        result["finalizers"] = list(finalizers)
    return result
