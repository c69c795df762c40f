"""The bare mirror in the state directory: made, checked, cleaned after a crash, made anew when it is damaged."""

import re
import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from kagit.errors import Refused, Unavailable
from reconciler.adapters.git_command import GitCommand

_OLDEST = (2, 31)
_VERSION = re.compile(r"(\d+)\.(\d+)")
_LEFTOVERS = ("**/*.lock", "objects/**/tmp_*", "objects/**/.tmp-*", "fast_import_crash_*")


def prepare(git: GitCommand) -> None:
    """A mirror that works: left-overs of killed commands are removed, a damaged one is made anew (it is only a copy).

    The caller holds the state directory's lock: no other git works on the mirror.
    """
    mirror = git.directory
    try:
        mirror.parent.mkdir(parents=True, exist_ok=True)
        _check_version(git)
        if mirror.exists():
            clean(mirror)
        if not _works(git):
            renew(git)
    except OSError as error:
        raise Unavailable(f"{mirror}: the mirror cannot be written: {error.strerror or error}") from error


def clean(mirror: Path) -> None:
    """Remove locks and half-written files of commands that were killed."""
    for pattern in _LEFTOVERS:
        for old in list(mirror.glob(pattern)):
            if old.is_dir() and not old.is_symlink():
                shutil.rmtree(old, ignore_errors=True)
            else:
                old.unlink(missing_ok=True)


def renew(git: GitCommand) -> None:
    """Throw the mirror away and make an empty one."""
    mirror = git.directory
    try:
        if mirror.is_dir() and not mirror.is_symlink():
            shutil.rmtree(mirror)
        else:
            mirror.unlink(missing_ok=True)
        mirror.mkdir(mode=0o700)
    except OSError as error:
        raise Unavailable(f"{mirror}: the mirror cannot be made anew: {error.strerror or error}") from error
    done = git.run("init", "--quiet", "--bare", "--initial-branch=kagit")
    if done.status != 0:
        raise Unavailable(f"{mirror}: the mirror cannot be made: {done.err}")


def arriving(mirror: Path) -> int:
    """Bytes of packs that are being received now."""
    total = 0
    for path in mirror.glob("objects/pack/tmp_pack_*"):
        with suppress(FileNotFoundError):  # it has just been given its name
            total += path.stat().st_size
    return total


def tidy(git: GitCommand) -> None:
    """Pack what has piled up, if it is much; whatever goes wrong with it can wait."""
    often = replace(git, settings={"gc.auto": "5000", "gc.autoDetach": "false"})
    with suppress(Unavailable):
        often.run("gc", "--auto", "--quiet", timeout=900)


def is_damaged(git: GitCommand) -> bool:
    """Whether objects that the mirror's refs need are missing or unreadable; slow, so only asked after a failure."""
    done = git.run("fsck", "--no-dangling", "--no-progress", "--connectivity-only", timeout=600)
    return done.status != 0 or not _works(git)


def _check_version(git: GitCommand) -> None:
    said = git.run("version").out.decode("utf-8", "replace")
    found = _VERSION.search(said)
    if found is None or (int(found[1]), int(found[2])) < _OLDEST:
        # Older ones know no GIT_CONFIG_COUNT: every precaution would be silently dropped.
        raise Refused(f"{said.strip() or 'git'}: at least git {_OLDEST[0]}.{_OLDEST[1]} is needed; install a newer one")


def _works(git: GitCommand) -> bool:
    if not (git.directory / "HEAD").is_file():
        return False
    bare = git.run("rev-parse", "--is-bare-repository")
    if bare.status != 0 or bare.out.strip() != b"true":
        return False
    refs = git.run("for-each-ref", "--format=%(objectname) %(tree)")
    return refs.status == 0
