"""Follows one repository: what it asks for goes into the loop, what comes out goes back as report commits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from kagit.errors import Conflict, Refused, Unavailable
from kagit.experiment import Json
from kagit.filetree import FileTree
from reconciler.core import safety
from reconciler.ports import Repo
from reconciler.shell import publish
from reconciler.shell.ledger import Ledger, Title
from reconciler.shell.loop import Loop
from reconciler.shell.source import GitSource, Seen, with_broken
from reconciler.world import Wanted
from repo_layout.settings import Settings

PATIENCE = 5.0
"""Seconds at most between two looks at a repository in trouble, where the interval is shorter than that."""
PUBLISH_LOOK = 0.25
"""Seconds between two looks at which reports are due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the operator allows. `refusals` says why experiments cannot run here, `images` which images are ignored."""

    interval: float = 60.0
    push: bool = True
    allow_mass_deletion: bool = False
    refusals: Callable[[Mapping[Title, Wanted]], Mapping[Title, str]] = lambda _: {}
    images: Callable[[Json], tuple[str, ...]] = lambda _: ()


@dataclass(slots=True, kw_only=True)
class Follower:
    """One branch of one repository. `write` takes the report files when nothing is to be pushed."""

    loop: Loop
    repo: Repo
    url: str
    branch: str
    policy: Policy
    write: Callable[[FileTree], None]
    say: Callable[[str], None] = lambda _: None
    seen: Seen | None = None
    next_look: float = 0.0
    next_publish: float = 0.0
    troubles: int = 0
    refused: str = ""
    source: GitSource = field(init=False)
    publisher: publish.Publisher = field(init=False)

    def __post_init__(self) -> None:
        """Take only the experiments that came from this repository."""
        origin = f"{self.url}@{self.branch}"
        self.source = GitSource(repo=self.repo, url=origin, branch=self.branch)
        self.publisher = publish.Publisher(
            hands=self.loop.hands, images=self.policy.images, repo=self.repo, branch=self.branch
        )
        self.loop.say = self.say
        self.loop.keep(lambda ledger: ledger.run is None or ledger.source.url == origin)

    def step(self, *, timeout: float, woken: bool = False) -> bool:
        """Look, act and publish once; True when all is over, quiet and reported."""
        self._look(woken=woken)
        self.loop.tick(timeout=timeout)
        published = self._publish()
        return self.seen is not None and self.loop.quiet and published

    def shown(self) -> list[Ledger]:
        """The experiments of this repository in order."""
        ledgers = self.loop.ledgers
        return [ledgers[title] for title in sorted(ledgers) if ledgers[title].run or ledgers[title].wanted]

    def target(self) -> str:
        """The branch that reports go to."""
        return (self.seen.settings.reports.branch if self.seen is not None else "") or self.branch

    def pushes(self) -> bool:
        """Whether reports are committed and pushed: the operator and the repository may both say no."""
        return self.policy.push and (self.seen is None or self.seen.settings.reports.push)

    def _look(self, *, woken: bool) -> None:
        """Read the repository when it is time."""
        now = self.loop.hands.clock.now()
        if now < self.next_look and not woken:
            return
        self.next_look = now + self.policy.interval
        try:
            seen = self.source.look()
        except (Unavailable, Conflict, Refused) as error:
            self.refused = str(error) if isinstance(error, Refused) else ""
            self._trouble(str(error))
            return
        self.refused = ""
        if seen is not self.seen:
            self.seen = seen
            self._want(seen)

    def _want(self, seen: Seen) -> None:
        """Take over what a new commit asks for."""
        for finding in seen.findings:
            self.say(str(finding))
        loop = self.loop
        present = {title: one.source for title, one in loop.ledgers.items() if one.run is not None}
        wanted = with_broken(seen, present)
        refused = safety.deletions(
            present=frozenset(map("/".join, present)),
            declared=frozenset(map("/".join, wanted)),
            allowed=self.policy.allow_mass_deletion,
        )
        if refused:
            self.say(refused)
        refusals = self.policy.refusals(wanted)
        for title, text in sorted(refusals.items()):
            source = wanted[title].source
            self.say(f"{source.path}:{source.line}:1: {'/'.join(title)} is refused: {text} [refused]")
        loop.want(wanted, refusals=refusals, unlisted="MassDeletionRefused()" if refused else "")

    def _publish(self) -> bool:
        """Commit the reports that are due; True when none is left."""
        if self.seen is None:
            return False
        ledgers = [ledger for ledger in self.shown() if ledger.run is not None]
        now = self.loop.hands.clock.now()
        if now < self.next_publish and not self.loop.quiet:
            return False
        if not self.publisher.due(ledgers, self.seen.settings) and not self.publisher.index_due(ledgers):
            self.next_publish = now + PUBLISH_LOOK
            return True
        if now < self.next_publish and self.troubles:
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

    def _put_out(self, ledgers: list[Ledger], wishes: Settings) -> None:
        """Commit and push what is due; without pushing, reports stand in the state directory."""
        if self.pushes():
            commit = self.publisher.publish(ledgers, wishes)
            if commit:
                self.say(f"report committed: {commit[:12]} on {self.target()}")
            return
        due = self.publisher.due(ledgers, wishes)
        files, _ = publish.tree(due, ledgers, self.loop.hands, wishes, images=self.policy.images)
        self.write(files)
        self.publisher.done(due, ledgers)

    def _trouble(self, text: str) -> None:
        self.troubles += 1
        self.next_look = self.loop.hands.clock.now() + min(max(self.policy.interval, PATIENCE), 0.5 * 2**self.troubles)
        self.say(f"{self.url}: {text}; trying again")
