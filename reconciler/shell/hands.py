"""What deeds are done with: the ports and what the wiring knows of this machine."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from kagit.errors import Refused
from kagit.experiment import Experiment, Json
from reconciler.core.slots import Need
from reconciler.core.times import moment
from reconciler.ports import Clock, Cluster, Executor, Store
from reconciler.shell.ledger import Ledger

Call: TypeAlias = Callable[[str, Json], Json]
"""A method of a service elsewhere: its name and the request; the reply comes back."""


def nobody(address: str) -> Call:
    """No service can be reached: Refused."""
    raise Refused(f"no service at {address} can be asked from here")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """What deeds are done with.

    `workplace` gives the directory in which a run's trials start, `demand` what a rendered template
    of an experiment takes, `connect` reaches a suggestion service, of which only those at `endpoints` may be asked.
    `done` collects attempts whose end is recorded but whose readings may still be buffered.
    """

    cluster: Cluster
    executor: Executor
    store: Store
    clock: Clock
    workplace: Callable[[Ledger], Path]
    demand: Callable[[Json, Experiment], Need]
    connect: Callable[[str], Call] = nobody
    endpoints: tuple[str, ...] = ()
    done: list[str] = field(default_factory=list[str])

    @property
    def now(self) -> str:
        """The time as objects carry it."""
        return moment(self.clock.now())


def patch_status(ledger: Ledger, hands: Hands, status: Json, *, kind: str, name: str = "") -> Json:
    """Write the status of an object of this experiment; by default of the one that bears its name."""
    return hands.cluster.patch(
        kind=kind,
        namespace=ledger.namespace,
        name=name or ledger.name,
        body={"status": status},
        subresource="status",
    )


def forget_all(hands: Hands) -> list[str]:
    """Once the readings are on disk, the executor need not remember the attempts they came from: their names."""
    forgotten: list[str] = []
    if hands.done:
        hands.store.flush()
        while hands.done:
            hands.executor.forget(hands.done[-1])
            forgotten.append(hands.done.pop())
    return forgotten
