"""Name, namespace, labels and annotations (spec katib.md section 3.2), and what an export leaves in a file."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kagit import names, search, wishes
from kagit.findings import Issue, Severity
from kagit.shapes import mapping, text
from kagit.spelling import closest, did_you_mean, short
from kagit.v1beta1.schema import METADATA, Place

_SEED_LIMIT = 2**31
_POLICIES = ("new-run", "refuse")
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
    for key, value in annotations.items():
        given, known = str(value), _MEANINGS.get(key)
        if known is not None and not known.allows(given):
            yield Issue(
                at=("metadata", "annotations", key),
                message=f"{short(given)!r} is no {known.what}; give {known.way}",
                slug=known.slug,
            )
        elif known is None and key.startswith(names.ANNOTATION_PREFIX) and not _is_written(key):
            message = f"kagit has no annotation {short(key)}; {did_you_mean(key, names.FOR_AUTHORS)}"
            yield _warning(("metadata", "annotations", key), message, "annotation-unknown")


def _is_written(key: str) -> bool:
    """Whether kagit itself writes this annotation; objects taken out of a cluster carry it."""
    past = key.removeprefix(f"{names.ANNOTATION_RUN}-")
    return key in names.WRITTEN or (past != key and past.isdecimal())


def _exported(raw: Mapping[str, Any], annotations: Mapping[str, Any]) -> Iterator[Issue]:
    """One warning about all that a server or kagit itself has written into the object."""
    places: list[Place] = [("metadata", key) for key in _OF_SERVERS if raw.get(key) is not None]
    ours = (key for key in annotations if key == _LAST_APPLIED or _is_written(key))
    places += [("metadata", "annotations", key) for key in ours]
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Meaning:
    """What an annotation may be: `what` it is in a word, and the `way` out where it is not."""

    allows: Callable[[str], bool]
    what: str
    way: str
    slug: str


def _is_flag(text: str) -> bool:
    return wishes.flag(text) is not None


def _is_policy(text: str) -> bool:
    return text in _POLICIES


def _is_duration(text: str) -> bool:
    return wishes.seconds(text) is not None


def _is_given(read: Callable[[str], object]) -> Callable[[str], bool]:
    """Whether a reader finds something in it."""
    return lambda text: read(text) is not None


def _is_count(text: str) -> bool:
    return wishes.whole(text) is not None


def _is_patience(text: str) -> bool:
    return wishes.patience(text) is not None


def _is_endpoint(text: str) -> bool:
    return wishes.endpoint(text) != ""


_FLAG = _Meaning(allows=_is_flag, what="switch", way='"true" or "false"', slug="flag-invalid")
_MEANINGS = {
    names.ANNOTATION_SEED: _Meaning(
        allows=_is_seed, what="seed", way=f"a whole number from 0 to {_SEED_LIMIT - 1}", slug="seed-invalid"
    ),
    names.ANNOTATION_ON_SPEC_CHANGE: _Meaning(
        allows=_is_policy, what="policy", way=" or ".join(_POLICIES), slug="policy-unknown"
    ),
    names.ANNOTATION_MAX_DURATION: _Meaning(
        allows=_is_duration,
        what="duration",
        way="days, hours, minutes and seconds in this order, e.g. 90s, 2h or 1d12h, at most ten years",
        slug="duration-invalid",
    ),
    names.ANNOTATION_RETRIES: _Meaning(
        allows=_is_count,
        what="number of retries",
        way=f"a whole number from 0 to {wishes.MOST_RETRIES}",
        slug="retries-invalid",
    ),
    names.ANNOTATION_INITIAL: _Meaning(
        allows=_is_given(search.points),
        what="list of points",
        way='JSON such as [{"lr": "0.1"}]',
        slug="search-invalid",
    ),
    names.ANNOTATION_FIXED: _Meaning(
        allows=_is_given(search.fixed),
        what="set of values",
        way='JSON such as {"optimizer": "adam"}',
        slug="search-invalid",
    ),
    names.ANNOTATION_ACTIVE: _Meaning(
        allows=_is_given(search.active),
        what="set of conditions",
        way='JSON such as {"momentum": {"optimizer": ["sgd", "rmsprop"], "lr": ">0.01"}}',
        slug="search-invalid",
    ),
    names.ANNOTATION_FORBIDDEN: _Meaning(
        allows=_is_given(search.forbidden),
        what="list of combinations",
        way='JSON such as [{"optimizer": "sgd", "lr": ">0.1"}]',
        slug="search-invalid",
    ),
    names.ANNOTATION_START_FROM: _Meaning(
        allows=_is_given(search.starts),
        what="set of experiments",
        way='JSON such as {"mnist": 5}, each with how many of its best points to try, 1 to 999',
        slug="search-invalid",
    ),
    names.ANNOTATION_OBJECTIVES: _Meaning(
        allows=_is_given(search.objectives),
        what="set of objectives",
        way='JSON such as {"latency": "minimize"}',
        slug="search-invalid",
    ),
    names.ANNOTATION_CONSTRAINTS: _Meaning(
        allows=_is_given(search.constraints),
        what="set of constraints",
        way='JSON such as {"memory": "<=512"}, with <= or >= and a number',
        slug="search-invalid",
    ),
    names.ANNOTATION_SUGGESTION_ENDPOINT: _Meaning(
        allows=_is_endpoint,
        what="address of a service",
        way="a host and a port, e.g. tuner.example.org:6789",
        slug="endpoint-invalid",
    ),
    names.ANNOTATION_SUSPEND: _FLAG,
    names.ANNOTATION_REUSE_RESULTS: _FLAG,
    names.ANNOTATION_STOP_TRIALS: _FLAG,
    names.ANNOTATION_WITHOUT_GAIN: _Meaning(
        allows=_is_patience, what="patience", way=wishes.WITHOUT_GAIN_WAY, slug="patience-invalid"
    ),
}
