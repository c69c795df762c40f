"""Name, namespace and the annotations that kagit obeys (spec katib.md section 3.2)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kagit import names, wishes
from kagit.findings import Issue, Severity
from kagit.shapes import mapping, text
from kagit.spelling import did_you_mean, short

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
    for key, value in annotations.items():
        given, known = str(value), _MEANINGS.get(key)
        if known is not None and not known.allows(given):
            yield Issue(
                at=("metadata", "annotations", key),
                message=f"{short(given)!r} is no {known.what}; give {known.way}",
                slug=known.slug,
            )
        elif known is None and key.startswith(names.ANNOTATION_PREFIX) and not _is_written(key):
            yield Issue(
                at=("metadata", "annotations", key),
                message=f"kagit has no annotation {short(key)}; {did_you_mean(key, names.FOR_AUTHORS)}",
                slug="annotation-unknown",
                severity=Severity.WARNING,
            )


def _is_written(key: str) -> bool:
    """Whether kagit itself writes this annotation; objects taken out of a cluster carry it."""
    past = key.removeprefix(f"{names.ANNOTATION_RUN}-")
    return key in names.WRITTEN or (past != key and past.isdecimal())


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


def _is_count(text: str) -> bool:
    return wishes.whole(text) is not None


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
    names.ANNOTATION_SUSPEND: _FLAG,
    names.ANNOTATION_REUSE_RESULTS: _FLAG,
    names.ANNOTATION_STOP_TRIALS: _FLAG,
}
