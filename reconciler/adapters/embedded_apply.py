"""Server-side apply with force: who applied which field, and what goes when it is left out next time.

Fields are paths to scalars, lists and empty maps; maps are merged, lists are replaced as a whole, except finalizers (a
set) and ownerReferences (by uid). Owners are kept from the first apply of an object on; what was there before belongs
to one owner for all plain writes, as the API server has it for objects without managedFields.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias, cast

from kagit.experiment import Json
from reconciler.adapters.embedded_patch import fresh, same
from reconciler.adapters.json_text import Value
from reconciler.kinds import metadata_of

Path: TypeAlias = tuple[str, ...]
Owners: TypeAlias = dict[str, set[Path]]
PLAIN = "update"
_SYSTEM = frozenset({"apiVersion", "kind"})
APPLIED_METADATA = frozenset({"labels", "annotations", "ownerReferences", "finalizers"})


def applied(live: Json, wanted: Json, owners: Owners, manager: str) -> tuple[Json, Owners]:
    """The live object with `wanted` applied by a manager, and who owns what afterwards."""
    live, wanted = _keyed(live), _keyed(wanted)
    claimed = _leaves(wanted)
    left = owners.get(manager, set()) - claimed
    others = {name: set(paths) for name, paths in owners.items() if name != manager}
    for paths in others.values():
        paths.difference_update({path for path in paths if _overruled(path, live, wanted, claimed)})
    result = _merged(live, wanted)
    kept = set[Path]().union(claimed, *others.values())
    parents = {path[:size] for path in kept for size in range(1, len(path))}
    for path in left - kept - parents:
        _drop(result, path, kept)
    return _unkeyed(result), {name: paths for name, paths in {**others, manager: claimed}.items() if paths}


def changed_by_write(old: Json, new: Json, owners: Owners) -> Owners:
    """Who owns what after a plain write: what it changed is taken from those who applied it."""
    old, new = _keyed(old), _keyed(new)
    before, after = _leaves(old), _leaves(new)
    taken = {path for path in after if path not in before or not same(_at(old, path), _at(new, path))}
    gone = before - after
    result = {name: paths - taken - gone for name, paths in owners.items()}
    result[PLAIN] = result.get(PLAIN, set()) | taken
    return {name: paths for name, paths in result.items() if paths}


def first_owners(live: Json) -> Owners:
    """Who owns an object that nobody has applied yet."""
    return {PLAIN: _leaves(_keyed(live))}


def to_json(owners: Owners) -> Json:
    """Owners as they are stored."""
    return {name: sorted(map(list, paths)) for name, paths in owners.items()}


def from_json(stored: Mapping[str, Any]) -> Owners:
    """Owners as they were stored."""
    return {name: {tuple(path) for path in paths} for name, paths in stored.items()}


def applicable(body: Json, *, with_status: bool, status_only: bool) -> Json:
    """The part of an object that an apply may set."""
    metadata = {key: value for key, value in metadata_of(body).items() if key in APPLIED_METADATA}
    if status_only:
        return {"status": body["status"]} if "status" in body else {}
    left_out = {"metadata", *_SYSTEM, *(("status",) if with_status else ())}
    rest = {key: value for key, value in body.items() if key not in left_out}
    return {**rest, **({"metadata": metadata} if metadata else {})}


def _keyed(body: Json) -> Json:
    """A copy in which the two lists of metadata that are sets have become maps."""
    result: Json = fresh(body)
    metadata = result.get("metadata", {})
    if "finalizers" in metadata:
        metadata["finalizers"] = {name: name for name in metadata["finalizers"]}
    if "ownerReferences" in metadata:
        metadata["ownerReferences"] = {reference["uid"]: reference for reference in metadata["ownerReferences"]}
    return result


def _unkeyed(body: Json) -> Json:
    metadata = body.get("metadata", {})
    for field in ("finalizers", "ownerReferences"):
        if field in metadata:
            metadata[field] = list(metadata[field].values())
    return body


def _leaves(value: Json, prefix: Path = ()) -> set[Path]:
    found: set[Path] = set()
    for key, item in value.items():
        if isinstance(item, dict) and item:
            found |= _leaves(cast("Json", item), (*prefix, key))
        else:
            found.add((*prefix, key))
    return found


def _at(body: Value, path: Path) -> Value:
    for part in path:
        body = cast("Json", body).get(part) if isinstance(body, dict) else None
    return body


def _overruled(path: Path, live: Json, wanted: Json, claimed: set[Path]) -> bool:
    """Whether an apply changes a field of somebody else."""
    if path in claimed:
        return not same(_at(live, path), _at(wanted, path))
    return any(path[:size] in claimed and _at(wanted, path[:size]) != {} for size in range(1, len(path)))


def _merged(live: Value, wanted: Value) -> Value:
    if not isinstance(live, dict) or not isinstance(wanted, dict):
        return wanted
    result: Json = dict(cast("Json", live))
    for key, value in cast("Json", wanted).items():
        result[key] = _merged(result[key], value) if key in result else value
    return result


def _drop(body: Json, path: Path, kept: set[Path]) -> None:
    """Remove a field, and the maps above it that become empty and that nobody asked for."""
    parents = [body]
    for part in path[:-1]:
        below = parents[-1].get(part)
        if not isinstance(below, dict):
            return
        parents.append(cast("Json", below))
    parents[-1].pop(path[-1], None)
    for depth in range(len(path) - 1, 0, -1):
        if parents[depth] or path[:depth] in kept:
            return
        parents[depth - 1].pop(path[depth - 1], None)
