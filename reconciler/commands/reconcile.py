"""`kagit reconcile`: the loop over a repository."""

import argparse
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from kagit.errors import Conflict, Refused, Unavailable
from kagit.findings import has_errors
from reconciler import settings, wiring
from reconciler.adapters.repo_git import GitRepo
from reconciler.adapters.watch_files import watch
from reconciler.commands import session
from reconciler.commands.run import write
from reconciler.core import safety
from reconciler.shell import publish
from reconciler.shell.ledger import Ledger
from reconciler.shell.progress import Lines, Screen
from reconciler.shell.source import GitSource, Seen, with_broken
from reconciler.wiring import Engine
from repo_layout.settings import Settings

TICK = 0.5
RETRIES_ONCE = 8
"""With --once, how often trouble with the repository is met before giving up."""


def run(args: argparse.Namespace) -> int:
    """Follow the repository; with --once until everything is over and reported."""
    watching = settings.Watching(
        url=args.repo,
        branch=args.branch,
        once=args.once,
        interval=settings.seconds(args.interval),
        push=args.push,
        allow_local_execution=args.allow_local_execution,
        allow_mass_deletion=args.allow_mass_deletion,
        machine=settings.Machine(state=args.state, slots=args.slots, gpus=settings.devices(args.gpus)),
    )
    repo = wiring.repository(watching.url, watching.machine.state)
    branch = watching.branch or repo.default_branch()
    with (
        wiring.engine(watching.machine, repo=repo) as engine,
        session.stoppable(),
        session.display(engine) as display,
    ):
        follower = Follower(watching=watching, engine=engine, repo=repo, branch=branch, display=display)
        with follower.woken_by_files():
            code = follower.follow()
    return code


@dataclass(slots=True, kw_only=True)
class Follower:
    """One repository being followed."""

    watching: settings.Watching
    engine: Engine
    repo: GitRepo
    branch: str
    display: Lines | Screen
    seen: Seen | None = None
    next_look: float = 0.0
    next_publish: float = 0.0
    troubles: int = 0
    woken: threading.Event = field(default_factory=threading.Event)
    source: GitSource = field(init=False)
    publisher: publish.Publisher = field(init=False)

    def __post_init__(self) -> None:
        """Take only the experiments that came from this repository."""
        loop = self.engine.loop
        self.source = GitSource(repo=self.repo, url=self.repo.shown, branch=self.branch)
        self.publisher = publish.Publisher(
            hands=self.engine.hands, images=wiring.ignored_images, repo=self.repo, branch=self.branch
        )
        loop.say = self.display.say
        loop.keep(lambda ledger: ledger.run is None or ledger.source.url == self.repo.shown)

    @contextmanager
    def woken_by_files(self) -> Iterator[None]:
        """A change in a local repository is seen at once, not only at the next interval."""
        if self.repo.local is None or self.watching.once:
            yield
            return
        watcher = watch(self.repo.local, self.woken.set)
        if watcher.message:
            self.display.say(watcher.message)
        try:
            yield
        finally:
            watcher.close()

    def follow(self) -> int:
        """Look, act and publish until told to stop; with --once the exit code of what came out."""
        loop = self.engine.loop
        while True:
            self._look()
            loop.tick(timeout=TICK)
            self.display.show(self._shown())
            published = self._publish()
            if self.watching.once and self.seen is not None and loop.quiet and published:
                break
            if self.watching.once and self.troubles >= RETRIES_ONCE:
                raise Unavailable(f"{self.repo.shown} gave trouble {self.troubles} times; giving up")
        loop.finish()
        self.display.show(self._shown(), final=True)
        self.display.close()
        return self._end()

    def _shown(self) -> list[Ledger]:
        ledgers = self.engine.loop.ledgers
        return [ledgers[title] for title in sorted(ledgers) if ledgers[title].run or ledgers[title].wanted]

    def _look(self) -> None:
        """Read the repository when it is time."""
        now = self.engine.hands.clock.now()
        if now < self.next_look and not self.woken.is_set():
            return
        self.woken.clear()
        self.next_look = now + self.watching.interval
        try:
            seen = self.source.look()
        except Unavailable as error:
            self._trouble(str(error))
            return
        if seen is not self.seen:
            self.seen = seen
            self._want(seen)

    def _want(self, seen: Seen) -> None:
        """Take over what a new commit asks for."""
        for finding in seen.findings:
            self.display.say(str(finding))
        loop = self.engine.loop
        present = {title: one.source for title, one in loop.ledgers.items() if one.run is not None}
        wanted = with_broken(seen, present)
        refused = safety.deletions(
            present=frozenset(map("/".join, present)),
            declared=frozenset(map("/".join, wanted)),
            allowed=self.watching.allow_mass_deletion,
        )
        if refused:
            self.display.say(refused)
        allowed = self.repo.local is not None or self.watching.allow_local_execution
        refusals = wiring.refusals(wanted, loop.capacity, allowed=allowed)
        for title, text in sorted(refusals.items()):
            source = wanted[title].source
            self.display.say(f"{source.path}:{source.line}:1: {'/'.join(title)} is refused: {text} [refused]")
        loop.want(wanted, listed=not refused, refusals=refusals)

    def _publish(self) -> bool:
        """Commit the reports that are due; True when none is left."""
        if self.seen is None:
            return False
        ledgers = [ledger for ledger in self._shown() if ledger.run is not None]
        now = self.engine.hands.clock.now()
        if not self.publisher.due(ledgers, self.seen.settings):
            return True
        if now < self.next_publish:
            return False
        try:
            self._put_out(ledgers, self.seen.settings)
        except Conflict:
            self.troubles += 1
            self.next_publish = now + min(2.0, 0.05 * 2**self.troubles)
            self.next_look = 0.0
        except (Unavailable, Refused) as error:
            self.next_publish = now + min(60.0, 0.5 * 2**self.troubles)
            self._trouble(str(error))
        else:
            self.troubles = 0
        return False

    def _target(self) -> str:
        return self.seen.settings.reports.branch or self.branch if self.seen is not None else self.branch

    def _put_out(self, ledgers: list[Ledger], wishes: Settings) -> None:
        """Commit and push what is due; without pushing, reports stand in the state directory."""
        if self.watching.push and wishes.reports.push:
            commit = self.publisher.publish(ledgers, wishes)
            if commit:
                self.display.say(f"report committed: {commit[:12]} on {self._target()}")
            return
        due = self.publisher.due(ledgers, wishes)
        files, _ = publish.tree(due, ledgers, self.engine.hands, wishes, images=wiring.ignored_images)
        write(files, self.engine.state)
        for ledger in due:
            publish.mark(ledger, self.engine.hands)
        self.display.say(f"report written: {self.engine.state / wishes.reports.path}")

    def _trouble(self, text: str) -> None:
        self.troubles += 1
        self.next_look = self.engine.hands.clock.now() + min(self.watching.interval, 0.5 * 2**self.troubles)
        self.display.say(f"{self.repo.shown}: {text}; trying again")

    def _end(self) -> int:
        """The table at the end, and 1 where something failed or was refused."""
        ledgers = self._shown()
        session.results(ledgers)
        seen = self.seen
        if seen is None:
            return 1
        if self.watching.push and seen.settings.reports.push:
            print(f"\nreports: {seen.settings.reports.path}/ on branch {self._target()} of {self.repo.shown}")
        else:
            print(f"\nreports: {self.engine.state / seen.settings.reports.path}")
        return 1 if has_errors(seen.findings) else session.exit_code(ledgers)
