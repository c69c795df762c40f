"""Look, decide, do, and look again: the loop over all experiments, one key at a time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from kagit import names
from kagit.errors import Conflict, NotFound, Refused, Unavailable
from kagit.trial import Phase
from reconciler.actions import RecordCreated, RecordRunning, StartTrial, StopTrial
from reconciler.core import slots
from reconciler.core.plan import plan
from reconciler.core.times import moment
from reconciler.ports import Sighting
from reconciler.shell import recall, sharing
from reconciler.shell.belonging import is_loose, once_more
from reconciler.shell.collect import collect
from reconciler.shell.following import Follow
from reconciler.shell.hands import Hands, forget_all
from reconciler.shell.ledger import Ledger, Title
from reconciler.shell.perform import perform
from reconciler.shell.sharing import Capacity
from reconciler.world import Wanted

MAX_LOOKS = 1000
"""Looks at one experiment in a row, after which the others get their turn."""
COLLECT_INTERVAL = 0.5
FLUSH_INTERVAL = 5.0
RETRY_FIRST, RETRY_LAST = 0.05, 30.0
ENDS_A_LOOK = (StartTrial, StopTrial, RecordCreated, RecordRunning)
"""Deeds after which only the world itself can bring something new to decide."""
TAKEN = "an experiment of this name came from elsewhere into this state directory; rename it, or give another --state"
NOTHING = slots.Share(grants={}, positions={})


@dataclass(slots=True, kw_only=True)
class Loop:
    """All experiments of one state directory. `say` receives every line meant for a person."""

    hands: Hands
    capacity: Capacity
    say: Callable[[str], None] = lambda _: None
    ledgers: dict[Title, Ledger] = field(default_factory=dict[Title, Ledger])
    dirty: dict[Title, None] = field(default_factory=dict[Title, None])
    others: dict[Title, Ledger] = field(default_factory=dict[Title, Ledger])
    later: dict[Title, tuple[float, float]] = field(default_factory=dict[Title, tuple[float, float]])
    collected_at: float = 0.0
    flushed_at: float = 0.0
    unread: list[Sighting] = field(default_factory=list[Sighting])
    told: dict[str, Sighting] = field(default_factory=dict[str, Sighting])
    last_trouble: str = ""
    heard: bool = False

    def start(self) -> None:
        """Learn everything that the cluster holds: a restart is the ordinary case."""
        self.ledgers = recall.everything(self.hands)
        for title in self.ledgers:
            self.touch(title)

    def keep(self, mine: Callable[[Ledger], bool]) -> None:
        """Leave alone every experiment that is not mine: another command's, in the same state directory."""
        self.others = {title: ledger for title, ledger in self.ledgers.items() if not mine(ledger)}
        self.ledgers = {title: ledger for title, ledger in self.ledgers.items() if title not in self.others}
        self.dirty = {title: None for title in self.dirty if title in self.ledgers}

    def want(self, wanted: Mapping[Title, Wanted], *, refusals: Mapping[Title, str], unlisted: str = "") -> None:
        """Take over what the source asks for now. With a reason in `unlisted` nothing that it lacks is deleted."""
        for title in sorted({*wanted, *self.ledgers}):
            ledger = self._adopted(title) or self.ledgers.setdefault(title, Ledger(namespace=title[0], name=title[1]))
            new = once_more(wanted.get(title, ledger.wanted if unlisted else None), ledger)
            refusal = TAKEN if title in self.others else refusals.get(title, "")
            if (new, unlisted, refusal) != (ledger.wanted, ledger.unlisted, ledger.refusal):
                ledger.wanted, ledger.unlisted, ledger.refusal = new, unlisted, refusal
                self.touch(title)

    def _adopted(self, title: Title) -> Ledger | None:
        """An experiment of `kagit run` belongs to the repository that asks for it from now on."""
        if title not in self.others or not is_loose(self.others[title]):
            return None
        return self.ledgers.setdefault(title, self.others.pop(title))

    def touch(self, title: Title) -> None:
        """Look at this experiment soon."""
        self.dirty[title] = None

    def tick(self, *, timeout: float) -> None:
        """Take in what happened (waiting up to `timeout` seconds for it), then act until all is quiet."""
        now = self.hands.clock.now()
        due = [title for title, (when, _) in self.later.items() if when <= now]
        for title in (*due, *self._woken(now)):
            self.touch(title)
        for sighting in self._sightings(0.0 if self.dirty or self.unread else self._patience(now, timeout)):
            self._sighted(sighting)
        self._collect_running()
        self._flush()
        while self.dirty and self.heard:  # what runs is not known before the executor has told it
            self._share_out()  # a free slot goes to who waits before it is written down why it is free
            titles, self.dirty = list(self.dirty), {}
            self._look_at([title for title in titles if title not in self.later or title in due])
            self._share_out()

    def _woken(self, now: float) -> list[Title]:
        """Experiments whose time has come: nothing in the world but the clock has changed."""
        return [title for title, wake in self._alarms() if wake <= now]

    def _alarms(self) -> list[tuple[Title, float]]:
        """When experiments wake up; whoever is in trouble is looked at when that is tried again."""
        known = [(title, one.wake) for title, one in self.ledgers.items() if title not in self.later]
        return [(title, wake) for title, wake in known if wake is not None]

    def _patience(self, now: float, timeout: float) -> float:
        """How long to wait for news at most: not beyond the moment at which an experiment wakes up."""
        return max(0.0, min([timeout, *(wake - now for _, wake in self._alarms())]))

    @property
    def quiet(self) -> bool:
        """Whether every experiment is over, suspended, refused or gone; nothing runs and nothing is left to write."""
        return not self.dirty and not self.later and all(_quiet(ledger) for ledger in self.ledgers.values())

    def finish(self) -> None:
        """Write what is buffered; Unavailable if that fails."""
        self.hands.store.flush()
        forget_all(self.hands)

    def _sightings(self, timeout: float) -> Sequence[Sighting]:
        waiting, self.unread = self.unread, []
        try:
            told = self.hands.executor.sightings(timeout=timeout)
        except (Unavailable, Conflict) as error:
            self._trouble(str(error))
            return waiting
        self.heard = True
        return [*waiting, *told]

    def _sighted(self, sighting: Sighting) -> None:
        namespace, trial, attempt = names.parse_work_name(sighting.name)
        title = (namespace, names.experiment_of(trial))
        if title in self.others:
            return  # whoever it belongs to will be told of it again
        ledger = self.ledgers.get(title)
        self.told[sighting.name] = sighting
        if ledger is not None and ledger.stale:
            self.unread.append(sighting)  # until it is known again what became of the trial
            return
        follow = ledger.live.get(trial) if ledger is not None else None
        if ledger is not None and follow is not None and follow.trial.attempt == attempt:
            follow.since = follow.since if follow.uses else self.hands.clock.now()
            follow.sighting = sighting
            self._collect(ledger, follow)
            self.touch(title)
            return
        try:
            recall.leftover(sighting, ledger, self.hands)
        except (Unavailable, Conflict) as error:
            self.unread.append(sighting)
            self._trouble(str(error))

    def _collect(self, ledger: Ledger, follow: Follow) -> None:
        """Read what a trial has printed; where that fails it is read again later, from where it was."""
        try:
            while collect(ledger, follow, executor=self.hands.executor, store=self.hands.store):
                pass  # a long output is read in turns
        except NotFound:
            follow.drained, follow.note = follow.unread, "its output is gone from the state directory"
        except (Unavailable, Conflict) as error:
            follow.sources = None  # read on from what the store holds
            self._trouble(f"{ledger.title}: {error}")

    def _collect_running(self) -> None:
        """Read what trials have printed, twice a second, and at once what an ended one left unread."""
        now = self.hands.clock.now()
        due = now - self.collected_at >= COLLECT_INTERVAL
        if due:
            self.collected_at = now
        for title, ledger in self.ledgers.items():
            for follow in ledger.live.values():
                if follow.unread or (due and follow.uses):
                    self._collect(ledger, follow)
                    if follow.drained or follow.trial.phase is Phase.CREATED or follow.rules_met:
                        self.touch(title)
            if due and ledger.changes:
                self.touch(title)

    def _flush(self) -> None:
        seconds = self.hands.clock.now()
        if seconds - self.flushed_at >= FLUSH_INTERVAL:
            self.flushed_at = seconds
            try:
                for name in forget_all(self.hands):
                    self.told.pop(name, None)
            except (Unavailable, Conflict) as error:
                self._trouble(str(error))

    def _trouble(self, text: str) -> None:
        """Say it once, not at every turn."""
        if text != self.last_trouble:
            self.last_trouble = text
            self.say(f"{text}; trying again")

    def _look_at(self, titles: Sequence[Title]) -> None:
        """Look at experiments whose deeds become durable together, before anything is started because of them."""
        done = len(self.hands.done)
        try:
            with self.hands.cluster.batch():
                for title in titles:
                    self._look_safely(title, NOTHING)
        except (Unavailable, Conflict) as error:  # none of it happened, so what the executor told is news again
            self._trouble(str(error))
            del self.hands.done[done:]
            self.unread += self.told.values()
            for title in titles:
                self.ledgers[title].stale = True
                self._postpone(title, first=RETRY_FIRST)

    def _look_safely(self, title: Title, share: slots.Share) -> None:
        """One bad experiment never stops the others; trouble is retried ever more slowly."""
        ledger = self.ledgers[title]
        try:
            if ledger.stale:
                recall.again(ledger, self.hands)
                unread, self.unread = self.unread, []
                for sighting in unread:
                    self._sighted(sighting)
            self._look(ledger, share)
        except Conflict:
            ledger.stale = True
            self._postpone(title, first=0.0)
        except Unavailable as error:
            ledger.stale = True
            self._trouble(f"{ledger.title}: {error}")
            self._postpone(title, first=RETRY_FIRST)
        except Refused as error:
            ledger.refusal = str(error)
            self.say(f"{ledger.title}: refused: {error}")
        else:
            self.later.pop(title, None)

    def _postpone(self, title: Title, *, first: float) -> None:
        _, wait = self.later.get(title, (0.0, first / 2))
        wait = min(max(2 * wait, first, RETRY_FIRST / 4), RETRY_LAST)
        self.later[title] = (self.hands.clock.now() + wait, wait)

    def _look(self, ledger: Ledger, share: slots.Share) -> None:
        for _ in range(MAX_LOOKS):
            seconds = self.hands.clock.now()
            world = ledger.world(now=moment(seconds), seconds=seconds, share=share)
            decided = plan(world)
            if ledger.wait(decided.waiting):  # the plan may be to say so
                decided = plan(replace(world, changes=ledger.changes))
            ledger.wake = int(seconds) + decided.wake if decided.wake is not None else None
            for action in decided.actions:
                perform(action, ledger, self.hands)
            ended = any(follow.drained for follow in ledger.live.values())
            if all(isinstance(action, ENDS_A_LOOK) for action in decided.actions) and not (decided.actions and ended):
                return
        self.touch((ledger.namespace, ledger.name))

    def _share_out(self) -> None:
        """Give free slots to trials that wait, among all experiments at once: nobody is served for coming first."""
        queue = sharing.queue(self.ledgers.values())
        if not queue:
            return
        share = sharing.share(queue, self.ledgers.values(), self.capacity)
        for title in {(one.namespace, one.name): None for one, _ in queue}:
            if title not in self.later:
                self._look_safely(title, share)


def _quiet(ledger: Ledger) -> bool:
    if ledger.rests:
        return True
    return (ledger.run is None or bool(ledger.refusal)) and not ledger.live and not ledger.changes
