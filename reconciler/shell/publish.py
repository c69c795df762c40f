"""Reports: from ledgers to report data, to files, to a commit."""

import platform
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import kagit
from kagit import names
from kagit.conditions import last_true
from kagit.errors import NotFound, Refused, Unavailable
from kagit.experiment import Json
from kagit.filetree import FileTree
from kagit.names import is_experiment_name
from kagit.trial import Phase, Trial
from reconciler.core import publishing
from reconciler.ports import Repo
from reconciler.shell import external
from reconciler.shell.collect import key
from reconciler.shell.hands import Hands
from reconciler.shell.ledger import Ledger
from repo_layout.paths import report_folder
from repo_layout.settings import Settings
from reports import site
from reports.contract import FORMAT, IndexEntry, Provenance, ReportData, RunSummary
from reports.series import thinned

TAILS, TAIL_BYTES, TAIL_LINES = 50, 8192, 20
_FAR = 1 << 62


def data(ledger: Ledger, hands: Hands, *, images: Callable[[Json], tuple[str, ...]]) -> ReportData | None:
    """All that the report of one experiment shows; None before its first run."""
    run = ledger.run
    if run is None:
        return None
    last = last_true(run.conditions)
    trials = tuple(sorted(ledger.trials.values(), key=lambda one: one.index))
    template = run.experiment.template.trial_spec
    return ReportData(
        experiment=run.experiment,
        status=last.type if last is not None else "Created",
        reason=last.reason if last is not None else "",
        message=last.message if last is not None else "",
        run=run.number,
        trials=trials,
        best=ledger.best.trial if ledger.best is not None else "",
        waiting=tuple(ledger.waiting_for_report()),
        started=run.started,
        finished=run.completed,
        log_tails=_tails(ledger, trials, hands),
        provenance=Provenance(
            source=ledger.source.url,
            commit=ledger.source.commit,
            clean=ledger.source.clean,
            manifest_path=ledger.source.path,
            spec_digest=run.experiment.spec_digest,
            seed=run.seed,
            engine=_engine(ledger),
            versions={"kagit": kagit.__version__, "python": platform.python_version()},
            images_ignored=images(template) if template is not None else (),
        ),
        earlier=tuple(
            RunSummary(
                run=one.run,
                spec_digest=one.spec_digest,
                commit=one.commit,
                trials=one.trials,
                succeeded=one.succeeded,
                best_trial=one.best.trial if one.best is not None else "",
                best_value=one.best.value if one.best is not None else None,
            )
            for one in sorted(ledger.earlier.values(), key=lambda one: one.run)
        ),
    )


def _engine(ledger: Ledger) -> str:
    try:
        return external.engine(ledger.run) if ledger.run is not None else ""
    except Refused:
        return ""  # of a package that is no longer there


def _tails(ledger: Ledger, trials: Sequence[Trial], hands: Hands) -> dict[str, str]:
    """The last lines of the first failed trials."""
    failed = [one for one in trials if one.phase in {Phase.FAILED, Phase.METRICS_UNAVAILABLE}][:TAILS]
    keys = {one.name: key(ledger.namespace, one.name, one.attempt) for one in failed}
    ends = hands.store.cursors(list(keys.values()))
    tails: dict[str, str] = {}
    for one in failed:
        work = names.work_name(namespace=ledger.namespace, trial=one.name, attempt=one.attempt)
        try:
            # its end where it was never read, because metrics come from elsewhere
            end = ends.get(keys[one.name], 0) or hands.executor.output(work, start=_FAR, limit=1).end
            piece = hands.executor.output(work, start=max(0, end - TAIL_BYTES), limit=TAIL_BYTES)
        except (NotFound, Unavailable):
            continue  # its output was removed from the state directory; the report goes on without it
        lines = piece.data.decode(errors="replace").splitlines()[-TAIL_LINES:]
        if lines:
            tails[one.name] = "\n".join(lines)
    return tails


def entry(ledger: Ledger) -> IndexEntry | None:
    """The line of one experiment on the index page."""
    run = ledger.run
    if run is None:
        return None
    last = last_true(run.conditions)
    counts = ledger.phases
    return IndexEntry(
        namespace=ledger.namespace,
        name=ledger.name,
        status=last.type if last is not None else "Created",
        message=last.message if last is not None else "",
        metric=run.experiment.objective.metric,
        direction=run.experiment.objective.type.value,
        best_value=ledger.best.value if ledger.best is not None else None,
        best_trial=ledger.best.trial if ledger.best is not None else "",
        trials=len(ledger.trials),
        succeeded=counts.get(Phase.SUCCEEDED, 0),
        failed=counts.get(Phase.FAILED, 0) + counts.get(Phase.METRICS_UNAVAILABLE, 0),
        max_trials=run.experiment.max_trials,
        finished=run.completed,
        history=_history(ledger),
    )


