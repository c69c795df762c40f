"""What a report is made of. All texts may come from a trial and are hostile until a template has escaped them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kagit.experiment import Experiment
from kagit.trial import Trial

FORMAT = 2
"""Version of the report's form; a change of it rewrites every report once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where the numbers come from; `clean` is None where the working directory is not under Git."""

    source: str = ""
    commit: str = ""
    clean: bool | None = None
    manifest_path: str = ""
    spec_digest: str = ""
    seed: int = 0
    engine: str = ""
    versions: Mapping[str, str] = field(default_factory=dict[str, str])
    images_ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """An earlier run of the same experiment, for comparison; `best_value` is None where nothing was measured."""

    run: int
    spec_digest: str
    commit: str
    trials: int
    succeeded: int
    best_trial: str
    best_value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """One experiment, ready to be shown. `status` is Created, Running, Restarting, Succeeded, Failed or Suspended.

    `trials` are those of the current run in the order of their index; `log_tails` holds the last lines of failed
    trials by name; `best` is a trial name or empty.
    """

    experiment: Experiment
    status: str
    reason: str
    message: str
    run: int
    trials: tuple[Trial, ...]
    best: str = ""
    waiting: tuple[str, ...] = ()
    started: str = ""
    finished: str = ""
    log_tails: Mapping[str, str] = field(default_factory=dict[str, str])
    provenance: Provenance = field(default_factory=Provenance)
    earlier: tuple[RunSummary, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexEntry:
    """One line of the index page. `history` is the best value after each finished trial, thinned to at most 60."""

    namespace: str
    name: str
    status: str
    message: str
    metric: str
    direction: str
    best_value: float | None
    best_trial: str
    trials: int
    succeeded: int
    failed: int
    max_trials: int | None
    finished: str
    history: tuple[float, ...] = ()
