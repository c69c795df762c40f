"""A Git remote and its clients in memory, with Git's own object ids: the double for simulations."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from kagit.errors import Conflict, NotFound, Refused
from kagit.filetree import FileTree, check_path
from reconciler.adapters.git_export import write_export
from reconciler.adapters.git_names import check_id, check_person, full_ref
from reconciler.ports import Blob, Tree

AUTHOR = ("kagit", "kagit@localhost")
_SUBMODULE = "160000"
_EXECUTABLE = "100755"


class Node(NamedTuple):
    """A file in a commit."""

    mode: str
    id: str


class Commit(NamedTuple):
    """A commit with all its files; `subject` is the message as given."""

    parent: str
    files: Mapping[str, Node]
    message: str
    time: int


@dataclass
class Remote:
    """What all clients of one repository share; it outlives their crashes."""

    refs: dict[str, str] = field(default_factory=dict[str, str])
    commits: dict[str, Commit] = field(default_factory=dict[str, Commit])
    blobs: dict[str, bytes] = field(default_factory=dict[str, bytes])

    def add_blob(self, data: bytes) -> str:
        """Keep the bytes; answers their id."""
        oid = _id("blob", data)
        self.blobs[oid] = data
        return oid

    def add_commit(self, commit: Commit, author: tuple[str, str] = AUTHOR) -> str:
        """Keep the commit; answers its id, which depends on nothing but what is in it."""
        name, address = author
        person = f"{name} <{address}> {commit.time} +0000"
        parent = f"parent {commit.parent}\n" if commit.parent else ""
        text = f"tree {tree_id(commit.files)}\n{parent}author {person}\ncommitter {person}\n\n{commit.message}"
        oid = _id("commit", text.encode())
        self.commits[oid] = commit
        return oid


class RepoMemory:
    """The Repo port on a `Remote` in memory. Subclass it to inject faults."""

    def __init__(self, remote: Remote | None = None, *, author: tuple[str, str] = AUTHOR) -> None:
        self.remote = remote if remote is not None else Remote()
        self._author = check_person(author)

    def fetch(self, branch: str) -> str:
        """Commit id of the branch on the remote now; empty where the branch does not exist."""
        return self.remote.refs.get(full_ref(branch), "")

    def tree(self, commit: str, path: str = "") -> Tree:
        """Files below `path` at a commit (or the file of that name), sorted by path."""
        wanted = check_path(path) if path else ""
        files = self._commit(commit).files
        if wanted in files:
            return Tree(files[wanted].id, (self._blob(wanted, files[wanted]),))
        below = {name: node for name, node in files.items() if _is_below(name, wanted)}
        if wanted and not below:
            return Tree("", ())
        cut = len(wanted) + 1 if wanted else 0
        oid = tree_id({name[cut:]: node for name, node in below.items()})
        return Tree(oid, tuple(self._blob(name, below[name]) for name in sorted(below)))

    def read(self, ids: Sequence[str]) -> Mapping[str, bytes]:
        """Contents of blobs by id."""
        missing = next((oid for oid in ids if check_id(oid) not in self.remote.blobs), "")
        if missing:
            raise NotFound(f"{missing} is not a blob here")
        return {oid: self.remote.blobs[oid] for oid in ids}

    def export(self, commit: str, directory: Path) -> None:
        """Write all files of a commit below an empty or new directory; one that has files is taken for done."""
        files = sorted(self._commit(commit).files.items())
        real = ((path, node) for path, node in files if node.mode != _SUBMODULE)
        write_export(directory, ((path, node.mode, self.remote.blobs[node.id]) for path, node in real))

    def commit(self, *, parent: str, files: FileTree, replace: Sequence[str], message: str, time: int) -> str:
        """New commit on `parent` ("" for a first one); the same input gives the same id, no change gives `parent`."""
        _check(files, replace, message, time)
        before: Mapping[str, Node] = self._commit(parent).files if parent else dict[str, Node]()
        after = {path: node for path, node in before.items() if not any(_is_below(path, r) for r in replace)}
        for path, data in files.items():
            old = after.get(path)
            mode = _EXECUTABLE if old is not None and old.mode == _EXECUTABLE else "100644"
            after = {p: n for p, n in after.items() if not _in_the_way(p, path)} if old is None else after
            after[path] = Node(mode, self.remote.add_blob(data))
        if after == before:
            return parent
        made = Commit(parent, after, message.rstrip("\n") + "\n", time)
        return self.remote.add_commit(made, self._author)

    def push(self, *, branch: str, commit: str, expected: str) -> None:
        """Move the remote branch from `expected` ("" for: must not exist) to a descendant; Conflict if it moved."""
        ref = full_ref(branch)
        self._commit(commit)
        if expected and not self._continues(commit, check_id(expected)):
            raise Refused(f"{commit[:12]} does not continue {expected[:12]}; history is never rewritten")
        if self.remote.refs.get(ref, "") != expected:
            raise Conflict(f"branch {branch} has moved meanwhile; look again")
        self.remote.refs[ref] = commit

    def _continues(self, commit: str, ancestor: str) -> bool:
        while commit and commit != ancestor:
            commit = self._commit(commit).parent
        return commit == ancestor

    def _commit(self, commit: str) -> Commit:
        found = self.remote.commits.get(check_id(commit))
        if found is None:
            raise NotFound(f"commit {commit[:12]} is not here; fetch its branch first")
        return found

    def _blob(self, path: str, node: Node) -> Blob:
        return Blob(path, node.mode, node.id, len(self.remote.blobs.get(node.id, b"")))


def _check(files: FileTree, replace: Sequence[str], message: str, time: int) -> None:
    for folder in replace:
        if folder:
            check_path(folder)
    for path in files:
        if any(_is_below(other, path) and other != path for other in files):
            raise Refused(f"{path} is to be written both as a file and as a folder; rename one of them")
    if "\0" in message or time < 0:
        raise Refused("a commit's message may not hold NUL and its time may not be before 1970")


def _is_below(path: str, folder: str) -> bool:
    return not folder or path == folder or path.startswith(f"{folder}/")


def _in_the_way(old: str, new: str) -> bool:
    return old.startswith(f"{new}/") or new.startswith(f"{old}/")


def tree_id(files: Mapping[str, Node]) -> str:
    """Git's id of a tree with these files."""
    folders: dict[str, dict[str, Node]] = {}
    lines: list[tuple[bytes, bytes]] = []
    for path, node in files.items():
        head, _, rest = path.partition("/")
        if rest:
            folders.setdefault(head, {})[rest] = node
        else:
            lines.append((head.encode(), f"{node.mode} {head}\0".encode() + bytes.fromhex(node.id)))
    for name, below in folders.items():
        lines.append((f"{name}/".encode(), f"40000 {name}\0".encode() + bytes.fromhex(tree_id(below))))
    return _id("tree", b"".join(line for _, line in sorted(lines)))


def _id(kind: str, data: bytes) -> str:
    return hashlib.sha1(f"{kind} {len(data)}\0".encode() + data, usedforsecurity=False).hexdigest()
