"""Why nothing happens, in words: the status line, the log and the report take their text from here."""

from kagit.trial import Phase
from reconciler.ports import State
from reconciler.world import Live, World


def waiting(world: World, *, over: bool) -> tuple[str, ...]:
    """What this experiment waits for now; never empty while it is neither over nor acting."""
    if world.run is None:
        return ()
    words: list[str] = []
    running = sum(_runs(one) for one in world.live)
    if running:
        words.append(f"{'StoppingTrials' if over else 'RunningTrials'}({running})")
    if not over:
        places = sorted(world.positions[one.trial.name] for one in world.live if one.trial.name in world.positions)
        words += [f"WaitingForSlot(position {place})" for place in places]
    if world.exhausted and not over:
        words.append("SearchSpaceExhausted()")
    if world.wanted is not None and world.wanted.errors:
        words.append(f"ManifestHasErrors({len(world.wanted.errors)})")
    if not world.listed:
        words.append(world.unlisted)
    return tuple(words)


def _runs(live: Live) -> bool:
    """Whether a trial runs, also if its start is not recorded yet."""
    seen = live.sighting is not None and live.sighting.state is State.RUNNING
    return seen or live.trial.phase is Phase.RUNNING
