"""The Repo port on Git: a bare mirror, no work tree, plumbing only."""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from kagit.errors import NotFound, Refused, Unavailable
from kagit.filetree import FileTree, check_path
from reconciler.adapters import git_mirror
from reconciler.adapters.git_command import GitCommand
from reconciler.adapters.git_export import write_export
from reconciler.adapters.git_names import PROTOCOLS, check_id, check_person, full_ref, parse_remote
from reconciler.adapters.git_objects import (
    SUBMODULE,
    Limits,
    check_listing,
    check_sizes,
    contents,
    entries,
    in_batches,
    resolve,
    sizes,
)
from reconciler.adapters.git_push import push, way_out
from reconciler.adapters.git_state import state_of
from reconciler.adapters.git_write import Draft, write_commit
from reconciler.ports import Blob, Tree

__all__ = ["AUTHOR", "GitRepo", "Limits", "state_of"]

AUTHOR = ("kagit", "kagit@localhost")
_SEEN = "refs/kagit/seen/"
_TREES_KEPT = 4
_T = TypeVar("_T")


class GitRepo:
    """A remote repository, read and written through a mirror of its own; one process at a time per mirror."""

    def __init__(
        self,
        url: str,
        mirror: Path,
        *,
        allow_protocols: Collection[str] = PROTOCOLS,
        credential_helper: str = "",
        author: tuple[str, str] = AUTHOR,
        limits: Limits | None = None,
        timeout: float = 120.0,
        transfer_timeout: float = 900.0,
    ) -> None:
        self._remote = parse_remote(url, protocols=allow_protocols, keep_user=bool(credential_helper))
        self._git = GitCommand(
            directory=mirror.absolute(), remote=self._remote, credential_helper=credential_helper, timeout=timeout
        )
        self._author = check_person(author)
        self._limits = limits or Limits()
        self._transfer_timeout = transfer_timeout
        self._trees: dict[tuple[str, str], Tree] = {}
        self._ready = False

    @property
    def shown(self) -> str:
        """The remote's address without credentials."""
        return self._remote.shown

    @property
    def local(self) -> Path | None:
        """The remote's directory, if it is on this machine."""
        return self._remote.local

    def default_branch(self) -> str:
        """Name of the branch that the remote's HEAD points to; empty where it does not say."""
        done = self._ask_remote("ls-remote", "--symref", "--end-of-options", self._remote.address, "HEAD")
        first = done.split(b"\n")[0].decode("utf-8", "replace").split("\t")[0]
        return first.removeprefix("ref: refs/heads/") if first.startswith("ref: refs/heads/") else ""

    def fetch(self, branch: str) -> str:
        """Commit id of the branch (or refs/tags/…) on the remote now, its objects fetched; empty if there is none."""
        ref = full_ref(branch)
        answer = self._ask_remote("ls-remote", "--end-of-options", self._remote.address, ref)
        lines = [line.split(b"\t") for line in answer.splitlines()]
        tip = next((words[0].decode() for words in lines if words[-1] == ref.encode()), "")
        if not tip:
            return ""
        seen = _SEEN + ref.removeprefix("refs/")
        # Only a ref proves that all objects arrived; that the commit itself is there does not.
        if resolve(self._git, seen) != check_id(tip):
            self._transfer(ref, seen)
        commit = resolve(self._git, f"{seen}^{{commit}}")
        if not commit:
            raise self._lost(f"{branch} could not be read after it was fetched")
        return commit

    def tree(self, commit: str, path: str = "") -> Tree:
        """Files below `path` at a commit (or the file of that name), sorted by path; Refused beyond the limits."""
        wanted = check_path(path) if path else ""
        known = self._trees.get((commit, wanted))
        if known is not None:
            return known
        self._prepare()
        root = resolve(self._git, f"{check_id(commit)}^{{tree}}")
        if not root:
            raise self._lost(f"commit {commit[:12]} is not in the mirror; fetch its branch first")
        tree_id = resolve(self._git, f"{commit}:{wanted}") if wanted else root
        if not tree_id:
            return Tree("", ())
        listed = self._reading(lambda: entries(self._git, commit, wanted))
        deepest = max((entry.path.count(b"/") for entry in listed), default=0)
        check_listing(len(listed), deepest, self._limits, f"{self.shown} {path or 'all files'}")
        blobs = [Blob(e.path.decode("utf-8", "backslashreplace"), e.mode, e.id, e.size) for e in listed]
        found = Tree(tree_id, tuple(sorted(blobs, key=lambda blob: blob.path)))
        while len(self._trees) >= _TREES_KEPT:
            self._trees.pop(next(iter(self._trees)))
        self._trees[commit, wanted] = found
        return found

    def read(self, ids: Sequence[str]) -> Mapping[str, bytes]:
        """Contents of blobs by id; Refused beyond the limits."""
        unique = list(dict.fromkeys(ids))
        if not unique:
            return {}
        self._prepare()
        check_sizes(unique, self._reading(lambda: sizes(self._git, unique)), self._limits)
        return self._reading(lambda: contents(self._git, unique))

    def export(self, commit: str, directory: Path) -> None:
        """Write all files of a commit below an empty or new directory; one that has files is taken for done."""
        if directory.exists() and any(directory.iterdir()):
            return
        self._prepare()
        listed = [e for e in self._reading(lambda: entries(self._git, commit)) if e.mode != SUBMODULE]
        total = sum(entry.size for entry in listed)
        if len(listed) > self._limits.export_files or total > self._limits.export_bytes:
            most = f"at most {self._limits.export_files} files and {self._limits.export_bytes} bytes are exported"
            what = f"commit {commit[:12]}: {len(listed)} files, {total} bytes"
            raise Refused(f"{what}; {most} for trials; keep data outside of the repository")
        filled = in_batches(self._git, listed)
        write_export(directory, ((e.path.decode("utf-8", "surrogateescape"), e.mode, data) for e, data in filled))

    def commit(self, *, parent: str, files: FileTree, replace: Sequence[str], message: str, time: int) -> str:
        """New commit on `parent` ("" for a first one); the same input gives the same id, no change gives `parent`."""
        draft = Draft(
            parent=parent, files=files, replace=tuple(replace), message=message, author=self._author, time=time
        )
        self._prepare()
        return self._reading(lambda: write_commit(self._git, draft))

    def push(self, *, branch: str, commit: str, expected: str) -> None:
        """Move the remote branch from `expected` ("" for: must not exist) to a descendant; Conflict if it moved."""
        ref = full_ref(branch)
        self._prepare()
        push(self._git, ref=ref, commit=check_id(commit), expected=check_id(expected) if expected else "")
        self._git.run("update-ref", _SEEN + ref.removeprefix("refs/"), commit)
        git_mirror.tidy(self._git)

    def _prepare(self) -> None:
        if not self._ready:
            git_mirror.prepare(self._git)
            self._ready = True

    def _ask_remote(self, *arguments: str) -> bytes:
        self._prepare()
        done = self._git.run(*arguments)
        if done.status != 0:
            raise Unavailable(f"{self.shown} cannot be read: {way_out(done.err)}")
        return done.out

    def _transfer(self, ref: str, seen: str) -> None:
        refspec = f"+{ref}:{seen}"
        options = ("--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--no-auto-maintenance")
        command = ("fetch", *options, "--end-of-options", self._remote.address, refspec)
        try:
            done = self._git.run(*command, timeout=self._transfer_timeout, too_much=self._too_much)
        except BaseException:
            git_mirror.clean(self._git.directory)
            raise
        if done.status != 0:
            if git_mirror.is_damaged(self._git):
                git_mirror.renew(self._git)
            raise Unavailable(f"{self.shown} cannot be fetched: {way_out(done.err)}")
        git_mirror.tidy(self._git)

    def _too_much(self) -> str:
        most = self._limits.transfer_bytes
        if git_mirror.arriving(self._git.directory) <= most:
            return ""
        return f"{self.shown}: more than {most} bytes to fetch; keep data outside of the repository"

    def _reading(self, deed: Callable[[], _T]) -> _T:
        try:
            return deed()
        except NotFound as error:
            raise self._lost(str(error)) from error

    def _lost(self, message: str) -> Unavailable | NotFound:
        """What to raise when something is not there: a damaged mirror is made anew, otherwise it never was there."""
        if git_mirror.is_damaged(self._git):
            git_mirror.renew(self._git)
            return Unavailable(f"the mirror of {self.shown} was damaged and has been made anew; look again")
        return NotFound(message)
