"""`kagit reconcile`: the loop over a repository."""

import argparse
import threading
from collections.abc import Generator
from contextlib import contextmanager

from kagit.errors import Refused, Unavailable
from kagit.findings import has_errors
from reconciler import settings, wiring
from reconciler.adapters.repo_git import GitRepo
from reconciler.adapters.watch_files import watch
from reconciler.commands import session
from reconciler.commands.run import write
from reconciler.shell.follow import Follower, Policy
from reconciler.shell.progress import Lines, Screen

TICK = 0.5
TROUBLES_ONCE = 8
"""With --once, how often trouble with the repository is met before giving up."""


@session.stoppable()
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
        machine=settings.Machine(
            state=args.state,
            slots=args.slots,
            gpus=settings.devices(args.gpus),
            endpoints=tuple(args.suggestion_endpoint),
        ),
    )
    repo = wiring.repository(watching.url, watching.machine.state)
    branch = watching.branch or wiring.default_branch(repo)
    repo.fetch(branch)  # what cannot be read at the start ends the command; later trouble is waited out
    allowed = repo.local is not None or watching.allow_local_execution
    with (
        wiring.engine(watching.machine, repo=repo) as engine,
        session.display(engine) as display,
        _woken(repo, watching, display) as woken,
    ):
        capacity = engine.loop.capacity
        follower = Follower(
            loop=engine.loop,
            repo=repo,
            url=repo.shown,
            branch=branch,
            say=display.say,
            write=lambda files: write(files, engine.state),
            policy=Policy(
                interval=watching.interval,
                push=watching.push,
                allow_mass_deletion=watching.allow_mass_deletion,
                refusals=lambda wanted: wiring.refusals(
                    wanted, capacity, allowed=allowed, endpoints=watching.machine.endpoints
                ),
                images=wiring.ignored_images,
            ),
        )
        _follow(follower, display, woken, once=watching.once)
        return _end(follower, display, engine)


@contextmanager
def _woken(repo: GitRepo, watching: settings.Watching, display: Lines | Screen) -> Generator[threading.Event]:
    """A change in a local repository is seen at once, not only at the next interval."""
    woken = threading.Event()
    if repo.local is None or watching.once:
        yield woken
        return
    watcher = watch(repo.local, woken.set)
    if watcher.message:
        display.say(watcher.message)
    try:
        yield woken
    finally:
        watcher.close()


def _follow(follower: Follower, display: Lines | Screen, woken: threading.Event, *, once: bool) -> None:
    """Step after step; with `once` until all is over."""
    while True:
        now = woken.is_set()
        if now:
            woken.clear()
        done = follower.step(timeout=TICK, woken=now)
        display.show(follower.shown())
        if once and done:
            follower.loop.finish()
            return
        if once and follower.refused:
            raise Refused(follower.refused)
        if once and follower.troubles >= TROUBLES_ONCE:
            raise Unavailable(f"{follower.url} gave trouble {follower.troubles} times; giving up")


def _end(follower: Follower, display: Lines | Screen, engine: wiring.Engine) -> int:
    """The table at the end, and 1 where something failed or was refused."""
    ledgers, seen = follower.shown(), follower.seen
    display.show(ledgers, final=True)
    display.close()
    session.results(ledgers)
    if seen is None:
        return 1
    path = seen.settings.reports.path
    where = f"{path}/ on branch {follower.target()} of {follower.url}" if follower.pushes() else engine.state / path
    print(f"\nreports: {where}")
    return 1 if has_errors(seen.findings) else session.exit_code(ledgers)
