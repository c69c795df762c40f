"""Which runs belong to a repository and which to whoever called `kagit run`."""

from dataclasses import replace

from reconciler.shell.ledger import Ledger
from reconciler.world import Wanted


def is_loose(ledger: Ledger) -> bool:
    """Whether its run came from `kagit run` and from no branch of a repository."""
    return ledger.run is not None and "@" not in ledger.source.url


def once_more(wanted: Wanted | None, ledger: Ledger) -> Wanted | None:
    """A repository that takes over a loose experiment runs it anew, at a commit; its earlier run is kept."""
    comes_from_branch = wanted is not None and "@" in wanted.source.url
    if wanted is None or not comes_from_branch or ledger.run is None or not is_loose(ledger):
        return wanted
    return replace(wanted, after=ledger.run.number)
