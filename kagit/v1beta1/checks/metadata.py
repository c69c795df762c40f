"""Name, namespace, labels and annotations (spec katib.md section 3.2), and what an export leaves in a file."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from kagit import names
from kagit.findings import Issue, Severity
from kagit.shapes import mapping, text
from kagit.spelling import closest, did_you_mean, short
from kagit.v1beta1.schema import METADATA, Place

_SEED_LIMIT = 2**31
_POLICIES = ("new-run", "refuse")
_OF_USERS = ("seed", "on-spec-change", "max-duration", "suspend", "retries", "reuse-results")
"""What an author may say below kagit.dev/."""
_OF_KAGIT = (
    "run", "spec-digest", "commit", "source", "clean", "index", "history-digest", "engine", "report-digest",
)  # fmt: skip
_OF_SERVERS = (
    "uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds",
    "managedFields", "selfLink", "ownerReferences", "finalizers",
)  # fmt: skip
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_PREFIX = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LONGEST_PREFIX = 253
_ANNOTATIONS = 256 * 1024


def check(metadata: Mapping[str, Any], *, raw: Mapping[str, Any], namespace: str) -> Iterator[Issue]:
    """What is wrong with metadata; `raw` has also what kagit does not read, `namespace` is the one that counts."""
    yield from _name(text(metadata.get("name")), generated=bool(raw.get("generateName")))
    if not names.is_namespace(namespace):
        yield Issue(
            at=("metadata", "namespace"),
            message=f"namespace {short(namespace)!r} is no legal name; give at most 63 of a-z, 0-9 and '-'",
            slug="namespace-invalid",
        )
    labels, annotations = mapping(metadata.get("labels")), mapping(metadata.get("annotations"))
    yield from _labels(labels)
    yield from _keys(annotations, "annotation")
    size = sum(
        len(key.encode(errors="replace")) + len(str(value).encode(errors="replace"))
        for key, value in annotations.items()
    )
    if size > _ANNOTATIONS:
        message = f"annotations have {size} bytes; {_ANNOTATIONS} are allowed, so put what is long elsewhere"
        yield Issue(at=("metadata", "annotations"), message=message, slug="annotations-too-large")
    yield from _annotations(annotations)
    yield from _exported(raw, annotations)
    yield from _unknown(raw)


def _name(name: str, *, generated: bool) -> Iterator[Issue]:
    at = ("metadata", "name")
    if not name and generated:
        message = "generateName would make another experiment of every push; give metadata.name instead"
        yield Issue(at=("metadata", "generateName"), message=message, slug="name-generated")
    elif not name:
        yield Issue(at=at, message="metadata.name is missing; give the experiment a name", slug="name-missing")
    elif not names.is_experiment_name(name):
        limit = names.MAX_EXPERIMENT_NAME
        if len(name) > limit:
            why = f"has {len(name)} characters; shorten it to at most {limit}, its trials' names are longer"
        else:
            why = "is no legal name; start with a lower-case letter, go on with lower-case letters, digits and '-'"
        yield Issue(at=at, message=f"name {short(name)!r} {why}", slug="name-invalid")
    if name and generated:
        message = "generateName has no effect beside name; remove it"
        yield _warning(("metadata", "generateName"), message, "name-generated")


def _labels(labels: Mapping[str, Any]) -> Iterator[Issue]:
    yield from _keys(labels, "label")
    for key, value in labels.items():
        if value and not _NAME.fullmatch(str(value)):
            message = (
                f"label {short(key)} is {short(value)!r}, which Kubernetes refuses; "
                "give at most 63 letters, digits, '-', '_' and '.', or make it an annotation"
            )
            yield Issue(at=("metadata", "labels", key), message=message, slug="label-invalid")


def _keys(given: Mapping[str, Any], what: str) -> Iterator[Issue]:
    for key in given:
        prefix, slash, name = key.rpartition("/")
        legal = _NAME.fullmatch(name) and (
            not slash or (len(prefix) <= _LONGEST_PREFIX and _PREFIX.fullmatch(prefix) is not None)
        )
        if not legal:
            message = (
                f"Kubernetes refuses the {what} {short(key)!r}; "
                "give at most 63 letters, digits, '-', '_' and '.', before it a domain and / if need be"
            )
            yield Issue(at=("metadata", f"{what}s", key), message=message, slug=f"{what}-invalid")


def _annotations(annotations: Mapping[str, Any]) -> Iterator[Issue]:
    at = ("metadata", "annotations")
    seed = annotations.get(names.ANNOTATION_SEED)
    if seed is not None and not _is_seed(str(seed)):
        message = f"seed {short(seed)!r} is no seed; give a whole number from 0 to {_SEED_LIMIT - 1}"
        yield Issue(at=(*at, names.ANNOTATION_SEED), message=message, slug="seed-invalid")
    policy = annotations.get(names.ANNOTATION_ON_SPEC_CHANGE)
    if policy is not None and policy not in _POLICIES:
        message = f"{short(policy)!r} is no policy; give {' or '.join(_POLICIES)}"
        yield Issue(at=(*at, names.ANNOTATION_ON_SPEC_CHANGE), message=message, slug="policy-unknown")
    for key in annotations:
        word = key.removeprefix(names.KAGIT)
        if word != key and word not in _OF_USERS and not _is_of_kagit(word):
            message = f"annotation {short(key)} is none that kagit knows; {did_you_mean(word, _OF_USERS)}"
            yield _warning((*at, key), message, "annotation-unknown")


def _is_of_kagit(word: str) -> bool:
    return word in _OF_KAGIT or re.fullmatch(r"run-[0-9]+", word) is not None


def _exported(raw: Mapping[str, Any], annotations: Mapping[str, Any]) -> Iterator[Issue]:
    """One warning about all that a server or kagit itself has written into the object."""
    places: list[Place] = [("metadata", key) for key in _OF_SERVERS if raw.get(key) is not None]
    ours = (key for key in annotations if key == _LAST_APPLIED or _is_of_kagit(key.removeprefix(names.KAGIT)))
    places += [("metadata", "annotations", key) for key in ours if key.startswith((names.KAGIT, _LAST_APPLIED))]
    if places:
        told = ", ".join(short(place[-1]) for place in places)
        message = f"{told} come from an exported object and are ignored; remove them"
        yield _warning(places[0], message, "exported-object")


def _unknown(raw: Mapping[str, Any]) -> Iterator[Issue]:
    for key in raw:
        if key not in METADATA and key not in _OF_SERVERS and key not in {"generateName", "clusterName"}:
            guess = closest(key, tuple(METADATA))
            message = f"{short(key)} is no field of metadata" + (
                f"; did you mean {guess}?" if guess else f" and is ignored; remove it, known are {', '.join(METADATA)}"
            )
            severity = Severity.ERROR if guess else Severity.WARNING
            yield Issue(at=("metadata", key), message=message, slug="unknown-field", severity=severity)


def _warning(at: Place, message: str, slug: str) -> Issue:
    return Issue(at=at, message=message, slug=slug, severity=Severity.WARNING)


def _is_seed(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) <= len(str(_SEED_LIMIT)) and int(value) < _SEED_LIMIT
