"""What the reconciler needs from the world. Each port has one contract suite, run against every adapter."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

from kagit.experiment import Collector, Json
from kagit.filetree import FileTree
from kagit.objective import Observation
from kagit.trial import Artifact, Checkpoint

# ---------------------------------------------------------------------------------------------------------- Cluster


class Listing(NamedTuple):
    """Objects and the resourceVersion to watch from."""

    items: list[Json]
    resource_version: str


class Event(NamedTuple):
    """One change; a BOOKMARK carries only a newer resourceVersion in its object."""

    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
    object: Json


PatchForm: TypeAlias = Literal["merge", "json", "apply"]


class Cluster(Protocol):
    """Kubernetes' object store on plain dicts (spec kubernetes.md sections 1-2).

    `kind` is a name that the adapter knows ("Experiment", "Suggestion", "Trial", "Job", "ConfigMap"...). Errors:
    NotFound, AlreadyExists, Conflict (stale resourceVersion), Expired (too old to watch), Refused (invalid),
    Unavailable (throttled, unreachable, disk full). Returned dicts belong to the caller.
    """

    def batch(self) -> AbstractContextManager[None]:
        """Writes inside may be made durable together at its end, all or none of them; nested ones join the outer."""
        ...

    def list(self, *, kind: str, namespace: str = "", selector: str = "", fields: str = "") -> Listing:
        """All objects of a kind, in one namespace or all; label and field selector in Kubernetes' syntax."""
        ...

    def watch(
        self, *, kind: str, since: str, namespace: str = "", selector: str = "", timeout: float = 0.0
    ) -> Iterator[Event]:
        """Changes after version `since`, in order, until `timeout` seconds have passed; 0 yields what is there."""
        ...

    def get(self, *, kind: str, namespace: str, name: str) -> Json:
        """One object."""
        ...

    def create(self, body: Json) -> Json:
        """Store a new object (honours generateName, ignores status where it is a subresource); answers it as stored."""
        ...

    def patch(
        self,
        *,
        kind: str,
        namespace: str,
        name: str,
        body: Json | Sequence[Json],
        form: PatchForm = "merge",
        subresource: Literal["", "status"] = "",
        manager: str = "kagit",
    ) -> Json:
        """Change an object; metadata.resourceVersion in the body is an optimistic lock; `apply` creates if missing."""
        ...

    def delete(self, *, kind: str, namespace: str, name: str, uid: str = "", propagation: str = "Background") -> None:
        """Delete; with finalizers left it is only marked. `uid`, if given, must match (Conflict otherwise)."""
        ...


# --------------------------------------------------------------------------------------------------------- Executor


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One attempt to run one trial. `name` (of the attempt) is unique and makes starting idempotent. `collector` says
    where it leaves its `metrics` (objective first) to be read as `files`; of its pods, that with the labels counts."""

    name: str
    trial: str
    namespace: str
    manifest: Json
    primary_container: str = ""
    primary_pod_labels: Mapping[str, str] = field(default_factory=dict[str, str])
    metrics: tuple[str, ...] = ()
    collector: Collector = field(default_factory=Collector)
    directory: Path
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    gpus: tuple[str, ...] = ()
    checkpoint: Checkpoint | None = None


class State(StrEnum):
    """What an executor sees of an attempt. LOST: it is gone and nobody knows how it ended."""

    RUNNING = "Running"
    ENDED = "Ended"
    LOST = "Lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """The state of one attempt. Times are RFC 3339 UTC. `reason` is Completed, Error, DeadlineExceeded, OOMKilled,
    StartError, Stopped or BackoffLimitExceeded, as Kubernetes would say; `message` explains it to a person. `status` is
    that of the trial's object as the controller of its kind would write it; empty where nothing is known of it."""

    name: str
    state: State
    started: str = ""
    finished: str = ""
    exit_code: int | None = None
    signal: int | None = None
    reason: str = ""
    message: str = ""
    artifacts: tuple[Artifact, ...] = ()
    status: Json = field(default_factory=dict[str, Any], hash=False)

    @property
    def succeeded(self) -> bool:
        """Whether the primary container ended with exit code 0."""
        return self.state is State.ENDED and self.exit_code == 0 and self.reason == "Completed"


class Output(NamedTuple):
    """Bytes of a trial's output from `start` up to `end` (offsets in the whole output, stable under rotation)."""

    data: bytes
    start: int
    end: int


