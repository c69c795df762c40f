"""Why nothing happens, in words: the status line, the log and the report take their text from here."""

from collections.abc import Iterator, Sequence

from kagit.trial import Phase
from reconciler.core import deadline
from reconciler.ports import State
from reconciler.world import Live, Run, World


def waiting(world: World, *, over: bool, stopping: bool | None = None) -> tuple[str, ...]:
    """What this experiment waits for now; never empty while it is neither over nor acting.

    `stopping` says whether what runs is being stopped: by default where the experiment is over.
    """
    if world.run is None:
        return ()
    words: list[str] = []
    running = sum(_runs(one) for one in world.live)
    if running:
        words.append(f"{'StoppingTrials' if (over if stopping is None else stopping) else 'RunningTrials'}({running})")
    if not over:
        words += _going_on(world, world.run)
    if world.wanted is not None and world.wanted.errors:
        words.append(f"ManifestHasErrors({len(world.wanted.errors)})")
    if not world.listed:
        words.append(world.unlisted)
    return tuple(words)


def _going_on(world: World, run: Run) -> Iterator[str]:
    """What keeps an experiment that is not over."""
    if run.is_suspended:
        yield "SuspendedByUser()"
    for place in sorted(world.positions[one.trial.name] for one in world.live if one.trial.name in world.positions):
        yield f"WaitingForSlot(position {place})"
    for one in world.live:
        if one.twin is not None and not one.twin.is_over:
            yield f"WaitingForTwin({one.twin.name})"
    if world.exhausted:
        yield "SearchSpaceExhausted()"
    if world.postponed:
        yield "WaitingForResults()"
    end = deadline.end(run)
    if end:
        yield f"MaxDuration(until {end})"


def _runs(live: Live) -> bool:
    """Whether a trial runs, also if its start is not recorded yet."""
    seen = live.sighting is not None and live.sighting.state is State.RUNNING
    return seen or live.trial.phase is Phase.RUNNING


_PASSING = ("RunningTrials", "StoppingTrials", "MaxDuration")


def lasting(waiting: Sequence[str]) -> list[str]:
    """Reasons that last: how many trials run stands elsewhere anyway, and time passes."""
    return [words for words in waiting if not words.startswith(_PASSING)]


def reasons(waiting: Sequence[str]) -> frozenset[str]:
    """What is waited for, whatever the counts and places: those change all the time."""
    return frozenset(words if words.startswith("Refused") else words.partition("(")[0] for words in waiting)
