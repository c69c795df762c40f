"""Processes that are measured: started, waited for, and looked at through /proc where there is one."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def script(name: str, *arguments: object) -> Any:
    """What a script beside this one prints as JSON, run with a fresh directory as its last argument."""
    with tempfile.TemporaryDirectory(prefix="kagit-bench-") as directory:
        command = [sys.executable, str(HERE / name), *map(str, arguments), directory]
        done = subprocess.run(command, stdout=subprocess.PIPE, env=environment(), check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed")
    return json.loads(done.stdout)


def environment() -> dict[str, str]:
    """This environment, with this project's code and this interpreter's directory first on the path."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "PYTHONPATH": str(HERE.parent)}


def kagit(*arguments: object) -> Sequence[str]:
    """The command line of `kagit` in this environment."""
    return [str(Path(sys.executable).with_name("kagit")), *map(str, arguments)]


def keeper_seconds(state: Path) -> float:
    """CPU seconds of the keeper of a state directory, without its children; 0 where /proc does not tell."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().split(b"\0")
            stat = (process / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if any(part.endswith(b"keeper/__main__.py") for part in command) and os.fsencode(state / "engine") in command:
            return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def peak_megabytes() -> float:
    """The largest resident set that this process ever had."""
    return _status("VmHWM")


def megabytes() -> float:
    """The resident set of this process now."""
    return _status("VmRSS")


def _status(key: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) / 1024
    return 0.0