class Executor(Protocol):
    """Runs attempts. Errors: Refused (cannot be run here, says why), NotFound, Unavailable."""

    def refusal(self, manifest: Json) -> str:
        """Why a rendered template cannot be run here, naming what would run it; empty when it can."""
        ...

    def start(self, work: Work) -> None:
        """Start the attempt unless one of this name was started before: twice is harmless, also across a crash."""
        ...

    def stop(self, name: str) -> None:
        """Ask the attempt to end: SIGTERM, then SIGKILL after its grace period. Unknown or ended: nothing happens."""
        ...

    def sightings(self, *, timeout: float = 0.0) -> Sequence[Sighting]:
        """Changes since the last call, after up to `timeout` seconds; after a restart all that was not forgotten."""
        ...

    def output(self, name: str, *, start: int = 0, limit: int = 1 << 20, file: str = "", container: str = "") -> Output:
        """Up to `limit` bytes of the primary container's stdout and stderr from offset `start` on (or the oldest kept
        byte if later), of one of `files`, or of one of `containers`; nothing where that is not there (yet)."""
        ...

    def containers(self, name: str) -> Sequence[str]:
        """What else an attempt runs and keeps the output of, sorted: containers of its pod, or its other pods."""
        ...

    def files(self, name: str) -> Sequence[str]:
        """Files that an attempt has written so far where its collector looks: sorted paths below that directory."""
        ...

    def forget(self, name: str) -> None:
        """Its end is recorded elsewhere: it need not be told after the next restart. Output and artifacts stay."""
        ...

    def close(self) -> None:
        """End every attempt that still runs and let go of the machine; no process survives."""
        ...


# ------------------------------------------------------------------------------------------------------------ Store


class Reading(NamedTuple):
    """One metric value as printed. `step` counts the readings of that trial and metric from 0; `time` is RFC 3339."""

    trial: str
    metric: str
    step: int
    time: str
    value: float | None
    text: str


class Table(NamedTuple):
    """An answer to a query."""

    columns: tuple[str, ...]
    rows: list[tuple[object, ...]]


class Store(Protocol):
    """Every metric reading. A trial is named `namespace/name`. Errors: Refused (bad SQL), Unavailable (disk, lock)."""

    def append(self, readings: Sequence[Reading], *, cursors: Mapping[str, int]) -> None:
        """Add readings and set, in the same transaction, up to which output offset each trial has been read. A reading
        of the same trial, metric and step replaces the old one, so that reading twice is harmless."""
        ...

    def cursors(self, trials: Sequence[str]) -> Mapping[str, int]:
        """How far each trial's output was read, 0 if never."""
        ...

    def steps(self, trial: str) -> Mapping[str, int]:
        """The next step of every metric of a trial: what a parser needs to go on at the cursor."""
        ...

    def flush(self) -> None:
        """Make everything appended so far survive a crash."""
        ...

    def observations(self, trials: Sequence[str]) -> Mapping[str, Observation]:
        """Min, max, latest of every metric of these trials; text as printed; non-finite values only as latest."""
        ...

    def curve(self, trial: str, metric: str) -> Sequence[Reading]:
        """All readings of one metric of one trial in the order of steps."""
        ...

    def query(self, sql: str) -> Table:
        """One read-only SQL statement; Refused for anything that writes, reads files or changes settings."""
        ...

    def close(self) -> None:
        """Write what is buffered and let go of the file."""
        ...


# ------------------------------------------------------------------------------------------------------------- Repo


class Blob(NamedTuple):
    """A file in a commit; `mode` is Git's, e.g. 100644, 120000 for a symbolic link, 160000 for a submodule."""

    path: str
    mode: str
    id: str
    size: int


class Tree(NamedTuple):
    """The files below a path of one commit; `id` is Git's tree id (empty where the path does not exist)."""

    id: str
    files: tuple[Blob, ...]


class Repo(Protocol):
    """A Git repository without a work tree. Errors: Refused (bad name), Unavailable (unreachable), Conflict (moved)."""

    def fetch(self, branch: str) -> str:
        """Commit id of the branch on the remote now, its objects fetched; empty where the branch does not exist."""
        ...

    def tree(self, commit: str, path: str = "") -> Tree:
        """Files below `path` ("" for all) at a commit, sorted by path; paths are relative to the repository's root."""
        ...

    def read(self, ids: Sequence[str]) -> Mapping[str, bytes]:
        """Contents of blobs by id."""
        ...

    def export(self, commit: str, directory: Path) -> None:
        """Write all files of a commit below an empty directory; links that leave it and submodules are left out."""
        ...

    def commit(self, *, parent: str, files: FileTree, replace: Sequence[str], message: str, time: int) -> str:
        """New commit on `parent` ("" for a first one): folders named in `replace` are emptied, then `files` written.
        Answers `parent` itself where nothing would change. `time` is in seconds since 1970."""
        ...

    def push(self, *, branch: str, commit: str, expected: str) -> None:
        """Move the remote branch from `expected` ("" for: must not exist) to `commit`; Conflict if it is elsewhere."""
        ...


# ------------------------------------------------------------------------------------------------------------ Clock


class Clock(Protocol):
    """Time as an argument."""

    def now(self) -> float:
        """Seconds since 1970, never going backwards within one process."""
        ...
