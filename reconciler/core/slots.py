"""Who may start next: slots and devices of one machine, shared out fairly over all experiments."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple

from reconciler.world import Grant


class Need(NamedTuple):
    """What a trial takes while it runs. `claims` are things of which there is one, such as a port."""

    slots: int
    gpus: int
    claims: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """A trial that waits; `order` says who came first."""

    experiment: str
    trial: str
    slots: int
    gpus: int
    claims: frozenset[str] = frozenset()
    order: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Who may start now, and everybody else's place in the queue (from 1)."""

    grants: Mapping[str, Grant]
    positions: Mapping[str, int]


def allot(
    *,
    free: int,
    gpus: Sequence[str],
    used: Mapping[str, int],
    demands: Sequence[Demand],
    claimed: AbstractSet[str] = frozenset(),
) -> Share:
    """Give out `free` slots and devices: the experiment that uses least is next, then who came first.

    Whoever is next but does not fit is waited for: nobody overtakes it, so that large trials are never starved. Who
    claims what another one has (`claimed`) waits, and is overtaken: slots would not help it.
    """
    use = dict(used)
    devices = list(gpus)
    grants: dict[str, Grant] = {}
    positions: dict[str, int] = {}
    queues: dict[str, list[Demand]] = {}
    for demand in sorted(demands, key=lambda d: d.order):
        queues.setdefault(demand.experiment, []).append(demand)
    taken = set(claimed)
    blocked = False
    while queues:
        chosen = min(queues, key=lambda name: (use.get(name, 0), queues[name][0].order))
        demand = queues[chosen].pop(0)
        if not queues[chosen]:
            del queues[chosen]
        if not taken.isdisjoint(demand.claims):
            positions[demand.trial] = len(positions) + 1
            continue
        blocked = blocked or demand.slots > free or demand.gpus > len(devices)
        use[chosen] = use.get(chosen, 0) + demand.slots
        if blocked:
            positions[demand.trial] = len(positions) + 1
            continue
        free -= demand.slots
        taken |= demand.claims
        grants[demand.trial] = Grant(trial=demand.trial, gpus=tuple(devices[: demand.gpus]))
        del devices[: demand.gpus]
    return Share(grants=grants, positions=positions)
