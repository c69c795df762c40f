"""What is known of one experiment, kept up to date change by change: no look ever walks over all trials.

Everything here can be rebuilt from the cluster; it is a cache with aggregates, never a source of truth.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeAlias

from algorithms.contract import Finished, HistoryDigest, Optimizer, Problem
from algorithms.stopping.contract import Stopper
from kagit import names
from kagit.experiment import Experiment, Json
from kagit.shapes import mapping, sequence, text
from kagit.suggestion import Suggestion
from kagit.trial import COUNTED, Phase, Trial
from kagit.v1beta1 import objects, pieces
from reconciler.core import explain
from reconciler.core.plan import better
from reconciler.core.problem import ahead
from reconciler.core.slots import Need, Share
from reconciler.shell import twins
from reconciler.shell.following import Follow
from reconciler.world import Best, Counts, Grant, Run, Service, Source, Wanted, World

Title: TypeAlias = tuple[str, str]
"""Namespace and name of an experiment."""


@dataclass(slots=True, kw_only=True)
class Earlier:
    """Aggregates of an earlier run, for comparison in the report."""

    run: int
    spec_digest: str = ""
    commit: str = ""
    trials: int = 0
    succeeded: int = 0
    best: Best | None = None


@dataclass(slots=True, kw_only=True)
class Ledger:
    """One experiment, as far as it is known.

    `unlisted` says why the source does not tell what is gone; `asked` counts the points asked for in this run,
    `changes` those not yet in the status. `results` has a trial for all assignments with a result, of the `unlearnt`
    the `stopper` was not told yet, `wake` is when time alone brings something to do, in seconds since 1970.
    """

    namespace: str
    name: str
    wanted: Wanted | None = None
    unlisted: str = "SourceUnreadable()"
    refusal: str = ""
    run: Run | None = None
    body: Json = field(default_factory=dict[str, Any], repr=False)
    source: Source = field(default_factory=Source)
    last_run: int = 0
    trials: dict[str, Trial] = field(default_factory=dict[str, Trial])
    live: dict[str, Follow] = field(default_factory=dict[str, Follow])
    phases: dict[Phase, int] = field(default_factory=dict[Phase, int])
    best: Best | None = None
    suggestions: dict[int, Suggestion] = field(default_factory=dict[int, Suggestion])
    asked: int = 0
    ahead: int = 0
    demand: Need | None = None
    exhausted: bool = False
    postponed: bool = False
    service: Service | None = None
    history: HistoryDigest = field(default_factory=HistoryDigest)
    optimizer: Optimizer | None = None
    problem: Problem | None = None  # of the optimizer
    stopper: Stopper | None = None
    unlearnt: list[Trial] = field(default_factory=list[Trial])
    results: dict[twins.Assignments, Trial] = field(default_factory=dict[twins.Assignments, Trial])
    wake: float | None = None
    changes: int = 0
    status_at: float = 0.0
    published: str = ""
    published_at: float = 0.0
    earlier: dict[int, Earlier] = field(default_factory=dict[int, Earlier])
    waiting: tuple[str, ...] = ()
    told: frozenset[str] = frozenset()
    content: int = 0
    prints: dict[str, int] = field(default_factory=dict[str, int])
    stale: bool = False
    orders: int = 0

    @property
    def title(self) -> str:
        """`namespace/name`, as messages show it."""
        return f"{self.namespace}/{self.name}"

    def next_order(self) -> int:
        """Who came first: a number that only grows."""
        self.orders += 1
        return self.orders

    def take(self, stored: Json, *, spec: Experiment, source: Source) -> None:
        """Take over the Experiment object as it is stored now; `spec` is what it means."""
        status = mapping(stored.get("status"))
        self.body = {key: stored[key] for key in ("apiVersion", "kind", "metadata")}
        self.source = source
        self.ahead = ahead(spec)
        self.begin(
            Run(
                experiment=spec,
                number=int(pieces.note(stored, names.ANNOTATION_RUN) or 1),
                seed=int(pieces.note(stored, names.ANNOTATION_SEED) or 0),
                conditions=pieces.conditions_in(status.get("conditions")),
                started=text(status.get("startTime")),
                completed=text(status.get("completionTime")),
            )
        )
        self.told = explain.reasons(sequence(status.get("waiting")))
        self.published = pieces.note(stored, names.ANNOTATION_REPORT)
        for number, (commit, digest) in objects.earlier_runs(stored).items():
            one = self.earlier.setdefault(number, Earlier(run=number))
            one.commit, one.spec_digest = commit, digest

    def clear(self, *, last_run: int) -> None:
        """The experiment is gone; only its last run number is remembered."""
        fresh = Ledger(namespace=self.namespace, name=self.name, last_run=max(last_run, self.last_run))
        fresh.refusal = self.refusal
        self.become(fresh)

    def become(self, fresh: "Ledger") -> None:
        """Take over all that another ledger of the same experiment knows; what is wanted of it stays."""
        for slot in self.__slots__:
            if slot not in {"wanted", "unlisted"} and (slot != "refusal" or fresh.refusal):
                setattr(self, slot, getattr(fresh, slot))

    def finished(self) -> Iterator[Finished]:
        """The trials of this run that are over, in the order of their index."""
        if self.run is not None:
            objective = self.run.experiment.objective
            for trial in sorted(self.trials.values(), key=lambda one: one.index):
                if trial.is_over:
                    value = objective.value(trial.observation) if trial.phase in COUNTED else None
                    yield Finished(index=trial.index, point=trial.point, value=value)

    def begin(self, run: Run) -> None:
        """Take over a new run; the old one becomes history."""
        if self.run is not None and run.number != self.run.number:
            self.remember()
            self.live = {name: one for name, one in self.live.items() if one.trial.run == run.number}
            self.trials, self.phases, self.best = {}, {}, None
            self.suggestions, self.asked, self.exhausted, self.postponed = {}, 0, False, False
            self.history, self.optimizer, self.content, self.prints = HistoryDigest(), None, 0, {}
            self.stopper, self.unlearnt, self.results, self.demand, self.service = None, [], {}, None, None
        self.run = run
        self.last_run = max(self.last_run, run.number)

    def remember(self) -> None:
        """Keep the aggregates of the current run."""
        if self.run is None:
            return
        self.earlier[self.run.number] = Earlier(
            run=self.run.number,
            spec_digest=self.run.experiment.spec_digest,
            commit=self.source.commit,
            trials=len(self.trials),
            succeeded=self.phases.get(Phase.SUCCEEDED, 0),
            best=self.best,
        )

    def put(self, trial: Trial) -> None:
        """Take in the present state of a trial of the current run; the same state twice changes nothing."""
        old = self.trials.get(trial.name)
        if old == trial or self.run is None:
            return
        if old is not None:
            self.phases[old.phase] -= 1
            self.content -= self.prints[trial.name]
        self.trials[trial.name] = trial
        self.phases[trial.phase] = self.phases.get(trial.phase, 0) + 1
        self.prints[trial.name] = fingerprint(trial)
        self.content += self.prints[trial.name]
        self.changes += 1
        self.suggestions.pop(trial.index, None)
        self.asked = max(self.asked, trial.index + 1)
        if trial.is_over:
            self._over(trial, new=old is None or not old.is_over)

    def _over(self, trial: Trial, *, new: bool) -> None:
        self.live.pop(trial.name, None)
        if self.run is None or not new:
            return
        value = self.run.experiment.objective.value(trial.observation) if trial.phase in COUNTED else None
        self.best = better(self.run.experiment.objective, self.best, trial=trial)
        if value is not None:
            twins.note(self.results, trial)
        if trial.phase is Phase.SUCCEEDED and self.run.experiment.early_stopping is not None:
            self.unlearnt.append(trial)
        told = Finished(index=trial.index, point=trial.point, value=value)
        self.history.add(told)
        self.postponed = False
        if self.optimizer is not None:
            self.optimizer.tell(told)

    def queue(self) -> list[Follow]:
        """Trials that would start if they were given a place."""
        paired = twins.of(self.live.values(), self.results, run=self.run)
        held = self.run is not None and self.run.is_suspended
        return [one for one in self.live.values() if one.waits and not held and one.trial.name not in paired]

    @property
    def rests(self) -> bool:
        """Whether its run is over or suspended, with nothing running and nothing left to write."""
        if self.run is None or self.changes:
            return False
        return (
            not self.live
            if self.run.is_over
            else self.run.is_suspended and not any(one.sighting for one in self.live.values())
        )

    def running(self) -> Mapping[int, Mapping[str, str]]:
        """Points of the current run that are asked for and not over, by number."""
        number = self.run.number if self.run is not None else 0
        points = {one.trial.index: one.trial.point for one in self.live.values() if one.trial.run == number}
        return points | {index: one.point for index, one in self.suggestions.items()}

    def wait(self, waiting: tuple[str, ...]) -> bool:
        """Take in why nothing happens; True if the status lacks that alone: it names another reason."""
        self.waiting = waiting
        news = self.run is not None and not self.changes and explain.reasons(self.waiting_for_report()) != self.told
        self.changes += news
        return news

    def digest(self) -> str:
        """Digest of all that the report shows, in constant time."""
        run = self.run
        parts = [self.content, self.waiting_for_report()]
        if run is not None:
            spec = run.experiment.spec_digest
            parts += [run.number, run.seed, spec, [c.type + c.status + c.reason for c in run.conditions]]
            parts += [self.source.commit, sorted(self.earlier)]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def waiting_for_report(self) -> list[str]:
        """Reasons for waiting that a report or a status shows."""
        return explain.lasting(self.waiting)

    def world(self, *, now: str, seconds: float, share: Share) -> World:
        """The frozen picture for one decision; costs as much as there are active trials."""
        paired = twins.of(self.live.values(), self.results, run=self.run)
        grants: list[Grant] = []
        positions: dict[str, int] = {}
        for one in self.live.values():
            if one.work_name in share.grants:
                grants.append(Grant(trial=one.trial.name, gpus=share.grants[one.work_name].gpus))
            elif one.work_name in share.positions:
                positions[one.trial.name] = share.positions[one.work_name]
        return World(
            now=now,
            namespace=self.namespace,
            name=self.name,
            listed=not self.unlisted,
            unlisted=self.unlisted,
            wanted=self.wanted,
            refusal=self.refusal,
            run=self.run,
            last_run=self.last_run,
            counts=Counts(by_phase=dict(self.phases)),
            live=tuple(one.seen(seconds, twin=paired.get(one.trial.name)) for one in self.live.values()),
            suggestions=tuple(self.suggestions[index] for index in sorted(self.suggestions)),
            asked=self.asked,
            ahead=self.ahead,
            exhausted=self.exhausted,
            postponed=self.postponed,
            service=self.service,
            best=self.best,
            grants=tuple(grants),
            positions=positions,
            changes=self.changes,
            status_age=seconds - self.status_at,
        )


def fingerprint(trial: Trial) -> int:
    """A number for one trial's whole state, 64 bits; sums of them do not depend on the order of changes."""
    return int.from_bytes(hashlib.blake2b(repr(trial).encode(), digest_size=8).digest())


def moment(seconds: float) -> str:
    """Seconds since 1970 as RFC 3339 in UTC, to the second as Kubernetes writes it."""
    return _second(int(seconds))


@lru_cache(maxsize=8)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
