"""The main job on real input: a push of two experiments, real training, and two committed reports.

What a person would type is run and shown, line for line; nothing outside one directory is touched.
"""

import argparse
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
BIN = Path(sys.executable).parent
BRANCH = "main"
QUERY = "SELECT trial, max(value) FROM readings WHERE metric = 'accuracy' GROUP BY trial ORDER BY 2 DESC"
# Another identity, hooks, signing or line ends of the user's own would make another demo on every machine.
GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_PAGER": "cat",
    "GIT_AUTHOR_NAME": "A. Newcomer",
    "GIT_AUTHOR_EMAIL": "newcomer@example.org",
    "GIT_COMMITTER_NAME": "A. Newcomer",
    "GIT_COMMITTER_EMAIL": "newcomer@example.org",
}


class Failed(Exception):
    """A step went wrong; the message says which, and the exit code is passed on."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment for all steps: no Git or kagit settings of its own, our Python first on the PATH."""
    kept = {name: value for name, value in given.items() if not name.startswith(("GIT_", "KAGIT_"))}
    # Every trial imports scikit-learn anew; where Python may not keep what it compiled, that takes twice as long.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**kept, **GIT, "PATH": os.pathsep.join((str(BIN), given.get("PATH", os.defpath)))}


def place(wanted: Path | None) -> Path:
    """The directory of the demo: a new one, or the one that was asked for, which must be empty."""
    if wanted is None:
        return Path(tempfile.mkdtemp(prefix="kagit-demo-")).resolve()
    wanted = wanted.resolve()
    try:
        wanted.mkdir(parents=True, exist_ok=True)
        if any(wanted.iterdir()):
            raise Failed(f"{wanted} is not empty; give a new directory with --dir, or leave it out")
    except OSError as error:
        raise Failed(f"{wanted}: {error.strerror}; give another directory with --dir") from error
    return wanted


def say(text: str = "") -> None:
    print(text, flush=True)


def step(command: Sequence[str], *, cwd: Path, env: Mapping[str, str], quiet: bool = False) -> None:
    """Show a command and run it, its output passed through; Failed with its exit code if it fails."""
    if not quiet:
        say(f"$ {shlex.join(command)}")
    try:
        child = subprocess.Popen(command, cwd=cwd, env=dict(env), stdin=subprocess.DEVNULL)
    except OSError as error:
        raise Failed(
            f"{command[0]}: {error.strerror}; the demo needs git and an installed kagit (make demo)"
        ) from error
    # Ctrl-C reaches the command too, which stops its trials in good order: wait for that.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        code = child.wait()
    finally:
        signal.signal(signal.SIGINT, before)
    if code != 0:
        raise Failed(f"{command[0]} {command[1]} ended with exit code {code}", code)


def scaffold(root: Path, env: Mapping[str, str]) -> tuple[Path, str]:
    """A bare repository and a clone of it, scaffolded, with the two experiments pushed."""
    bare, work = root / "tuning.git", root / "tuning"
    url = bare.as_uri()
    say("# 1. A repository, as any Git server would keep it, and a clone of it")
    step(["git", "init", "--quiet", "--bare", f"--initial-branch={BRANCH}", bare.name], cwd=root, env=env)
    step(["kagit", "init", work.name], cwd=root, env=env)
    step(["git", "init", "--quiet", f"--initial-branch={BRANCH}"], cwd=work, env=env)
    step(["git", "remote", "add", "origin", url], cwd=work, env=env)
    say("\n# 2. Two experiments in it, instead of the scaffold's own")
    for old in ("hello.yaml", "hello.py"):
        (work / "experiments" / old).unlink()
    for file in sorted((HERE / "experiments").iterdir()):
        if file.suffix in {".yaml", ".py"}:
            shutil.copyfile(file, work / "experiments" / file.name)
            say(f"  experiments/{file.name}")
    step(["kagit", "validate", "."], cwd=work, env=env)
    step(["git", "add", "--all"], cwd=work, env=env)
    step(["git", "commit", "--quiet", "--message=Tune the digits and the tumours"], cwd=work, env=env)
    step(["git", "push", "--quiet", "--set-upstream", "origin", BRANCH], cwd=work, env=env)
    return work, url


def show(work: Path, env: Mapping[str, str]) -> None:
    """Pull what kagit has committed and say where it is."""
    say("\n# 4. The reports have been committed and pushed; a pull brings them")
    step(["git", "pull", "--quiet", "--ff-only"], cwd=work, env=env)
    step(["git", "log", "--graph", "--shortstat", "--format=%h (%an) %s"], cwd=work, env=env)
    pages = sorted((work / "reports").rglob("index.html"), key=lambda page: len(page.parts))
    if not pages:
        raise Failed(f"no report has arrived in {work / 'reports'}")
    say("\nreports, to open in a browser:")
    for page in pages:
        say(f"  {page}")
    say("\nand to look further:")
    for line in ("get trials", "describe experiment digits-svm", f'query "{QUERY}"'):
        say(f"  {BIN / 'kagit'} {line} --state {work.parent / 'state'}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dir", metavar="DIR", type=Path, help="an empty directory (default: a new temporary one)")
    options = parser.parse_args()
    began = time.monotonic()
    try:
        root, env = place(options.dir), environment(os.environ)
        say(f"everything happens in {root}, which is kept\n")
        work, url = scaffold(root, env)
        say("\n# 3. kagit sees the push, runs the trials on this machine, and pushes the reports")
        step(["kagit", "reconcile", "--repo", url, "--once", "--state", str(root / "state")], cwd=root, env=env)
        show(work, env)
    except Failed as failed:
        print(f"demo: {failed}", file=sys.stderr)
        return failed.code if failed.code > 0 else 1
    say(f"done in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
