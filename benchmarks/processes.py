"""Processes that are measured: started, waited for, and looked at through /proc where there is one."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent


def script(name: str, *arguments: object) -> dict[str, Any]:
    """What a script beside this one prints as JSON, run with a fresh directory as its last argument."""
    with tempfile.TemporaryDirectory(prefix="kagit-bench-") as directory:
        command = [sys.executable, str(HERE / name), *map(str, arguments), directory]
        done = subprocess.run(command, stdout=subprocess.PIPE, env=environment(), check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def environment() -> dict[str, str]:
    """The environment of what is measured: this project's code first, and this interpreter's directory."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "PYTHONPATH": str(HERE.parent)}


def kagit(*arguments: object) -> Sequence[str]:
    """The command line of `kagit` in this environment."""
    return [str(Path(sys.executable).with_name("kagit")), *map(str, arguments)]


class Keeper(NamedTuple):
    """CPU seconds of an engine's keeper and of the trials that it has waited for."""

    own: float
    trials: float


def keeper(state: Path) -> Keeper:
    """What the keeper of a state directory has used; zeros where /proc does not tell."""
    tick = os.sysconf("SC_CLK_TCK")
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().split(b"\0")
            stat = (process / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if any(part.endswith(b"keeper/__main__.py") for part in command) and os.fsencode(state / "engine") in command:
            user, system, children_user, children_system = map(int, stat[11:15])
            return Keeper((user + system) / tick, (children_user + children_system) / tick)
    return Keeper(0.0, 0.0)


class Usage(NamedTuple):
    """What a finished process took; `peak` is its largest resident set in MB."""

    seconds: float
    cpu: float
    peak: float


def usage(command: Sequence[str], *, directory: Path) -> Usage:
    """Run a command to its end; the benchmark ends where the command fails."""
    log = directory / "usage.log"
    begin = time.perf_counter()
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=directory, env=environment(), stdout=out, stderr=out)
        _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{log.read_text(errors='replace')[-2000:]}")
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return Usage(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / unit)
