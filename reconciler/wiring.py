"""Puts adapters into ports: the only place that knows which world the reconciler runs in."""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Container, Generator, Iterable, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from kagit.errors import NotFound, Refused, Unavailable
from kagit.experiment import Experiment, Json
from kagit.shapes import at
from reconciler.adapters.clock import SystemClock
from reconciler.adapters.cluster_embedded import EmbeddedCluster
from reconciler.adapters.executor_local import LocalExecutor
from reconciler.adapters.grpc_client import suggestion_service
from reconciler.adapters.local_manifest import images, need, refusal
from reconciler.adapters.repo_git import GitRepo
from reconciler.core.slots import Need
from reconciler.ports import Repo, Table
from reconciler.settings import Machine
from reconciler.shell.hands import Hands
from reconciler.shell.ledger import Ledger, Title
from reconciler.shell.loop import Loop
from reconciler.shell.serve import QueryServer, ask
from reconciler.shell.sharing import Capacity
from reconciler.world import Wanted

CLUSTER, STORE = "cluster.sqlite", "readings.duckdb"
ENGINE, EXPORTS, MIRRORS = "engine", "exports", "mirrors"
FIRST_BACKOFF = 0.2
"""Seconds before the second try of a failed Job; it doubles each time. Kubernetes begins with 10 to spare a cluster,
which one machine does not need: with the default of 6 retries a broken command fails in 13 seconds, not 10 minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """The embedded engine of one state directory, running."""

    loop: Loop
    hands: Hands
    state: Path


def prepare(state: Path, *folders: str) -> Path:
    """The state directory, made if need be, private, and invisible to Git; Unavailable if it cannot be written."""
    state = state.absolute()
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in folders:
            (state / name).mkdir(exist_ok=True, mode=0o700)
        ignore = state / ".gitignore"
        if not ignore.exists():
            ignore.write_text("# made by kagit: state of a running engine\n*\n")
    except OSError as error:
        raise _unwritable(state, error) from error
    return state


def _unwritable(state: Path, error: OSError) -> Unavailable:
    return Unavailable(
        f"state directory {state} cannot be written: {error.filename}: {error.strerror}; "
        "make room for it, or give another one with --state"
    )


@contextmanager
def locked(state: Path) -> Generator[None]:
    """The right to run an engine on this state directory, one process at a time."""
    try:
        handle = os.open(state / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise _unwritable(state, error) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        pid = os.pread(handle, 20, 0).decode(errors="replace").strip()
        os.close(handle)
        raise Unavailable(
            f"{state} is in use by another kagit (process {pid}); wait for it, or give another --state directory"
        ) from None
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


@contextmanager
def engine(machine: Machine, *, repo: Repo | None = None, here: Path | None = None) -> Generator[Engine]:
    """A running engine; trials start in an export of their commit from `repo`, or in the directory `here`."""
    from reconciler.adapters.store_duckdb import DuckStore

    state = prepare(machine.state, ENGINE, EXPORTS)
    with ExitStack() as stack:
        stack.enter_context(locked(state))
        clock = SystemClock()
        cluster = EmbeddedCluster(state / CLUSTER, clock=clock.now, create_namespaces=True)
        stack.callback(cluster.close)
        store = DuckStore(state / STORE, clock=clock)
        stack.callback(store.close)
        executor = LocalExecutor(state / ENGINE, clock=clock, environment=os.environ, first_backoff=FIRST_BACKOFF)
        stack.callback(executor.close)
        hands = Hands(
            cluster=cluster,
            executor=executor,
            store=store,
            clock=clock,
            workplace=_Workplaces(repo=repo, here=here, root=state / EXPORTS).of,
            demand=_demand,
            connect=suggestion_service,
            endpoints=machine.endpoints,
        )
        loop = Loop(hands=hands, capacity=capacity(machine))
        loop.start()
        _drop_exports(state / EXPORTS, loop.ledgers.values())
        server = QueryServer(store, state)
        server.start()
        stack.callback(server.stop)
        yield Engine(loop=loop, hands=hands, state=state)


def _drop_exports(exports: Path, ledgers: Iterable[Ledger]) -> None:
    """Remove the exports that no run needs any more; one that is needed again is made again."""
    needed = {one.source.commit for one in ledgers if one.run is not None and not one.run.is_over}
    for directory in exports.iterdir():
        if directory.name not in needed:
            shutil.rmtree(directory, ignore_errors=True)


def repository(url: str, state: Path) -> GitRepo:
    """A repository, mirrored in the state directory."""
    place = Path(url)
    address = str(place.absolute()) if place.is_dir() else url
    name = hashlib.sha256(address.encode()).hexdigest()[:16]
    mirrors = prepare(state, MIRRORS) / MIRRORS
    return GitRepo(address, mirrors / f"{name}.git")


def default_branch(repo: GitRepo) -> str:
    """The branch that the repository's HEAD names; Refused where it names none."""
    branch = repo.default_branch()
    if not branch:
        raise Refused(f"{repo.shown} has no default branch yet; push a commit, or name the branch")
    return branch


