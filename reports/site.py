"""The report as a file tree: what the reconciler commits."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

from kagit.experiment import Experiment
from kagit.filetree import FileTree
from kagit.space import Parameter
from kagit.trial import Trial
from reports import aims, charts, exports, markdown, pages, remarks, scatter, series, story
from reports.contract import FORMAT, IndexEntry, ReportData
from reports.insights.catalog import examine

HTML_ROWS = 500
README_ROWS = 100


def build(data: ReportData) -> FileTree:
    """The report of one experiment: index.html, README.md, history.svg, trials.csv, and best.yaml if there is a best.

    With several objectives there is front.svg too. Paths are relative to the experiment's own folder; the same data
    gives the same bytes everywhere.
    """
    one, winner = data.experiment, series.best_trial(data)
    past, found, checks = series.history(one.objective, data.trials), aims.of(data), examine(data)
    others = bool(one.objective.others)
    files = {
        "index.html": pages.experiment(
            story.tell(data, past, HTML_ROWS, found=found, checks=checks),
            charts.history(one.objective, past, one.max_trials),
            scatter.front(one.objective, found) if others else "",
        ),
        "README.md": markdown.experiment(story.tell(data, past, README_ROWS, found=found, checks=checks)),
        "history.svg": charts.history(one.objective, past, one.max_trials, pages.asset("chart.css")),
        "trials.csv": exports.trials_csv(data, remarks.of(data, found.front)),
    }
    if others:
        files["front.svg"] = scatter.front(one.objective, found, pages.asset("chart.css"))
    if winner is not None:
        files["best.yaml"] = exports.best_yaml(data, winner)
    return FileTree({path: text.encode() for path, text in files.items()})


def build_index(entries: Sequence[IndexEntry]) -> FileTree:
    """The list of all experiments: index.html and README.md, linking to `<namespace>/<name>/`."""
    return FileTree({"index.html": pages.index(entries).encode(), "README.md": markdown.index(entries).encode()})


def digest(data: ReportData) -> str:
    """SHA-256 in hex over everything the report shows: equal digests mean equal bytes, for a fraction of the work."""
    one, origin = data.experiment, data.provenance
    objective = one.objective
    facts: list[Any] = [
        FORMAT,
        [data.status, data.reason, data.message, data.run, data.best, data.waiting, data.started, data.finished],
        [one.namespace, one.name, one.spec_digest, one.max_trials, one.max_failed],
        [
            objective.type,
            objective.metric,
            repr(objective.goal),
            objective.additional,
            sorted(objective.strategies.items()),
            list(objective.others.items()),
            [astuple(each) for each in objective.constraints],
        ],
        astuple(one.search),
        [one.algorithm.name, sorted(one.algorithm.settings.items()), [_parameter(each) for each in one.space]],
        [
            origin.source,
            origin.commit,
            origin.clean,
            origin.manifest_path,
            origin.spec_digest,
            origin.seed,
            origin.engine,
        ],
        _checked(one),
        [sorted(origin.versions.items()), sorted(origin.images_ignored), sorted(data.log_tails.items())],
        [
            [r.run, r.spec_digest, r.commit, r.trials, r.succeeded, r.best_trial, repr(r.best_value)]
            for r in data.earlier
        ],
        [_trial(trial) for trial in data.trials],
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _checked(one: Experiment) -> list[Any]:
    """What only checks look at."""
    return [
        one.parallel,
        one.early_stopping.name if one.early_stopping else "",
        one.wishes.reuse_results,
        sorted(one.search.rules.active),
        sorted(one.objective.others),
        [[each.metric, each.sign, repr(each.bound)] for each in one.objective.constraints],
    ]


def _parameter(one: Parameter) -> list[Any]:
    return [one.name, one.type, str(one.minimum), str(one.maximum), str(one.step), one.values, one.distribution]


def _trial(one: Trial) -> list[Any]:
    return [
        [one.name, one.run, one.index, one.phase, one.reason, one.message, one.started, one.finished],
        [one.parent, one.result_of, [astuple(rule) for rule in one.rules]],
        sorted(one.point.items()),
        [[metric.name, metric.min, metric.max, metric.latest] for metric in one.observation],
        [[file.path, file.size, file.digest] for file in one.artifacts],
    ]
