"""What the API server demands of metadata, and what it fills in by itself."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, cast

from kagit.errors import Conflict, Refused
from kagit.experiment import Json
from reconciler.adapters.embedded_patch import same
from reconciler.adapters.embedded_selectors import QUALIFIED, VALUE
from reconciler.kinds import Kind, metadata_of

_SUBDOMAIN = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")
_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?")
_SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_FIELDS = frozenset(
    {
        *("name", "generateName", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp"),
        *("deletionTimestamp", "deletionGracePeriodSeconds", "labels", "annotations", "ownerReferences", "finalizers"),
    }
)
_SET_BY_SERVER = ("uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds")
_LONGEST_NAME, _LONGEST_LABEL, _LONGEST_BASE = 253, 63, 58
_ANNOTATIONS_SIZE = 256 * 1024


def rfc3339(seconds: float) -> str:
    """A time in seconds since 1970 as the API writes it."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def derived_uid(*parts: object) -> str:
    """A uid that depends on nothing but its arguments."""
    text = blake2b("\0".join(map(str, parts)).encode(), digest_size=16).hexdigest()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def generated_name(base: str, uid: str) -> str:
    """A name made from metadata.generateName and a suffix that follows from the uid."""
    number = int(uid.replace("-", ""), 16)
    letters = (_SUFFIX_LETTERS[number // len(_SUFFIX_LETTERS) ** place % len(_SUFFIX_LETTERS)] for place in range(5))
    return base[:_LONGEST_BASE] + "".join(letters)


def for_create(kind: Kind, body: Json) -> Json:
    """A new object, its metadata checked, without what only the server may set and without a status of its own."""
    metadata = metadata_of(body)
    if metadata.get("resourceVersion"):
        raise Refused(f"{kind.name}: resourceVersion should not be set on objects to be created; leave it out")
    result = {key: value for key, value in metadata.items() if key in _FIELDS and key not in _SET_BY_SERVER}
    result.pop("resourceVersion", None)
    if kind.namespaced and not result.get("namespace"):
        raise Refused(f"{kind.name} {result.get('name', '')!r}: metadata.namespace is missing; name the namespace")
    if not kind.namespaced:
        result.pop("namespace", None)
    if not result.get("name") and not result.get("generateName"):
        raise Refused(f"{kind.name}: metadata.name or generateName is required")
    _check_maps(kind, result)
    new = {**body, "metadata": result}
    if kind.has_status:
        new.pop("status", None)
    return new


def check_name(kind: Kind, name: str) -> None:
    """Refuse a name that Kubernetes does not take."""
    rule, longest = (_SUBDOMAIN, _LONGEST_NAME) if kind.namespaced else (_LABEL, _LONGEST_LABEL)
    if len(name) > longest or not rule.fullmatch(name):
        raise Refused(
            f"{kind.name} {name!r}: metadata.name must be at most {longest} lower case letters, digits, '-' or '.', "
            "beginning and ending with a letter or digit"
        )


def for_update(kind: Kind, old: Json, new: Json) -> Json:
    """The metadata after an update: what only the server may set is kept, what may never change is refused."""
    was, now = old["metadata"], metadata_of(new)
    where = f"{kind.name} {was['name']!r}"
    for key in ("name", "namespace", "uid", "deletionTimestamp"):
        if (now.get(key) or key == "name") and now.get(key) != was.get(key):
            raise Refused(f"{where}: metadata.{key} cannot be changed to {now.get(key)!r}")
    result = {key: value for key, value in now.items() if key in _FIELDS and value not in ({}, [])}
    for key in (*_SET_BY_SERVER, "name", "namespace", "resourceVersion"):
        if key in was:
            result[key] = was[key]
        else:
            result.pop(key, None)
    _check_maps(kind, result)
    if "deletionTimestamp" in was and not set(result.get("finalizers", ())) <= set(was.get("finalizers", ())):
        raise Refused(f"{where}: no finalizer can be added to an object that is being deleted")
    return result


def check_lock(kind: Kind, old: Json, new: Json) -> None:
    """Conflict unless the new object's resourceVersion is the old one's; only built-in kinds may do without."""
    current, wanted = old["metadata"]["resourceVersion"], metadata_of(new).get("resourceVersion")
    if wanted and not str(wanted).isdecimal():
        raise Refused(f"{kind.name} {old['metadata']['name']!r}: resourceVersion {wanted!r} is not a number")
    if kind.custom and not wanted:
        raise Refused(f"{kind.name} {old['metadata']['name']!r}: resourceVersion must not be removed; leave it out")
    if wanted and wanted != current:
        name = old["metadata"]["name"]
        raise Conflict(f"{kind.name} {name!r}: version {wanted} was asked for, but it is at {current}; look again")


def spec_changed(old: Json, new: Json) -> bool:
    """Whether anything but metadata and status differs: what moves the generation."""
    keys = (old.keys() | new.keys()) - {"metadata", "status"}
    return any(key not in old or key not in new or not same(old[key], new[key]) for key in keys)


def _check_maps(kind: Kind, metadata: Json) -> None:
    where = f"{kind.name} {metadata.get('name', '')!r}"
    for field, longest in (("labels", _LONGEST_LABEL), ("annotations", _ANNOTATIONS_SIZE)):
        for key, value in _mapping(metadata.get(field), f"metadata.{field}").items():
            name = key.rpartition("/")[2]
            if not QUALIFIED.fullmatch(key if field == "labels" else key.lower()) or len(name) > _LONGEST_LABEL:
                raise Refused(f"{where}: metadata.{field}: {key!r} is not a valid key")
            if not isinstance(value, str):
                raise Refused(f"{where}: metadata.{field}.{key} is {value!r}; give text, in quotes")
            if len(value) > longest or (field == "labels" and not VALUE.fullmatch(value)):
                raise Refused(f"{where}: metadata.{field}.{key}: {value[:70]!r} is not a valid value")
    _check_lists(where, metadata)
    for field in ("labels", "annotations", "ownerReferences", "finalizers"):
        if field in metadata and not metadata[field]:
            del metadata[field]


def _check_lists(where: str, metadata: Json) -> None:
    for reference in metadata.get("ownerReferences") or ():
        missing = [key for key in ("apiVersion", "kind", "name", "uid") if not _mapping(reference, "owner").get(key)]
        if missing:
            raise Refused(f"{where}: metadata.ownerReferences: {', '.join(missing)} must not be empty")
    if sum(1 for reference in metadata.get("ownerReferences") or () if reference.get("controller")) > 1:
        raise Refused(f"{where}: metadata.ownerReferences: only one owner can be the controller")
    for finalizer in metadata.get("finalizers") or ():
        if not isinstance(finalizer, str) or not QUALIFIED.fullmatch(finalizer):
            raise Refused(f"{where}: metadata.finalizers: {finalizer!r} is not a valid name")


def _mapping(value: object, where: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refused(f"{where} is {value!r}; give a map")
    return cast("Json", value)
