"""Whether a search is worth going on with: `kagit.dev/stop-without-gain`."""

from kagit.objective import Objective, ObjectiveType
from kagit.wishes import Patience
from reconciler.world import Recent


def is_gone(recent: Recent, patience: Patience, objective: Objective) -> bool:
    """Whether the last so many trials with a result, in the order of their numbers, were no gain over those before."""
    best = min if objective.type is ObjectiveType.MINIMIZE else max
    values = [value for _, value in recent.results]
    older, last = values[: -patience.trials], values[-patience.trials :]
    if recent.before is not None:
        older.append(recent.before)
    if not older:
        return False
    before, now = best(older), best(last)
    return not (objective.better(now, before) and patience.allows(abs(now - before), best=before))
