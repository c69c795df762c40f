"""One way to run trials, in a process of its own: `python benchmarks/ways.py WAY COMMAND TRIALS DIRECTORY`.

Prints what it took as JSON. Only what lies between the first wish and the last durable result is timed: imports and
the start of this process are not.
"""

import io
import json
import os
import random
import re
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from experiments import COMMANDS, experiment, text
from processes import keeper

WORKERS = 2
MARK = 125
"""Finished trials between two looks at the CPU time."""
METRIC = re.compile(r"loss=([-+.\d]+)")


def one(command: Sequence[str], x: float) -> float:
    """Run one trial and read its metric, as simply as Python can."""
    done = subprocess.run([*command, str(x)], stdout=subprocess.PIPE, check=True)
    found = METRIC.search(done.stdout.decode())
    if found is None:
        sys.exit(f"no metric in {done.stdout!r}")
    return float(found[1])


def in_threads(work: Callable[[int], None], trials: int) -> None:
    """Call `work` for every number, `WORKERS` at once."""
    numbers = iter(range(trials))
    lock = threading.Lock()

    def worker() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            work(number)

    threads = [threading.Thread(target=worker) for _ in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def plain(command: Sequence[str], trials: int, _directory: Path) -> dict[str, float]:
    """Two workers around `subprocess.run`; nothing is kept."""
    chance = random.Random(1)
    results: dict[int, float] = {}

    def work(number: int) -> None:
        results[number] = one(command, chance.random())

    begin, cpu = time.perf_counter(), _everything()
    in_threads(work, trials)
    seconds, cpu = time.perf_counter() - begin, _everything() - cpu
    if len(results) != trials:
        sys.exit("a worker has failed")
    return {"seconds": seconds, "all": cpu}


def _everything() -> float:
    """CPU seconds of this process and of all its finished children."""
    who = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in who)


def optuna(command: Sequence[str], trials: int, directory: Path, *, journal: bool) -> dict[str, float]:
    """Two threads that ask and tell one study around `subprocess.run`."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if journal:
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        storage: Any = JournalStorage(JournalFileBackend(str(directory / "journal.log")))
    else:
        storage = f"sqlite:///{directory}/optuna.db"
    study = optuna.create_study(storage=storage, sampler=optuna.samplers.RandomSampler(seed=1))

    def work(_number: int) -> None:
        trial = study.ask()
        study.tell(trial, one(command, trial.suggest_float("x", 0, 1)))

    begin = time.perf_counter()
    in_threads(work, trials)
    seconds = time.perf_counter() - begin
    if len([trial for trial in study.trials if trial.state.is_finished()]) != trials:
        sys.exit("a worker has failed")
    return {"seconds": seconds}


def engine(command: Sequence[str], trials: int, directory: Path) -> dict[str, Any]:
    """The engine as `kagit run` drives it, with its display, up to the last durable reading.

    `marks` tell after how many finished trials which CPU seconds of the reconciler and of the keeper had been used.
    """
    from reconciler import wiring
    from reconciler.settings import Machine
    from reconciler.shell.progress import Lines
    from reconciler.world import Wanted
    from repo_layout import read

    file = text(experiment("bench", command=command, trials=trials, parallel=WORKERS))
    declared = read.file("bench.yaml", file.encode())
    wanted = {("default", "bench"): Wanted(experiment=declared.experiments[0].experiment)}
    state = directory / "state"
    with wiring.engine(Machine(state=state, slots=WORKERS, gpus=()), here=directory) as running:
        loop = running.loop
        display = Lines(out=io.StringIO(), clock=running.hands.clock)
        marks: list[tuple[int, float, float]] = []
        begin, cpu = time.perf_counter(), time.process_time()
        loop.want(wanted, refusals=wiring.refusals(wanted, loop.capacity, allowed=True))
        while not loop.quiet:
            loop.tick(timeout=0.5)
            display.show(loop.ledgers.values())
            ledger = loop.ledgers["default", "bench"]
            done = len(ledger.trials) - len(ledger.live)
            if done >= MARK * len(marks):
                marks.append((done, time.process_time() - cpu, keeper(state).own))
        loop.finish()
        seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
        kept = keeper(state)
        readings = running.hands.store.query("SELECT count(*) FROM readings").rows[0][0]
    if readings != trials:
        sys.exit(f"{readings} readings of {trials} trials, waiting: {ledger.waiting}, refused: {ledger.refusal!r}")
    return {"seconds": seconds, "cpu": cpu, "keeper": kept.own, "all": cpu + kept.own + kept.trials, "marks": marks}


WAYS: dict[str, Callable[[Sequence[str], int, Path], dict[str, float]]] = {
    "plain": plain,
    "engine": engine,
    "optuna-sqlite": lambda command, trials, directory: optuna(command, trials, directory, journal=False),
    "optuna-journal": lambda command, trials, directory: optuna(command, trials, directory, journal=True),
}


def main() -> None:
    """Measure one way."""
    way, command, trials, directory = sys.argv[1:]
    os.chdir(directory)
    print(json.dumps(WAYS[way](COMMANDS[command], int(trials), Path(directory))))


if __name__ == "__main__":
    main()
