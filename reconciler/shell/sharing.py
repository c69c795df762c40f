"""What waits and what runs, of all experiments together, as the question that `core.slots` answers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from reconciler.core import slots
from reconciler.shell.following import Follow
from reconciler.shell.ledger import Ledger

Queue: TypeAlias = Sequence[tuple[Ledger, Follow]]
"""Trials that could start if they were given a place, with their experiments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What this machine may run at once: slots and the devices to give out."""

    slots: int
    gpus: tuple[str, ...] = ()


def queue(ledgers: Iterable[Ledger]) -> Queue:
    """Every trial that waits for a place."""
    return [(one, follow) for one in ledgers for follow in one.queue()]


def share(waiting: Queue, ledgers: Iterable[Ledger], capacity: Capacity) -> slots.Share:
    """Who of them may start now, beside what runs."""
    busy = [(one, follow) for one in ledgers for follow in one.live.values() if follow.uses]
    taken = {device for _, follow in busy for device in follow.gpus}
    used: dict[str, int] = {}
    for one, follow in busy:
        used[one.title] = used.get(one.title, 0) + follow.slots
    return slots.allot(
        free=capacity.slots - sum(used.values()),
        gpus=[device for device in capacity.gpus if device not in taken],
        used=used,
        demands=[_demand(ledger, follow) for ledger, follow in waiting],
        claimed=frozenset(claim for _, follow in busy for claim in follow.claims),
    )


def _demand(ledger: Ledger, follow: Follow) -> slots.Demand:
    return slots.Demand(
        experiment=ledger.title,
        trial=follow.work_name,
        slots=follow.slots,
        gpus=follow.gpus_wanted,
        claims=follow.claims,
        order=follow.order,
    )
