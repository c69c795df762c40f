"""From a trial's output and files to readings in the store. No decision is made here."""

from kagit.errors import Broken
from kagit.experiment import Experiment
from reconciler.core.stopping import Watch
from reconciler.core.tally import Tally
from reconciler.ports import Executor, Reading, Sighting, State, Store
from reconciler.shell.following import Follow
from reconciler.shell.ledger import Ledger
from reconciler.shell.sources import Sources


def key(namespace: str, trial: str, attempt: int) -> str:
    """A trial's name in the store; later attempts have their own, so that their readings never mix."""
    return f"{namespace}/{trial}" if attempt == 1 else f"{namespace}/{trial}.{attempt}"


def collect(ledger: Ledger, follow: Follow, *, executor: Executor, store: Store) -> bool:
    """Read what is new of a trial. Sets `drained` once an ended attempt is read out; True if more is there."""
    if ledger.run is None or follow.sighting is None or follow.drained:
        return False
    objective = ledger.run.experiment.objective
    sources, tally = follow.sources, follow.tally
    if sources is None or tally is None:
        sources, tally = _opened(ledger, follow, store)
    found: list[Reading] = []
    more = sources.read(found, work=follow.work_name, executor=executor)
    ended = follow.sighting.state is not State.RUNNING and not more
    if ended:
        found += sources.finish()
    if found or ended:
        store.append(found, cursors=sources.cursors)
        tally.add(found)
        if follow.watch is not None:
            follow.watch.add(found)
        follow.observation = tally.observation(objective.metrics)
        follow.note = tally.note(objective.metric) or sources.note(objective.metric)
        follow.drained = ended
    return more


def leftover(sighting: Sighting, *, trial: str, attempt: int, ledger: Ledger, executor: Executor, store: Store) -> None:
    """Readings that a crash kept from the store, of an attempt whose end is recorded already."""
    if ledger.run is None:
        return
    name = key(ledger.namespace, trial, attempt)
    sources = Sources(ledger.run.experiment, trial=name, store=store)
    more = True
    while more:
        found: list[Reading] = []
        more = sources.read(found, work=sighting.name, executor=executor)
        if not more:
            found += sources.finish()
        store.append(found, cursors=sources.cursors)


def _opened(ledger: Ledger, follow: Follow, store: Store) -> tuple[Sources, Tally]:
    """Begin to read a trial, where the last reconciler stopped."""
    run = ledger.run
    if run is None:
        raise Broken(f"{ledger.title}: a trial without a run")
    name = key(ledger.namespace, follow.trial.name, follow.trial.attempt)
    sources, tally = Sources(run.experiment, trial=name, store=store), Tally()
    if sources.resumed:
        tally.merge(store.observations([name]).get(name, ()))
    follow.sources, follow.tally = sources, tally
    follow.watch = _watch(follow, run.experiment, name, store)
    return sources, tally


def _watch(follow: Follow, spec: Experiment, name: str, store: Store) -> Watch | None:
    """The trial's early stopping rules, with all that was read of it before."""
    if not follow.trial.rules:
        return None
    watch = Watch(follow.trial.rules, spec.objective)
    if follow.sources is not None and follow.sources.resumed:
        for metric in watch.metrics:
            watch.add(store.curve(name, metric))
    return watch
