"""A set of files as a value: what a report is before anybody writes it."""

import hashlib
from collections.abc import Iterator, Mapping

from kagit.errors import Refused

_FORBIDDEN = {"", ".", ".."}


def check_path(path: str) -> str:
    """Return `path` if it is relative, normal and harmless to write below a directory; Refused otherwise.

    Refuses `..`, absolute paths, empty parts, back-slashes, control characters and anything that Git could
    take for its own directory (gitops.md section 5, rows 2, 4 and 5).
    """
    for part in path.split("/"):
        short = part.lower().rstrip(". ")
        if part in _FORBIDDEN or "\\" in part or not part.isprintable() or short.split(":")[0] in {".git", "git~1"}:
            msg = f"path {path!r} may not be written: {part!r} is not a plain file name"
            raise Refused(msg)
    return path


class FileTree(Mapping[str, bytes]):
    """Immutable mapping of checked relative paths to bytes, iterated in sorted order."""

    __slots__ = ("_files",)

    def __init__(self, files: Mapping[str, bytes] | None = None) -> None:
        """Take the files; Refused if a path could leave the directory it is written to."""
        self._files = {check_path(path): data for path, data in sorted((files or {}).items())}

    def __getitem__(self, path: str) -> bytes:
        """Bytes of one file."""
        return self._files[path]

    def __iter__(self) -> Iterator[str]:
        """Paths in sorted order."""
        return iter(self._files)

    def __len__(self) -> int:
        """Count of files."""
        return len(self._files)

    def __repr__(self) -> str:
        """Count and digest; never the content."""
        return f"FileTree({len(self)} files, {self.digest()[:12]})"

    def under(self, folder: str) -> "FileTree":
        """The same files moved below `folder`."""
        return FileTree({f"{folder}/{path}": data for path, data in self._files.items()})

    def __or__(self, other: "FileTree") -> "FileTree":
        """Both trees together; `other` wins where a path is in both."""
        return FileTree({**self._files, **other._files})

    def digest(self) -> str:
        """SHA-256 in hex over all paths and bytes."""
        total = hashlib.sha256()
        for path, data in self._files.items():
            total.update(f"{len(path.encode())} {path} {len(data)}\n".encode())
            total.update(data)
        return total.hexdigest()
