"""An attempt's directory: `output.log`, `scratch/` while it runs (KAGIT_TRIAL_DIR), `artifacts/` afterwards."""

import contextlib
import os
import stat
from collections.abc import Callable
from typing import TypeAlias

MOST_ARTIFACTS = 1000
_BLOCK = 1 << 20

Listing: TypeAlias = tuple[list[tuple[str, int, str]], str]
"""Path, bytes and SHA-256 of each artifact, and a note where some are missing."""


def prepare(directory: str) -> int:
    """Make the directory of a new attempt, its scratch and its output; answers the output's descriptor."""
    os.makedirs(os.path.dirname(directory), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120 - pathlib costs start-up
    os.mkdir(directory, 0o700)  # noqa: PTH102 - see above
    os.mkdir(f"{directory}/scratch", 0o700)  # noqa: PTH102 - see above
    os.mkdir(f"{directory}/scratch/artifacts", 0o700)  # noqa: PTH102 - see above
    return open_output(directory)


def open_output(directory: str) -> int:
    """The output's descriptor, for appending."""
    return os.open(f"{directory}/output.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def is_clean(directory: str) -> bool:
    """Whether the scratch directory held nothing and is gone now."""
    try:
        os.rmdir(f"{directory}/scratch/artifacts")  # noqa: PTH106 - see above
        os.rmdir(f"{directory}/scratch")  # noqa: PTH106 - see above
    except OSError:
        return False
    return True


def tidy(directory: str) -> Listing:
    """Keep and list the artifacts, remove the rest of the scratch directory."""
    scratch, kept = f"{directory}/scratch", f"{directory}/artifacts"
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