@dataclass(frozen=True, slots=True, kw_only=True)
class _Workplaces:
    """Directories in which trials start: one export for all runs of a commit."""

    repo: Repo | None
    here: Path | None
    root: Path

    def of(self, ledger: Ledger) -> Path:
        """Where the trials of this experiment's run start."""
        if self.repo is None or not ledger.source.commit:
            if self.here is None:
                raise Refused(f"{ledger.title} has no commit to export; push it again")
            return self.here
        directory = self.root / ledger.source.commit
        if not directory.exists():
            self.repo.export(ledger.source.commit, directory)
        return directory


def _demand(manifest: Json, spec: Experiment) -> Need:
    template = spec.template
    return need(
        manifest,
        primary_container=template.primary_container,
        labels=template.primary_pod_labels,
        collector=spec.collector,
    )


def capacity(machine: Machine) -> Capacity:
    """What this machine may run at once."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    found = machine.gpus if machine.gpus is not None else _found_gpus()
    return Capacity(slots=machine.slots or cores, gpus=found)


def _found_gpus() -> tuple[str, ...]:
    """Numbers of the NVIDIA devices of this machine, or those that the caller was given."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is not None:
        return tuple(part.strip() for part in given.split(",") if part.strip() not in {"", "-1"})
    with suppress(OSError):
        return tuple(str(number) for number, _ in enumerate(sorted(Path("/proc/driver/nvidia/gpus").iterdir())))
    return ()


def refusals(
    wanted: Mapping[Title, Wanted], room: Capacity, *, allowed: bool, endpoints: Container[str] = ()
) -> dict[Title, str]:
    """Why experiments cannot run on this machine, by title; only those that cannot are named."""
    specs = {title: one.experiment for title, one in wanted.items() if one.experiment is not None}
    told = {title: _refusal(spec, room, allowed=allowed, endpoints=endpoints) for title, spec in specs.items()}
    return {title: text for title, text in told.items() if text}


def _refusal(spec: Experiment, room: Capacity, *, allowed: bool, endpoints: Container[str]) -> str:
    from reconciler.core.problem import obstacle

    if not allowed:
        return (
            "this repository is remote, and its trials would run commands on this machine; "
            "pass --allow-local-execution if whoever can push to it may do that"
        )
    issue = obstacle(spec, endpoints)
    if issue is not None:
        return f"{issue.field}: {issue.message}"
    return _unsupported(spec) or _too_large(spec, room)


def _unsupported(spec: Experiment) -> str:
    from reconciler.core import collectors

    manifest = spec.template.trial_spec
    if manifest is None:
        return "the ConfigMap of its trialTemplate was not found; put its manifest beside the experiment"
    return collectors.problem(spec.collector) or refusal(
        manifest,
        primary_container=spec.template.primary_container,
        labels=spec.template.primary_pod_labels,
        collector=spec.collector,
        found=_on_path,
    )


def _on_path(command: str) -> bool:
    return shutil.which(command) is not None


def _too_large(spec: Experiment, room: Capacity) -> str:
    wanted = _demand(spec.template.trial_spec or {}, spec)
    if wanted.slots > room.slots:
        return (
            f"a trial asks for {wanted.slots} slots, and this machine has {room.slots}; lower its CPU request "
            f"{'' if _is_single(spec) else 'or its replicas (each takes at least one) '}or raise --slots"
        )
    if wanted.gpus > len(room.gpus):
        return f"a trial asks for {wanted.gpus} GPUs, and this machine has {len(room.gpus)}; name them with --gpus"
    return ""


def _is_single(spec: Experiment) -> bool:
    manifest = spec.template.trial_spec or {}
    return manifest.get("kind") in {"Job", "Pod"} and at(manifest, "spec", "parallelism") is None


def ignored_images(manifest: Json) -> tuple[str, ...]:
    """Images that a template names and that the local engine does not use."""
    return images(manifest)


def reader(state: Path) -> EmbeddedCluster:
    """The objects of a state directory, to look at while somebody else writes them."""
    path = state.absolute() / CLUSTER
    if not path.exists():
        raise NotFound(f"{state} holds no experiments; give the directory of a `kagit run` or `reconcile` with --state")
    return EmbeddedCluster(path, clock=SystemClock().now, read_only=True)


def now() -> float:
    """Seconds since 1970."""
    return SystemClock().now()


def query(state: Path, sql: str) -> Table:
    """Ask the metrics store: through the process that owns it, or directly where there is none."""
    from reconciler.adapters.store_duckdb import DuckStore

    state = state.absolute()
    try:
        return ask(state, sql)
    except NotFound:
        if not (state / STORE).exists():
            raise NotFound(f"{state} holds no readings; give the directory of a run with --state") from None
    store = DuckStore(state / STORE, clock=SystemClock(), read_only=True)
    try:
        return store.query(sql)
    finally:
        store.close()


def output(state: Path) -> LocalExecutor:
    """What trials have printed; starts nothing."""
    return LocalExecutor(state.absolute() / ENGINE, clock=SystemClock(), environment=os.environ)


def wants_color() -> bool:
    """Whether the user's environment has nothing against colour (no-color.org)."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
