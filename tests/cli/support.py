"""What the tests of real commands share: manifests, a repository to push to, and kagit as a process."""

import contextlib
import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
KAGIT = (sys.executable, "-P", "-m", "reconciler.cli")
LIMIT = 60.0


def eventually(check: Callable[[], Any], what: str, *, limit: float = LIMIT) -> Any:
    """The first true answer of `check`; a failure that says `what` if there is none in time."""
    end = time.monotonic() + limit
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"waited {limit:.0f} s in vain: {what}")
        time.sleep(0.01)


def environment(**more: str) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"} | more


def kagit(*args: object, cwd: Path, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    """A real process, run to its end."""
    return subprocess.run(
        [*KAGIT, *map(str, args)],
        cwd=cwd,
        env=environment(**env),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


@contextlib.contextmanager
def background(*args: object, cwd: Path, **env: str) -> Iterator[subprocess.Popen[str]]:
    """A real process, ended in good order if it still runs at the end of the block; stdout and stderr go to files."""
    with (cwd / "out.txt").open("a") as out, (cwd / "err.txt").open("a") as err:
        process = subprocess.Popen(
            [*KAGIT, *map(str, args)],
            cwd=cwd,
            env=environment(**env),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            text=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(timeout=LIMIT)


def manifest(
    name: str,
    command: Sequence[str],
    *,
    trials: int = 2,
    parallel: int = 2,
    namespace: str = "",
    container: Mapping[str, Any] | None = None,
    pod: Mapping[str, Any] | None = None,
    trial_spec: Mapping[str, Any] | None = None,
    **spec: Any,
) -> str:
    """An Experiment that runs `command` in each trial, as YAML (which JSON is)."""
    own = [{"name": "RATE", "value": "${trialParameters.rate}"}]
    main = {"name": "main", "image": "none", "command": list(command), "env": own, **(container or {})}
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "spec": {
            "backoffLimit": 0,
            "template": {"spec": {"restartPolicy": "Never", "containers": [main], **(pod or {})}},
        },
    }
    body = {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "Experiment",
        "metadata": {"name": name, **({"namespace": namespace} if namespace else {})},
        "spec": {
            "objective": {"type": "minimize", "objectiveMetricName": "loss"},
            "algorithm": {"algorithmName": "random"},
            "parallelTrialCount": min(parallel, trials) or 1,
            "maxTrialCount": trials,
            "maxFailedTrialCount": trials,
            "parameters": [
                {"name": "rate", "parameterType": "double", "feasibleSpace": {"min": "0.1", "max": "0.9"}},
            ],
            "trialTemplate": {
                "primaryContainerName": "main",
                "trialParameters": [{"name": "rate", "reference": "rate"}],
                "trialSpec": dict(trial_spec or job),
            },
            **spec,
        },
    }
    return json.dumps(body, indent=2) + "\n"


def sh(script: str) -> list[str]:
    return ["sh", "-c", script]


LOSS = sh("echo loss=${trialParameters.rate}")
"""The quickest trial there is."""


def git(where: Path, *args: str) -> str:
    return subprocess.run(["git", *args], cwd=where, check=True, capture_output=True, text=True).stdout


class Origin:
    """A bare repository, and a clone of it from which somebody pushes."""

    def __init__(self, place: Path) -> None:
        self.bare, self.clone = place / "origin.git", place / "clone"
        self.url = f"file://{self.bare}"
        git(place, "init", "-q", "--bare", "-b", "main", str(self.bare))
        git(place, "init", "-q", "-b", "main", str(self.clone))
        git(self.clone, "remote", "add", "origin", str(self.bare))

    def push(self, files: Mapping[str, str | bytes | None], branch: str = "main") -> str:
        """Push files on top of what is there (None deletes); the commit's id."""
        git(self.clone, "fetch", "-q", "origin")
        known = git(self.clone, "branch", "-r").split()
        start = f"origin/{branch}" if f"origin/{branch}" in known else "origin/main" if "origin/main" in known else ""
        if start:
            git(self.clone, "checkout", "-q", "-B", branch, start)
        for path, content in files.items():
            target = self.clone / path
            if content is None:
                target.unlink()
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)
        git(self.clone, "add", "-A")
        git(self.clone, "commit", "-q", "-m", "push")
        git(self.clone, "push", "-q", "origin", f"HEAD:{branch}")
        return git(self.clone, "rev-parse", "HEAD").strip()

    def tip(self, branch: str = "main") -> str:
        return git(self.bare, "rev-parse", branch).strip()

    def log(self, branch: str = "main") -> list[str]:
        return git(self.bare, "log", "--format=%s", branch).splitlines()

    def read(self, path: str, branch: str = "main") -> str:
        return git(self.bare, "show", f"{branch}:{path}")

    def files(self, under: str = "reports", branch: str = "main") -> dict[str, str]:
        """All files of a folder with their contents."""
        names = git(self.bare, "ls-tree", "-r", "--name-only", branch, under).splitlines()
        return {name: self.read(name, branch) for name in names}

    def trials(self, experiment: str, namespace: str = "default") -> list[dict[str, str]]:
        """The rows of an experiment's trials.csv."""
        return rows(self.read(f"reports/{namespace}/{experiment}/trials.csv"))


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def lines(path: Path) -> list[str]:
    """The whole lines of a ledger that trials append to."""
    return path.read_text().splitlines() if path.exists() else []


def processes(needle: str) -> list[str]:
    """Command lines of the living processes that carry `needle` in their command line or environment."""
    found: list[str] = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            command = (entry / "cmdline").read_bytes()
            # a zombie has neither command line nor environment
            if needle.encode() in command or needle.encode() in (entry / "environ").read_bytes():
                found.append(f"{entry.name} {command.replace(bytes(1), b' ').decode(errors='replace')}")
    return found


def none_left(needle: object) -> None:
    """Nothing that was started for a test lives on."""
    end = time.monotonic() + 10.0
    while (left := processes(str(needle))) and time.monotonic() < end:
        time.sleep(0.02)
    assert left == []