def _history(ledger: Ledger) -> tuple[float, ...]:
    """Best value after each finished trial in the order of trials, thinned."""
    if ledger.run is None:
        return ()
    objective = ledger.run.experiment.objective
    best: float | None = None
    values: list[float] = []
    for told in ledger.finished():
        if told.value is not None and (best is None or objective.better(told.value, best)):
            best = told.value
        if best is not None:
            values.append(best)
    return thinned(values)


@dataclass(slots=True, kw_only=True)
class Publisher:
    """Commits the reports that are due, all of one moment in one commit."""

    hands: Hands
    images: Callable[[Json], tuple[str, ...]]
    repo: Repo
    branch: str
    indexed: frozenset[str] = frozenset()

    def due(self, ledgers: Iterable[Ledger], settings: Settings) -> list[Ledger]:
        """The experiments whose report must be written now."""
        now = self.hands.clock.now()
        return [
            ledger
            for ledger in ledgers
            if ledger.run is not None
            and publishing.due(
                publishing.Published(
                    digest=digest(ledger),
                    committed=ledger.published,
                    age=now - ledger.published_at,
                    quiet=ledger.rests,
                ),
                interval=settings.reports.interval,
            )
        ]

    def publish(self, ledgers: Sequence[Ledger], settings: Settings) -> str:
        """Commit and push what is due: the new commit's id, empty if nothing was. Conflict: look again."""
        due = self.due(ledgers, settings)
        branch = settings.reports.branch or self.branch
        tip = self.repo.fetch(branch)
        files, folders = tree(due, ledgers, self.hands, settings, images=self.images)
        commit = self.repo.commit(
            parent=tip,
            files=files,
            replace=folders,
            message=message(due),
            time=int(self.hands.clock.now()),
        )
        if commit != tip:
            self.repo.push(branch=branch, commit=commit, expected=tip)
        self.done(due, ledgers)
        return commit if commit != tip else ""

    def index_due(self, ledgers: Iterable[Ledger]) -> bool:
        """Whether the index names other experiments than it should; after a restart it is built once to be sure."""
        return frozenset(ledger.title for ledger in ledgers) != self.indexed

    def done(self, due: Iterable[Ledger], ledgers: Iterable[Ledger]) -> None:
        """What was due is out."""
        for ledger in due:
            mark(ledger, self.hands)
        self.indexed = frozenset(ledger.title for ledger in ledgers)


def digest(ledger: Ledger) -> str:
    """Digest of one experiment's report, in constant time."""
    return f"{FORMAT}-{ledger.digest()}"


def mark(ledger: Ledger, hands: Hands) -> None:
    """Remember that the report of this moment is out."""
    ledger.published, ledger.published_at = digest(ledger), hands.clock.now()
    notes = {names.ANNOTATION_REPORT: ledger.published}
    hands.cluster.patch(
        kind="Experiment", namespace=ledger.namespace, name=ledger.name, body={"metadata": {"annotations": notes}}
    )


def tree(
    due: Sequence[Ledger],
    ledgers: Iterable[Ledger],
    hands: Hands,
    settings: Settings,
    *,
    images: Callable[[Json], tuple[str, ...]],
) -> tuple[FileTree, list[str]]:
    """Files of the reports that are due and of the index, and the folders that they fill wholly."""
    files, folders = FileTree(), list[str]()
    for ledger in due:
        found = data(ledger, hands, images=images)
        if found is not None:
            folder = report_folder(found.experiment, settings)
            folders.append(folder)
            files |= site.build(found).under(folder)
    entries = [found for found in map(entry, ledgers) if found is not None]
    return files | site.build_index(entries).under(settings.reports.path), folders


def message(due: Sequence[Ledger]) -> str:
    """A commit message of validated names, numbers and fixed words only (reports.md section 6b)."""
    parts: list[str] = []
    for ledger in due:
        if ledger.run is not None and is_experiment_name(ledger.name):
            last = last_true(ledger.run.conditions)
            parts.append(f"{ledger.title}: {last.type if last is not None else 'Created'}, {len(ledger.trials)} trials")
    subject = f"kagit: report {parts[0]}" if len(parts) == 1 else f"kagit: reports of {len(parts)} experiments"
    subject = subject if parts else "kagit: index of reports"
    commits = sorted({ledger.source.commit for ledger in due if ledger.source.commit})
    trailers = [f"Kagit-Source-Commit: {commit}" for commit in commits]
    return "\n\n".join(part for part in (subject, "\n".join(parts[:100]), "\n".join(trailers)) if part) + "\n"
