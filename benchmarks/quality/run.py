"""How good the algorithms are: `make bench-quality`, or `.make/quality-venv/bin/python benchmarks/quality/run.py`.

    --only 'bbob-f1-5d/*' --only '*/tpe'   problems and algorithms as PROBLEM/ALGORITHM, with * and ?
    --seeds 3 --trials 25 --jobs 2         a first impression
    --show PROBLEM/ALGORITHM               one search, trial after trial
    --estimate                             what there is to do, and how long it would take

What was run is kept in .make/quality: a run that was killed goes on, and with other code of an algorithm it runs anew.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from fnmatch import fnmatch
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cases
import epochs
import pages
import problems
import searches
import tables
from cases import Case, Result, Results
from rich.progress import Progress

MODES = {"one": 1, "batch": 4}
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def main() -> int:
    """Run what is missing, then say what came out."""
    asked = _parser().parse_args()
    os.environ.update(dict.fromkeys(THREADS, "1"))  # before any library, here and in the processes, looks at it
    if asked.show:
        return _show(asked)
    results = Results(tables.WORK / "results.jsonl")
    wanted, without = plan(asked)
    for line in without:
        print(line)
    todo = sorted((one for one in wanted if one not in results), key=lambda one: (results.seconds(one), one))
    grids = sorted({one.problem for one in todo if one.problem in {**tables.GRIDS, **tables.CURVES}})
    grids = [name for name in grids if not tables.place(name).exists()]
    seconds = sum(map(results.seconds, todo)) + sum({**tables.GRIDS, **tables.CURVES}[one].seconds for one in grids)
    print(
        f"{len(wanted)} searches, {len(todo)} of them to be run, {len(grids)} tables to be made: "
        f"about {seconds / 60:.0f} min of CPU, {seconds / 60 / asked.jobs:.0f} min with {asked.jobs} jobs",
        flush=True,
    )
    if asked.estimate:
        return 0
    broken = _work([(tables.made, name) for name in grids], asked.jobs, lambda _: None)
    broken += _work([(cases.run, case) for case in todo], asked.jobs, results.add)
    text = pages.page(list(results.of(wanted)), asked, without)
    print(text)
    if asked.page:
        asked.page.write_text(text, encoding="utf-8")
    return 1 if broken else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="PROBLEM/ALGORITHM", action="append", help="with * and ?; may be repeated")
    parser.add_argument("--without", metavar="PROBLEM/ALGORITHM", action="append", default=[], help="leave these out")
    parser.add_argument("--seeds", type=int, default=10, help="searches of each kind (%(default)s)")
    parser.add_argument("--trials", type=int, default=100, help="trials of each search (%(default)s)")
    parser.add_argument(
        "--mode", choices=(*MODES, "epochs"), action="append", help="one at a time, in batches of 4, or epochs"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (%(default)s)")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the tables there, too")
    parser.add_argument("--estimate", action="store_true", help="only say what there is to do")
    parser.add_argument("--show", metavar="PROBLEM/ALGORITHM", help="run one search now and print its trials")
    parser.add_argument("--seed", type=int, default=0, help="of --show")
    return parser


def plan(asked: argparse.Namespace) -> tuple[list[Case], list[str]]:
    """All cases that are asked for, and what cannot be run."""
    found: list[Case] = []
    without: dict[str, None] = {}
    for problem, algorithm, parallel in _pairs(asked.mode or (*MODES, "epochs")):
        title = f"{problem}/{algorithm}"
        if not any(_fits(title, one) for one in asked.only or ["*"]) or any(_fits(title, one) for one in asked.without):
            continue
        name = algorithm.partition("+")[0]
        reason = searches.missing(name)
        if reason:
            without[f"{name}: {reason}"] = None
            continue
        case = Case(problem=problem, algorithm=algorithm, seed=0, trials=asked.trials, parallel=parallel, code="")
        reason = _refusal(case)
        if reason:
            without[f"{title}: {reason}"] = None
            continue
        code = searches.code(name)
        found += [
            Case(problem=problem, algorithm=algorithm, seed=seed, trials=asked.trials, parallel=parallel, code=code)
            for seed in range(asked.seeds)
        ]
    return found, list(without)


def _pairs(modes: Sequence[str]) -> Iterator[tuple[str, str, int]]:
    for mode, parallel in MODES.items():
        if mode in modes:
            yield from ((one, name, parallel) for one in problems.PROBLEMS for name in (*searches.OURS, *searches.BARE))
    if "epochs" in modes:
        yield from ((one, name, MODES["batch"]) for one in problems.CURVES for name in epochs.algorithms())


def _fits(title: str, pattern: str) -> bool:
    """`tpe` alone is any problem's, `bbob-*` any algorithm's."""
    return any(fnmatch(title, one) for one in (pattern, f"{pattern}/*", f"*/{pattern}"))


def _refusal(case: Case) -> str:
    """Why its algorithm does not search this space, where that can be told without making a table."""
    space = problems.space(case.problem)
    name = case.algorithm.partition("+")[0]
    if name in searches.BARE:
        return ""
    return searches.refusal(name, epochs.asked(name, space, case))


def _work(jobs: Sequence[tuple[Callable[[Any], Any], Any]], processes: int, keep: Callable[[Any], None]) -> int:
    """Do the jobs in processes; how many failed."""
    broken = 0
    with (
        ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool,
        Progress(disable=not sys.stderr.isatty() or not jobs) as progress,
    ):
        task = progress.add_task("", total=len(jobs))
        waiting = {pool.submit(do, one): one for do, one in jobs}
        try:
            for number, future in enumerate(as_completed(waiting), 1):
                one = waiting[future]
                error = future.exception()
                if isinstance(error, BrokenProcessPool):
                    raise SystemExit(f"a process died, out of memory perhaps; the same command goes on ({error})")
                if error is not None:
                    broken += 1
                    print(f"{one} failed: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
                else:
                    keep(future.result())
                progress.update(task, advance=1, description=str(one))
                if progress.disable and number % max(1, len(jobs) // 20) == 0:
                    print(f"{number} of {len(jobs)}", file=sys.stderr, flush=True)
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise SystemExit("stopped; the same command goes on from here") from None
    return broken


def _show(asked: argparse.Namespace) -> int:
    """One search, trial after trial."""
    problem, _, algorithm = asked.show.partition("/")
    known = {*problems.PROBLEMS, *problems.CURVES}
    if problem not in known or not algorithm:
        sys.exit(f"there is no problem {problem!r}; give PROBLEM/ALGORITHM, problems are {', '.join(sorted(known))}")
    parallel = MODES[(asked.mode or ["one"])[0]] if problem in problems.PROBLEMS else MODES["batch"]
    case = Case(problem=problem, algorithm=algorithm, seed=asked.seed, trials=asked.trials, parallel=parallel, code="")
    reason = searches.missing(algorithm.partition("+")[0]) or _refusal(case)
    if reason:
        sys.exit(f"{asked.show}: {reason}")
    for line in _trials(cases.run(case)):
        print(line)
    return 0


def _trials(result: Result) -> Iterable[str]:
    best = float("inf")
    for number, value in enumerate(result.values):
        best = min(best, value)
        spent = f", {result.spent[number]} epochs" if result.spent else ""
        yield f"{number:4} {value:12.6f}  best {best:.6f}{spent}"
    yield f"{result.cpu / max(len(result.values), 1) * 1000:.2f} ms of CPU a trial, {result.repeats} points twice"


if __name__ == "__main__":
    sys.exit(main())
