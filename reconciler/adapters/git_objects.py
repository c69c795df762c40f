"""Reads trees and blobs out of a bare repository, within limits, so that no repository can fill the memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from kagit.errors import Broken, NotFound, Refused
from reconciler.adapters.git_command import GitCommand
from reconciler.adapters.git_names import check_id

SUBMODULE = "160000"
_BATCH = 16 << 20


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much is taken from a repository: counts, bytes and folder levels (gitops.md section 5, rows 23 and 24)."""

    files: int = 10_000
    file_bytes: int = 1 << 20
    total_bytes: int = 64 << 20
    depth: int = 32
    export_files: int = 200_000
    export_bytes: int = 2 << 30
    transfer_bytes: int = 4 << 30


class Entry(NamedTuple):
    """One line of a recursive tree listing; the path is as Git stores it."""

    path: bytes
    mode: str
    id: str
    size: int


def resolve(git: GitCommand, name: str) -> str:
    """Object id of a checked revision expression; empty where there is none."""
    done = git.run("rev-parse", "--verify", "--quiet", "--end-of-options", name)
    return done.out.decode().strip() if done.status == 0 else ""


def entries(git: GitCommand, commit: str, path: str = "") -> list[Entry]:
    """Files below `path` at a commit (or the file itself), in Git's order."""
    wanted = ["--", path] if path else []
    done = git.run("ls-tree", "-r", "-l", "-z", "--full-tree", check_id(commit), *wanted)
    if done.status != 0:
        raise NotFound(f"commit {commit[:12]} cannot be listed: {done.err}")
    return [_entry(line) for line in done.out.split(b"\0") if line]


def _entry(line: bytes) -> Entry:
    head, _, path = line.partition(b"\t")
    mode, _, oid, size = head.decode().split()
    return Entry(path, mode, oid, 0 if size == "-" else int(size))


def sizes(git: GitCommand, ids: Sequence[str]) -> list[int]:
    """Sizes of blobs in bytes, in order; NotFound names the first that is missing."""
    text = "".join(f"{check_id(oid)}\n" for oid in ids)
    done = git.run("cat-file", "--batch-check", "--buffer", stdin=text.encode())
    lines = done.out.decode().splitlines()
    if done.status != 0 or len(lines) != len(ids):
        raise NotFound(f"blobs cannot be read: {done.err or 'the answer is short'}")
    found: list[int] = []
    for oid, line in zip(ids, lines, strict=True):
        words = line.split()
        if len(words) != 3 or words[1] != "blob":  # noqa: PLR2004 - id, type and size
            raise NotFound(f"{oid} is not a blob in the mirror")
        found.append(int(words[2]))
    return found


def contents(git: GitCommand, ids: Sequence[str]) -> dict[str, bytes]:
    """Bytes of blobs by id, all in memory at once: the caller has checked their sizes."""
    text = "".join(f"{check_id(oid)}\n" for oid in ids)
    done = git.run("cat-file", "--batch", "--buffer", stdin=text.encode())
    if done.status != 0:
        raise NotFound(f"blobs cannot be read: {done.err}")
    found: dict[str, bytes] = {}
    at = 0
    for oid in ids:
        end = done.out.find(b"\n", at)
        words = done.out[at:end].split()
        if end < 0 or len(words) != 3:  # noqa: PLR2004 - id, type and size
            raise NotFound(f"{oid} is not in the mirror")
        at = end + 1
        size = int(words[2])
        if words[0].decode() != oid or words[1] != b"blob" or at + size > len(done.out):
            raise Broken(f"git cat-file answered {words[0]!r} for {oid}")
        found[oid] = done.out[at : at + size]
        at += size + 1
    return found


def in_batches(git: GitCommand, listed: Sequence[Entry]) -> Iterator[tuple[Entry, bytes]]:
    """Entries with their bytes, read a few megabytes at a time."""
    batch: list[Entry] = []
    waiting = 0
    for entry in listed:
        batch.append(entry)
        waiting += entry.size
        if waiting >= _BATCH:
            yield from _filled(git, batch)
            batch, waiting = [], 0
    yield from _filled(git, batch)


def _filled(git: GitCommand, batch: Sequence[Entry]) -> Iterator[tuple[Entry, bytes]]:
    if batch:
        data = contents(git, list(dict.fromkeys(entry.id for entry in batch)))
        yield from ((entry, data[entry.id]) for entry in batch)


def check_listing(count: int, deepest: int, limits: Limits, what: str) -> None:
    """Refused where a listing has more files or folder levels than allowed."""
    if count > limits.files:
        raise Refused(f"{what}: {count} files, at most {limits.files} are read; move what is not a manifest elsewhere")
    if deepest > limits.depth:
        raise Refused(f"{what}: folders {deepest} levels deep, at most {limits.depth} are read; flatten them")


def check_sizes(ids: Sequence[str], found: Sequence[int], limits: Limits) -> None:
    """Refused where one blob or all of them together are larger than allowed."""
    for oid, size in zip(ids, found, strict=True):
        if size > limits.file_bytes:
            raise Refused(f"blob {oid[:12]}: {size} bytes, at most {limits.file_bytes} are read; split the file")
    if sum(found) > limits.total_bytes:
        raise Refused(f"{sum(found)} bytes asked for at once, at most {limits.total_bytes} are read; split the folder")
