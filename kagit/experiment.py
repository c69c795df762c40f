"""An Experiment's spec with every default applied: what kagit works with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

from kagit.objective import Objective
from kagit.search import Search
from kagit.space import Space
from kagit.wishes import Wishes

Json: TypeAlias = dict[str, Any]


class ResumePolicy(StrEnum):
    """Katib's resumePolicy."""

    NEVER = "Never"
    LONG_RUNNING = "LongRunning"
    FROM_VOLUME = "FromVolume"


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """Algorithm name and its settings, texts as Katib has them."""

    name: str
    settings: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialParameter:
    """A placeholder `${trialParameters.<name>}` and the parameter or metadata it refers to."""

    name: str
    reference: str
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialTemplate:
    """How a trial is started.

    A template that `config_map` refers to has no `trial_spec` until the ConfigMap is found; `source` is its text then.
    """

    trial_spec: Json | None
    config_map: Mapping[str, str] | None = None
    source: str = ""
    parameters: tuple[TrialParameter, ...] = ()
    primary_container: str = ""
    primary_pod_labels: Mapping[str, str] = field(default_factory=dict[str, str])
    success_condition: str = ""
    failure_condition: str = ""
    retain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Collector:
    """Where metrics come from; `filters` are user regexes with two groups (empty: Katib's default filter).

    `custom` is the container of kind Custom, as it was written.
    """

    kind: str = "StdOut"
    filters: tuple[str, ...] = ()
    source: Json = field(default_factory=dict[str, Any])
    custom: Json | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """The effective spec. `spec_digest` covers all of it, `run_digest` all but the three budget counts.

    `nas` is the nasConfig as it was written; where it is set the space is empty.
    """

    namespace: str
    name: str
    space: Space
    objective: Objective
    algorithm: Algorithm
    template: TrialTemplate
    early_stopping: Algorithm | None = None
    nas: Json | None = None
    collector: Collector = field(default_factory=Collector)
    parallel: int = 3
    max_trials: int | None = None
    max_failed: int | None = None
    resume: ResumePolicy = ResumePolicy.NEVER
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    annotations: Mapping[str, str] = field(default_factory=dict[str, str])
    wishes: Wishes = field(default_factory=Wishes)
    search: Search = field(default_factory=Search)
    spec_digest: str = ""
    run_digest: str = ""
    manifest: Json = field(default_factory=dict[str, Any], repr=False)
    """The object as its author wrote it: apiVersion, kind, metadata, spec."""

    @property
    def title(self) -> str:
        """`namespace/name`, as messages show it."""
        return f"{self.namespace}/{self.name}"
