"""Paths of a container on this machine: volumes and the collector's directory are private directories here.

Law: no input or output. A path is put in place of another wherever it begins a path in a command, an argument, a
variable or the working directory: `--log-dir=/train` yes, `/trainer` and `s3://x/train` no. A program that has the path
built in is not reached.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import PurePosixPath
from typing import NamedTuple

from kagit.errors import Refused
from kagit.experiment import Collector
from kagit.shapes import at, text

METRICS_MARK = "\0metrics\0"
"""What stands for the directory of the collector until rewriting is done, so that nothing is rewritten twice."""
_FILE_KINDS = ("File", "TensorFlowEvent", "Custom")


class Mount(NamedTuple):
    """A path of the container and the directory of this machine for it; `exact` ones are only meant as a whole."""

    path: str
    target: str
    exact: bool = False


def collector_path(collector: Collector) -> tuple[str, str]:
    """The directory in which the collector looks, and the file if it is one; empty where there is no such path."""
    path = text(at(collector.source, "fileSystemPath", "path")) if collector.kind in _FILE_KINDS else ""
    if not path.startswith("/"):
        return "", ""
    clean = PurePosixPath(path)
    if collector.kind == "TensorFlowEvent" or at(collector.source, "fileSystemPath", "kind") == "Directory":
        return str(clean), ""
    return str(clean.parent), clean.name


def collector_mounts(collector: Collector, target: str, *, exists: Callable[[str], bool]) -> list[Mount]:
    """Where the collector's path is here. Directories above it are mapped too, unless this machine has them: a program
    that is told `/logs` may write `/logs/test` by itself."""
    directory, file = collector_path(collector)
    if not directory:
        return []
    if directory == "/":
        return [Mount(f"/{file}", f"{target}/{file}", exact=True)] if file else []
    above = [str(parent) for parent in PurePosixPath(directory).parents][:-1]
    mounts = [Mount(parent, f"\0/paths{parent}", exact=True) for parent in above if not exists(parent)]
    return [Mount(directory, target), *mounts]


def below(path: str, sub: str) -> str:
    """`path` with a subPath; Refused where that could leave it."""
    if not sub:
        return path
    if sub.startswith("/") or ".." in sub.split("/"):
        raise Refused(f"subPath {sub!r} could leave its volume; give a relative path without '..'")
    return f"{path}/{sub.strip('/')}"


def rewrite(value: str, mounts: Sequence[Mount]) -> str:
    """`value` with every path of a mount replaced, the longest first."""
    if not mounts or "/" not in value:
        return value
    pattern, targets = _compiled(tuple(mounts))
    return pattern.sub(lambda found: targets[found.group()], value)


@cache
def _compiled(mounts: tuple[Mount, ...]) -> tuple[re.Pattern[str], dict[str, str]]:
    ordered = sorted({one.path: one for one in reversed(mounts)}.values(), key=lambda one: -len(one.path))
    # In front of a path that is meant no other path may stand, behind it only its rest or its end.
    ends = {True: r"(?![\w./-])", False: r"(?=/|(?![\w.-]))"}
    choices = "|".join(re.escape(one.path) + ends[one.exact] for one in ordered)
    return re.compile(rf"(?<![\w./~}})*?\]\0-])(?:{choices})"), {one.path: one.target for one in ordered}


def links(mounts: Sequence[Mount]) -> list[list[str]]:
    """Where a mount lies inside another one: the place in the outer directory, and the directory to show there."""
    found: list[list[str]] = []
    for one in mounts:
        outer = [other for other in mounts if one.path.startswith(f"{other.path}/")]
        if outer:
            nearest = max(outer, key=lambda other: len(other.path))
            place = nearest.target + one.path.removeprefix(nearest.path)
            if place != one.target:
                found.append([place, one.target])
    return found
