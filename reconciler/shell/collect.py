"""Reads what trials print, as they print it: output to readings to the store. No decision is made here."""

from kagit.experiment import Experiment
from reconciler.core.readings import Parser
from reconciler.core.stopping import Watch
from reconciler.core.tally import Tally
from reconciler.ports import Executor, Reading, Sighting, State, Store
from reconciler.shell.following import Follow
from reconciler.shell.ledger import Ledger

PIECE = 1 << 20
MAX_PIECES = 64
"""Pieces read of one trial before the others get their turn."""


def key(namespace: str, trial: str, attempt: int) -> str:
    """A trial's name in the store; later attempts have their own, so that their readings never mix."""
    return f"{namespace}/{trial}" if attempt == 1 else f"{namespace}/{trial}.{attempt}"


def collect(ledger: Ledger, follow: Follow, *, executor: Executor, store: Store) -> bool:
    """Read what is new in a trial's output. Sets `drained` once an ended attempt is read out; True if more is there."""
    if ledger.run is None or follow.sighting is None or follow.drained:
        return False
    spec = ledger.run.experiment
    if follow.parser is None:
        _open(ledger, follow, spec, store)
    parser, tally = follow.parser, follow.tally
    if parser is None or tally is None:
        return False
    name = key(follow.namespace, follow.trial.name, follow.trial.attempt)
    found: list[Reading] = []
    follow.offset, more = read_out(parser, found, work=follow.work_name, offset=follow.offset, executor=executor)
    ended = follow.sighting.state is not State.RUNNING and not more
    if ended:
        found += parser.finish()
    if found or ended:
        store.append(found, cursors={name: parser.consumed})
        tally.add(found)
        if follow.watch is not None:
            follow.watch.add(found)
        follow.observation = tally.observation(spec.objective.metrics)
        follow.note = tally.note(spec.objective.metric) or _rejected(parser, spec.objective.metric)
        follow.drained = ended
    return more


def read_out(parser: Parser, found: list[Reading], *, work: str, offset: int, executor: Executor) -> tuple[int, bool]:
    """Feed the parser with what is there from `offset` on: how far it was read, and whether more is there."""
    for _ in range(MAX_PIECES):
        piece = executor.output(work, start=offset, limit=PIECE)
        if not piece.data:
            return offset, False
        found += parser.feed(piece.data, piece.start)
        offset = piece.end
        if len(piece.data) < PIECE:
            return offset, False
    return offset, True


def leftover(sighting: Sighting, *, trial: str, attempt: int, ledger: Ledger, executor: Executor, store: Store) -> None:
    """Readings that a crash kept from the store, of an attempt whose end is recorded already."""
    if ledger.run is None:
        return
    name = key(ledger.namespace, trial, attempt)
    parser, offset = _parser(ledger.run.experiment, name, store)
    more = True
    while more:
        found: list[Reading] = []
        offset, more = read_out(parser, found, work=sighting.name, offset=offset, executor=executor)
        if not more:
            found += parser.finish()
        store.append(found, cursors={name: parser.consumed})


def _parser(spec: Experiment, name: str, store: Store) -> tuple[Parser, int]:
    parser = Parser(trial=name, metrics=spec.objective.metrics, filters=spec.collector.filters)
    offset = store.cursors([name]).get(name, 0)
    if offset:
        parser.resume(offset=offset, counts=store.steps(name))
    return parser, offset


def _open(ledger: Ledger, follow: Follow, spec: Experiment, store: Store) -> None:
    """Begin to read a trial, where the last reconciler stopped."""
    name = key(ledger.namespace, follow.trial.name, follow.trial.attempt)
    follow.parser, follow.offset = _parser(spec, name, store)
    follow.tally = Tally()
    if follow.offset:
        follow.tally.merge(store.observations([name]).get(name, ()))
    follow.watch = _watch(follow, spec, name, store)


def _watch(follow: Follow, spec: Experiment, name: str, store: Store) -> Watch | None:
    """The trial's early stopping rules, with all that was read of it before."""
    if not follow.trial.rules:
        return None
    watch = Watch(follow.trial.rules, spec.objective)
    if follow.offset:
        for metric in watch.metrics:
            watch.add(store.curve(name, metric))
    return watch


def _rejected(parser: Parser, metric: str) -> str:
    if not parser.rejected:
        return ""
    return f"{metric} was printed {parser.rejected} times without a number, first as {parser.rejected_example!r}"
