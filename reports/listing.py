"""The index: order of its entries, and the links that are safe to make."""

from collections.abc import Sequence

from kagit.names import is_experiment_name, is_namespace
from reports.contract import IndexEntry


def ordered(entries: Sequence[IndexEntry]) -> list[IndexEntry]:
    """The entries by namespace, then name."""
    return sorted(entries, key=lambda one: (one.namespace, one.name))


def label_of(one: IndexEntry) -> str:
    """`namespace/name`."""
    return f"{one.namespace}/{one.name}"


def link_of(one: IndexEntry, page: str) -> str:
    """Relative link to a page of the experiment; empty where its names are not legal: such a folder is not written."""
    return f"{label_of(one)}/{page}" if is_namespace(one.namespace) and is_experiment_name(one.name) else ""


def progress_of(one: IndexEntry) -> str:
    """How many trials there are, of how many."""
    return str(one.trials) if one.max_trials is None else f"{one.trials} of {one.max_trials}"


def outcome_of(one: IndexEntry) -> tuple[str, ...]:
    """How many trials succeeded, then how many failed if any did; nothing where there are no trials."""
    if not one.trials:
        return ()
    return (f"{one.succeeded} succeeded", *((f"{one.failed} failed",) if one.failed else ()))
