"""`kagit replay`: ask for every point of an experiment again, and compare."""

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

from algorithms.contract import Absence, Finished
from kagit import names
from kagit.errors import NotFound, Refused
from kagit.experiment import Experiment, Json
from kagit.shapes import at
from kagit.space import Point
from kagit.suggestion import Suggestion
from kagit.trial import Trial
from kagit.v1beta1 import answers, objects, pieces, sources
from kagit.v1beta1.manifest import experiment
from reconciler import wiring
from reconciler.commands import show
from reconciler.commands.get import named
from reconciler.core import replay
from reconciler.core.problem import finished, obstacle
from reconciler.core.replay import Replayed
from reconciler.ports import Cluster
from reconciler.shell.external import SERVICE
from reconciler.shell.progress import bar


def run(args: argparse.Namespace) -> int:
    """Print what came again and what did not; 1 where anything differs."""
    with closing(wiring.reader(args.state)) as cluster:
        body = named(cluster, kind="Experiment", namespace=args.namespace, name=args.experiment)
        kept = of_run(cluster, body)
    replayed = list(bar(again(kept), total=len(kept.asked), title="asking again", out=sys.stderr))
    rows = [_row(kept, one) for one in replayed]
    if args.output != "table":
        show.objects([dict(zip(_COLUMNS, row, strict=True)) for row in rows], output=args.output)
    else:
        _told(args.experiment, replayed, rows, everything=args.all)
    return 0 if all(one.same and one.seen for one in replayed) else 1


_COLUMNS = ("trial", "result", "suggested", "again", "engine", "engineNow")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """All that is kept of one run's suggestions: themselves in their order, and the trials that are over."""

    experiment: Experiment
    run: int
    seed: int
    asked: tuple[Suggestion, ...]
    finished: Mapping[int, Finished]


def again(kept: Kept) -> Iterator[Replayed]:
    """Ask for all of them again."""
    return replay.again(kept.experiment, kept.asked, kept.finished, seed=kept.seed)


def of_run(cluster: Cluster, body: Json) -> Kept:
    """What a cluster keeps of an Experiment's present run; Refused or NotFound where there is nothing to ask again."""
    meta, run = body["metadata"], int(pieces.note(body, names.ANNOTATION_RUN) or 1)
    spec, issues = experiment({key: body[key] for key in ("apiVersion", "kind", "metadata", "spec")})
    if spec is None:
        raise Refused("; ".join(issue.message for issue in issues))
    spec = sources.with_start(spec, stored=body)
    endpoint = spec.wishes.suggestion_endpoint
    wrong = obstacle(spec, (endpoint,))
    if wrong is not None:
        raise Refused(wrong.message)
    selector = f"{names.LABEL_EXPERIMENT}={meta['name']},{names.LABEL_RUN}={run}"
    stored = cluster.list(kind="Trial", namespace=meta["namespace"], selector=selector).items
    asked = {one.index: one for one in map(answers.of_trial, stored)}
    for one in _waiting(cluster, meta, run=run):
        asked.setdefault(one.index, one)
    served = next((one.engine for one in asked.values() if one.engine.startswith(SERVICE)), "")
    if served:
        raise Refused(f"its points come from a suggestion service ({served}), whose state nobody has but itself")
    if not asked:
        raise NotFound(f"experiment {meta['name']} was given no point yet; there is nothing to replay")
    return Kept(
        experiment=spec,
        run=run,
        seed=int(pieces.note(body, names.ANNOTATION_SEED) or 0),
        asked=tuple(asked[index] for index in sorted(asked)),
        finished={one.index: one for one in _finished(spec, map(objects.trial, stored))},
    )


def _waiting(cluster: Cluster, meta: Json, *, run: int) -> Sequence[Suggestion]:
    """Points without a trial."""
    try:
        body = cluster.get(kind="Suggestion", namespace=meta["namespace"], name=meta["name"])
    except NotFound:
        return ()
    return answers.points(body) if at(body, "status", "run") == run else ()


def _finished(spec: Experiment, trials: Iterable[Trial]) -> Iterator[Finished]:
    for trial in trials:
        if trial.is_over:
            yield finished(spec, trial)


def _row(kept: Kept, one: Replayed) -> tuple[str, ...]:
    result = "same" if one.same else "differs"
    if not one.seen:
        result += ", from another history"
    now = one.answer.value if isinstance(one.answer, Absence) else _point(one.answer.point)
    name = names.trial_name(experiment=kept.experiment.name, run=kept.run, index=one.asked.index)
    return name, result, _point(one.asked.point), now, one.asked.engine, one.engine


def _point(point: Point) -> str:
    return " ".join(f"{name}={value}" for name, value in point.items())


def _told(name: str, replayed: Sequence[Replayed], rows: Sequence[tuple[str, ...]], *, everything: bool) -> None:
    """The rows that are not as they should be (or all), and one sentence."""
    good = [one.same and one.seen for one in replayed]
    shown = [row[:4] for row, fine in zip(rows, good, strict=True) if everything or not fine]
    if shown:
        show.table(("TRIAL", "RESULT", "SUGGESTED", "AGAIN"), shown)
        print()
    print(f"{name}: {sum(good)} of {len(good)} suggestions came again, equal to the last character")
    others = sorted({one.asked.engine for one in replayed if one.asked.engine != one.engine})
    if others:
        print(f"they were made by {', '.join(others)}; here it is {replayed[0].engine}, which may answer differently")
    if not all(one.seen for one in replayed):
        print("another history: a trial that was there then was deleted or changed since")
