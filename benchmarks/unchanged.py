"""A repository of many manifests of which none has changed, and the first look at it.

`python benchmarks/unchanged.py COUNT ROUNDS SLOTS DIRECTORY` measures in a process of its own and prints JSON.
"""

import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import repositories
from experiments import COMMANDS, experiment, text
from lines import Line, Wishes, apart
from processes import script

from reconciler import wiring
from reconciler.settings import Machine
from reconciler.shell.follow import Follower, Policy

MOST_MILLISECONDS = 50.0
COUNT = 1000


def lines(wishes: Wishes) -> Iterator[Line]:
    """What `kagit reconcile` does for 1,000 manifests at first, and when nothing has changed."""
    count = wishes.of(COUNT, 200)
    wishes.progress(f"{count} manifests")
    found = script("unchanged.py", count, wishes.of(15, 5), count)
    target = None if wishes.quick else MOST_MILLISECONDS
    for key, name in (
        ("same", f"no-op reconcile of {count:,} manifests, same commit"),
        ("moved", f"no-op reconcile of {count:,} manifests, after a report commit"),
    ):
        own, git, wall = ([1000 * one[part] for one in found[key]] for part in ("own", "git", "wall"))
        yield Line(
            name=f"{name}: own CPU",
            value=statistics.median(own),
            unit="ms",
            most=target,
            about=f"{apart(own)}; git processes {statistics.median(git):.0f} ms of CPU, "
            f"all {statistics.median(wall):.0f} ms of wall clock",
        )
    for key, name in (
        ("first", f"first look at {count:,} manifests"),
        ("runs", f"{count:,} experiments of one trial at once, with reports"),
        ("restart", f"start with {count:,} finished experiments, first look"),
    ):
        took = found[key]
        yield Line(
            name=name,
            value=took["wall"],
            unit="s",
            about=f"own CPU {took['own']:.2f} s, git and trials {took['git']:.2f} s of CPU",
        )


def queue(wishes: Wishes) -> Iterator[Line]:
    """Many experiments wait for two slots: what one costs among few and among many."""
    few, many = 25, wishes.of(100, 50)
    costs: dict[int, list[float]] = {few: [], many: []}
    for number in range(wishes.of(3, 1)):
        for count, values in costs.items():
            wishes.progress(f"{count} experiments for 2 slots, round {number + 1}")
            values.append(1000 * script("unchanged.py", count, 0, 2)["runs"]["own"] / count)
    few_ms, many_ms = (statistics.median(costs[count]) for count in (few, many))
    yield Line(
        name=f"own CPU per experiment, {many} for 2 slots / {few} for 2",
        value=many_ms / few_ms,
        unit="x",
        about=f"{many_ms:.0f} ms against {few_ms:.0f} ms, of one trial each, with reports",
    )


def main() -> None:
    """Measure: first look, all runs, looks that find nothing new, restart."""
    count, rounds, slots = map(int, sys.argv[1:4])
    place = Path(sys.argv[4])
    bodies = (experiment(f"bench-{n}", command=COMMANDS["sh"], trials=1, parallel=1) for n in range(count))
    repo = repositories.made(place, {f"experiments/{one['metadata']['name']}.yaml": text(one) for one in bodies})
    found: dict[str, Any] = {"same": [], "moved": []}
    with _reconciler(place, repo, slots=slots) as follower:
        found["first"] = _taken(follower.source.look)
        found["runs"] = _taken(lambda: _until_quiet(follower))
        for number in range(rounds):
            found["same"].append(_taken(lambda: follower.step(timeout=0.0, woken=True)))
            repositories.move(repo, {"reports/other/README.md": f"report {number}\n"}, message="a report")
            found["moved"].append(_taken(lambda: follower.step(timeout=0.0, woken=True)))
    with ExitStack() as stack:
        found["restart"] = _taken(lambda: stack.enter_context(_reconciler(place, repo, slots=slots)).step(timeout=0.0))
    print(json.dumps(found))


@contextmanager
def _reconciler(place: Path, repo: Path, *, slots: int) -> Iterator[Follower]:
    """A follower of this repository, made as `kagit reconcile` makes it."""
    state = place / "state"
    mirror = wiring.repository(str(repo), state)
    with wiring.engine(Machine(state=state, slots=slots, gpus=()), repo=mirror) as engine:
        capacity = engine.loop.capacity
        yield Follower(
            loop=engine.loop,
            repo=mirror,
            url=mirror.shown,
            branch="main",
            write=lambda _: None,
            policy=Policy(
                refusals=lambda wanted: wiring.refusals(wanted, capacity, allowed=True),
                images=wiring.ignored_images,
            ),
        )


def _until_quiet(follower: Follower) -> None:
    while not follower.step(timeout=0.5):
        pass


def _taken(work: Callable[[], object]) -> dict[str, float]:
    """Wall clock, own CPU and CPU of the children that ended meanwhile, in seconds."""
    wall, own, git = time.perf_counter(), time.process_time(), _children()
    work()
    return {"wall": time.perf_counter() - wall, "own": time.process_time() - own, "git": _children() - git}


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    os.environ["GIT_CONFIG_GLOBAL"] = os.devnull
    main()
