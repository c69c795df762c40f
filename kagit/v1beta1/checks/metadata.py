"""Name, namespace and the annotations that kagit obeys (spec katib.md section 3.2)."""

from collections.abc import Iterator, Mapping
from typing import Any

from kagit import names
from kagit.findings import Issue
from kagit.shapes import mapping, text
from kagit.spelling import short

_SEED_LIMIT = 2**31
_POLICIES = ("new-run", "refuse")


def check(metadata: Mapping[str, Any], *, namespace: str) -> Iterator[Issue]:
    """What is wrong with metadata; `namespace` is the one that counts."""
    yield from _name(text(metadata.get("name")))
    if not names.is_namespace(namespace):
        yield Issue(
            at=("metadata", "namespace"),
            message=f"namespace {short(namespace)!r} is no legal name; give at most 63 of a-z, 0-9 and '-'",
            slug="namespace-invalid",
        )
    yield from _annotations(mapping(metadata.get("annotations")))


def _name(name: str) -> Iterator[Issue]:
    at = ("metadata", "name")
    if not name:
        yield Issue(at=at, message="metadata.name is missing; give the experiment a name", slug="name-missing")
    elif not names.is_experiment_name(name):
        limit = names.MAX_EXPERIMENT_NAME
        if len(name) > limit:
            why = f"has {len(name)} characters; shorten it to at most {limit}"
        else:
            why = "is no legal name; start with a lower-case letter, go on with lower-case letters, digits and '-'"
        yield Issue(at=at, message=f"name {short(name)!r} {why}", slug="name-invalid")


def _annotations(annotations: Mapping[str, Any]) -> Iterator[Issue]:
    seed = annotations.get(names.ANNOTATION_SEED)
    if seed is not None and not _is_seed(str(seed)):
        yield Issue(
            at=("metadata", "annotations", names.ANNOTATION_SEED),
            message=f"seed {short(seed)!r} is no seed; give a whole number from 0 to {_SEED_LIMIT - 1}",
            slug="seed-invalid",
        )
    policy = annotations.get(names.ANNOTATION_ON_SPEC_CHANGE)
    if policy is not None and policy not in _POLICIES:
        yield Issue(
            at=("metadata", "annotations", names.ANNOTATION_ON_SPEC_CHANGE),
            message=f"{short(policy)!r} is no policy; give {' or '.join(_POLICIES)}",
            slug="policy-unknown",
        )


def _is_seed(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) <= len(str(_SEED_LIMIT)) and int(value) < _SEED_LIMIT
