"""Bare repositories to measure on, made and moved by plain git."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "LC_ALL": "C",
}


def git(repo: Path, *arguments: str, data: bytes = b"") -> bytes:
    """What a git command prints."""
    command = ["git", "--git-dir", str(repo), *arguments]
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, env=ENVIRONMENT, check=True).stdout


def made(directory: Path, files: Mapping[str, str]) -> Path:
    """A bare repository with one commit on `main` that holds these files."""
    repo = directory / "repo.git"
    git(repo, "init", "--quiet", "--bare", "--initial-branch=main")
    move(repo, files, message="experiments")
    return repo


def move(repo: Path, files: Mapping[str, str], *, message: str) -> None:
    """One more commit on `main` that writes these files."""
    tip = git(repo, "for-each-ref", "refs/heads/main")
    lines = [
        b"commit refs/heads/main\n",
        b"committer Somebody <somebody@example.com> 1700000000 +0000\n",
        _data(message),
        b"from refs/heads/main^0\n" if tip else b"",
    ]
    for path, content in files.items():
        lines += [f"M 100644 inline {path}\n".encode(), _data(content)]
    git(repo, "fast-import", "--quiet", data=b"".join(lines) + b"\n")


def size(repo: Path, path: str) -> int:
    """Bytes of the files below a path on `main`."""
    rows = git(repo, "ls-tree", "-r", "-l", "main", "--", path).decode().splitlines()
    return sum(int(row.split()[3]) for row in rows)


def _data(text: str) -> bytes:
    content = text.encode()
    return b"data %d\n%s\n" % (len(content), content)
