"""Makes commits without an index or a work tree: one `git fast-import` that touches only the folders that change."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kagit.errors import NotFound, Refused, Unavailable
from kagit.filetree import FileTree, check_path
from reconciler.adapters.git_command import GitCommand
from reconciler.adapters.git_names import check_id
from reconciler.adapters.git_objects import resolve

_REF = "refs/kagit/made"
_EXECUTABLE = "100755"


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A commit before it exists. Checked: paths, no file that is also a folder, message and time."""

    parent: str
    files: FileTree
    replace: tuple[str, ...]
    message: str
    author: tuple[str, str]
    time: int

    def __post_init__(self) -> None:
        """Refused where Git could not hold it."""
        if self.parent:
            check_id(self.parent)
        for folder in self.replace:
            if folder:
                check_path(folder)
        for path in self.files:
            parts = path.split("/")
            inside = next((p for n in range(1, len(parts)) if (p := "/".join(parts[:n])) in self.files), "")
            if inside:
                raise Refused(f"{inside} is to be written both as a file and as a folder; rename one of them")
        if "\0" in self.message or self.time < 0:
            raise Refused("a commit's message may not hold NUL and its time may not be before 1970")


def write_commit(git: GitCommand, draft: Draft) -> str:
    """Id of the new commit; the parent's where nothing changes ("" where an empty first commit was asked for)."""
    if draft.parent and not resolve(git, f"{draft.parent}^{{commit}}"):
        raise NotFound(f"commit {draft.parent[:12]} is not in the mirror; fetch its branch first")
    if not draft.parent and not draft.files:
        return ""
    stream = b"".join(_stream(draft, _executables(git, draft)))
    done = git.run("fast-import", "--quiet", "--force", "--done", "--date-format=raw", stdin=stream)
    made = done.out.decode().strip()
    if done.status != 0 or not made:
        raise Unavailable(f"the commit could not be written: {done.err}")
    if draft.parent and resolve(git, f"{made}^{{tree}}") == resolve(git, f"{draft.parent}^{{tree}}"):
        return draft.parent
    return made


def is_below(path: str, folders: Sequence[str]) -> bool:
    """Whether a path lies in one of the folders ("" is the root)."""
    return any(not folder or path == folder or path.startswith(f"{folder}/") for folder in folders)


def _executables(git: GitCommand, draft: Draft) -> set[str]:
    """Which files that are written over are executable now, and therefore stay so."""
    kept = [path for path in draft.files if not is_below(path, draft.replace)]
    if not draft.parent or not kept:
        return set()
    done = git.run("ls-tree", "-z", "--full-tree", draft.parent, "--", *kept)
    lines = [line.partition(b"\t") for line in done.out.split(b"\0") if line]
    return {path.decode("utf-8", "replace") for head, _, path in lines if head.startswith(_EXECUTABLE.encode())}


def _stream(draft: Draft, executables: set[str]) -> Iterator[bytes]:
    name, address = draft.author
    person = f"{name} <{address}> {draft.time} +0000\n"
    message = draft.message.rstrip("\n").encode() + b"\n"
    yield f"reset {_REF}\n\ncommit {_REF}\nmark :1\nauthor {person}committer {person}data {len(message)}\n".encode()
    yield message + b"\n"
    if draft.parent:
        yield f"from {draft.parent}\n".encode()
    for folder in draft.replace if draft.parent else ():
        yield f"D {_quoted(folder)}\n".encode() if folder else b"deleteall\n"
    for path, data in draft.files.items():
        mode = _EXECUTABLE if path in executables else "100644"
        yield f"M {mode} inline {_quoted(path)}\ndata {len(data)}\n".encode()
        yield data
        yield b"\n"
    yield b"\nget-mark :1\ndone\n"


def _quoted(path: str) -> str:
    plain = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{plain}"'
