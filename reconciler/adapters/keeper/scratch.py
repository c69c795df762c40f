"""Files of attempts: `trials/NAMESPACE/NAME.log`, `.artifacts` beside it, and scratch directories while they run.

Making and removing directories costs more than running a short trial, so a scratch directory that was left as it was
found is used again.
"""

import contextlib
import os
import stat
from collections.abc import Callable
from typing import TypeAlias

MOST_ARTIFACTS = 1000
_BLOCK = 1 << 20
_PRIVATE = stat.S_IFDIR | 0o700

Listing: TypeAlias = tuple[list[tuple[str, int, str]], str]
"""Path, bytes and SHA-256 of each artifact, and a note where some are missing."""


class Scratches:
    """The scratch directories below one directory; each belongs to one attempt at a time."""

    def __init__(self, top: str, used: set[str]) -> None:
        """Remove what an earlier keeper left, but for those in use."""
        os.makedirs(top, mode=0o700, exist_ok=True)  # noqa: PTH103 - pathlib costs start-up time
        self._top = top
        self._free: list[str] = []
        found = os.listdir(top)  # noqa: PTH208 - see above
        self._next = max((int(name) for name in found if name.isdecimal()), default=0) + 1
        for name in found:
            if f"{top}/{name}" not in used:
                remove(f"{top}/{name}")

    def take(self) -> str:
        """An empty scratch directory, with an empty `artifacts` in it."""
        if self._free:
            return self._free.pop()
        path = f"{self._top}/{self._next}"
        self._next += 1
        os.mkdir(path, 0o700)  # noqa: PTH102 - see above
        os.mkdir(f"{path}/artifacts", 0o700)  # noqa: PTH102 - see above
        return path

    def give_back(self, path: str) -> bool:
        """Whether the directory is as it was handed out and may be used again; otherwise it is not taken back."""
        try:
            clean = (
                os.listdir(path) == ["artifacts"]  # noqa: PTH208 - see above
                and os.lstat(path).st_mode == _PRIVATE == os.lstat(f"{path}/artifacts").st_mode
                and not os.listdir(f"{path}/artifacts")  # noqa: PTH208 - see above
            )
        except OSError:
            return False
        if clean:
            self._free.append(path)
        return clean

    def clear(self) -> None:
        """Remove the directories that are free."""
        for path in self._free:
            remove(path)
        self._free.clear()


def create_output(place: str) -> int:
    """The descriptor of a new attempt's output, for appending; FileExistsError where there was one before."""
    path = f"{place}.log"
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
    try:
        return os.open(path, flags, 0o600)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(place), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120 - see above
        return os.open(path, flags, 0o600)


def open_output(place: str) -> int:
    """The descriptor of an attempt's output, for appending."""
    return os.open(f"{place}.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def tidy(scratch: str, place: str) -> Listing:
    """Keep and list the artifacts, remove the rest of the scratch directory."""
    kept = f"{place}.artifacts"
    with contextlib.suppress(OSError):
        if stat.S_ISDIR(os.lstat(f"{scratch}/artifacts").st_mode) and os.listdir(f"{scratch}/artifacts"):  # noqa: PTH208
            os.rename(f"{scratch}/artifacts", kept)  # noqa: PTH104 - see above
    remove(scratch)
    return listing(kept) if os.path.isdir(kept) else ([], "")  # noqa: PTH112 - see above


def _walk(top: str, on_file: Callable[[str], None]) -> list[str]:
    """Visit all that is no directory below `top`, following no link; answers the directories, parents first."""
    folders = [top]
    for folder in folders:
        try:
            found = sorted(os.scandir(folder), key=lambda item: item.name)
        except OSError:
            continue
        for item in found:
            if item.is_dir(follow_symlinks=False):
                folders.append(item.path)
            else:
                on_file(item.path)
    return folders


def remove(top: str) -> None:
    """Delete a tree as far as permissions allow."""

    def unlink(path: str) -> None:
        with contextlib.suppress(OSError):
            os.unlink(path)  # noqa: PTH108 - see above

    for folder in reversed(_walk(top, unlink)):
        with contextlib.suppress(OSError):
            os.rmdir(folder)  # noqa: PTH106 - see above


def listing(top: str) -> Listing:
    """Every regular file below `top`, up to a bound, sorted by path."""
    paths: list[str] = []
    _walk(top, paths.append)
    artifacts: list[tuple[str, int, str]] = []
    for path in sorted(paths):
        if len(artifacts) == MOST_ARTIFACTS:
            return artifacts, f"only the first {MOST_ARTIFACTS:,} of up to {len(paths):,} artifacts are listed"
        with contextlib.suppress(OSError):
            if stat.S_ISREG(os.lstat(path).st_mode):
                shown = os.fsencode(path[len(top) + 1 :]).decode("utf-8", "replace")
                artifacts.append((shown, *_digest(path)))
    return artifacts, ""


def _digest(path: str) -> tuple[int, str]:
    import hashlib  # loads OpenSSL, so only where there is an artifact

    total, size = hashlib.sha256(), 0
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        while block := os.read(descriptor, _BLOCK):
            total.update(block)
            size += len(block)
    finally:
        os.close(descriptor)
    return size, total.hexdigest()
