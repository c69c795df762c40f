"""`kagit plan`: what a reconcile would do, in words; nothing is done."""

import argparse
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from kagit.errors import Refused
from reconciler import settings, wiring
from reconciler.adapters.grpc_client import suggestion_service
from reconciler.commands import show
from reconciler.core import safety
from reconciler.core.intake import Intake, Word, decide
from reconciler.core.problem import picked
from reconciler.shell import external
from reconciler.shell.belonging import is_loose, once_more
from reconciler.shell.ledger import Ledger, Title
from reconciler.shell.recall import look_at
from reconciler.shell.source import GitSource, with_broken
from reconciler.world import Counts, Run, Wanted

_ASKS = {Word.CREATE, Word.EXTEND, Word.RESTART, Word.NEW_RUN}
_MARKS = {Word.CREATE: "+", Word.DELETE: "-", Word.NOTHING: " ", Word.REFUSE: "!"}


def run(args: argparse.Namespace) -> int:
    """Print the plan: exit code 2 when something would change, 1 when something is refused, 0 for nothing."""
    state: Path = args.state
    repo = wiring.repository(args.repo, state)
    branch = args.ref or wiring.default_branch(repo)
    source = GitSource(repo=repo, url=f"{repo.shown}@{branch}", branch=branch)
    seen = source.look()
    if not seen.commit:
        raise Refused(f"{repo.shown} has no branch {source.branch!r} with a commit; push one, or give another --ref")
    if args.base:
        base = GitSource(repo=repo, url=f"{repo.shown}@{args.base}", branch=args.base).look()
        if not base.commit:
            raise Refused(f"{repo.shown} has no branch {args.base!r} with a commit; give another --base")
        runs = {title: _as_run(one) for title, one in base.wanted.items() if one.experiment is not None}
    else:
        runs = _current(state, repo.shown, seen.wanted)
    wanted = with_broken(seen, {title: run.source for title, run in runs.items()})
    machine = settings.Machine(
        state=state, slots=args.slots, gpus=settings.devices(args.gpus), endpoints=tuple(args.suggestion_endpoint)
    )
    capacity = wiring.capacity(machine)
    refusals = wiring.refusals(wanted, capacity, allowed=True, endpoints=machine.endpoints)
    refusals |= external.objections(
        {title: one for title, one in wanted.items() if title not in refusals}, suggestion_service
    )
    decided = {
        title: _picked(
            decide(
                wanted=once_more(wanted.get(title), runs[title]) if title in runs else wanted.get(title),
                run=runs[title].run if title in runs else None,
                refusal=refusals.get(title, ""),
                counts=Counts(by_phase=dict(runs[title].phases)) if title in runs else None,
            ),
            wanted.get(title),
        )
        for title in sorted({*wanted, *runs})
    }
    return _print(decided, seen_findings=[str(one) for one in seen.findings], output=args.output, runs=runs)


def _picked(one: Intake, wanted: Wanted | None) -> Intake:
    """The decision, with what the algorithm `auto` stands for where trials may follow."""
    if wanted is None or wanted.experiment is None or one.word not in _ASKS:
        return one
    said = picked(wanted.experiment)
    return replace(one, reason=f"{one.reason}; {said}") if said else one


def _as_run(wanted: Wanted) -> Ledger:
    """What a base branch declares, as if it ran already."""
    spec = wanted.experiment
    if spec is None:
        raise Refused("; ".join(wanted.errors))
    ledger = Ledger(namespace=spec.namespace, name=spec.name, source=wanted.source)
    ledger.run = Run(experiment=spec, number=1, seed=0)
    return ledger


def _current(state: Path, url: str, wanted: Mapping[Title, Wanted]) -> dict[Title, Ledger]:
    """The runs that came from this repository, and those of `kagit run` that it would take over."""
    if not (state / wiring.CLUSTER).exists():
        return {}
    with closing(wiring.reader(state)) as cluster:
        found = look_at(cluster)
    return {
        title: one
        for title, one in found.items()
        if one.source.url.rpartition("@")[0] == url or (is_loose(one) and title in wanted)
    }


def _print(decided: dict[Title, Intake], *, seen_findings: list[str], output: str, runs: dict[Title, Ledger]) -> int:
    rows = [(_MARKS.get(one.word, "~"), one.word.value, "/".join(title), one.reason) for title, one in decided.items()]
    gone = safety.deletions(
        present=frozenset(map("/".join, runs)),
        declared=frozenset("/".join(title) for title, one in decided.items() if one.word is not Word.DELETE),
    )
    found = {
        "plan": [{"action": word, "experiment": title, "reason": reason} for _, word, title, reason in rows],
        "findings": seen_findings,
        "refused": gone,
    }
    show.objects(found, output=output, columns=("", "ACTION", "EXPERIMENT", "REASON"), rows=rows)
    if output == "table":
        for text in [*seen_findings, *([gone] if gone else [])]:
            print(text)
    words = {one.word for one in decided.values()}
    if words - {Word.NOTHING, Word.REFUSE}:
        return 2
    return 1 if Word.REFUSE in words else 0
