"""Where checkpoints are on this machine: `checkpoints/NAMESPACE/RUN/TRIAL` beside `trials/`. No input or output.

Their paths in containers are replaced like those of volumes. The directory is made by the attempt's own process
(`keeper/checkpoint.py`), each time it is tried.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from kagit.errors import Refused
from kagit.names import ENV_CHECKPOINT_DIR
from reconciler.adapters.local_paths import Mount, collector_path
from reconciler.ports import Work

END = ".end.json"
"""Ending of what stands beside an attempt's output and says how it ended, where its keeper cannot know."""
_MAKER = str(Path(__file__).with_name("keeper") / "checkpoint.py")


def directory(work: Work, *, place: str, trial: str = "") -> str:
    """The directory of a trial of the same run, its own by default; `place` is that of the attempt."""
    root, _, _ = place.rpartition(f"/trials/{work.namespace}/")
    one = trial or work.trial
    return f"{root}/checkpoints/{work.namespace}/{one.rpartition('-')[0] or one}/{one}"


def mounts(work: Work, *, place: str) -> tuple[Mount, ...]:
    """Where the path of its checkpoint is here; Refused where the collector means the same one."""
    if work.checkpoint is None or not work.checkpoint.path:
        return ()
    path = str(PurePosixPath(work.checkpoint.path))
    if collector_path(work.collector)[0] == path:
        raise Refused(f"{path} is the directory of the metrics collector and of checkpoints; give one another path")
    return (Mount(path, directory(work, place=place)),)


def variables(work: Work, *, place: str) -> Mapping[str, str]:
    """What tells a program where its checkpoint is."""
    return {} if work.checkpoint is None else {ENV_CHECKPOINT_DIR: directory(work, place=place)}


def command(work: Work, argv: Sequence[str], *, place: str) -> list[str]:
    """What makes the directory and then becomes `argv`."""
    wanted = work.checkpoint
    if wanted is None:
        return list(argv)
    own = directory(work, place=place)
    parent = directory(work, place=place, trial=wanted.parent) if wanted.parent else ""
    makes = [place + END, own, parent, str(wanted.oldest), *sorted(wanted.kept)]
    return [sys.executable, "-I", "-S", _MAKER, *makes, "--", *argv]


def names_of(work: Work) -> Sequence[str]:
    """The trials whose directories are meant."""
    wanted = work.checkpoint
    return [] if wanted is None else [work.trial, *([wanted.parent] if wanted.parent else []), *sorted(wanted.kept)]
