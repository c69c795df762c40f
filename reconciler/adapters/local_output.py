"""What attempts printed: reading it by offset, and giving back the disk of what was read long ago."""

import contextlib
import ctypes
import errno
import os
import stat
import sys
from pathlib import Path

from kagit.errors import Unavailable
from reconciler.ports import Output

METRICS = ".metrics"
"""Ending of the directory, beside an attempt's output, in which it leaves what its metrics collector reads."""
_MOST_FILES = 1000
_NO_FILE = frozenset({errno.ELOOP, errno.ENOTDIR, errno.ENXIO, errno.EACCES})
"""What a trial may have put where a file should be: links, sockets, what nobody may read; nobody waits for them."""
_KEEP_SIZE, _PUNCH_HOLE = 1, 2
_BLOCK = 1 << 20


class Outputs:
    """Reads output files. Of a file larger than `keep`, what lies further than that behind its reader is freed."""

    def __init__(self, keep: int) -> None:
        """`keep` in bytes."""
        self._keep = keep
        self._read: dict[str, tuple[int, int]] = {}
        self._freed_to: dict[str, int] = {}

    def read(self, path: Path, start: int, limit: int, *, free: bool) -> Output:
        """Up to `limit` bytes from `start` on, or from the oldest kept byte; nothing where there is no file yet."""
        try:
            descriptor = os.open(path, (os.O_RDWR if free else os.O_RDONLY) | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return Output(b"", start, start)
        except OSError as error:
            if error.errno in _NO_FILE:
                return Output(b"", start, start)
            raise Unavailable(f"output {path} cannot be read: {error.strerror}") from error
        try:
            piece = self._piece(descriptor, start, limit)
            if free and piece.end > self._keep:
                self._free(descriptor, str(path), piece)
        except OSError as error:
            raise Unavailable(f"output {path} cannot be read: {error.strerror}") from error
        finally:
            os.close(descriptor)
        return piece

    def forget(self, path: Path) -> None:
        """Nobody will read on."""
        self._read.pop(str(path), None)
        self._freed_to.pop(str(path), None)

    def _piece(self, descriptor: int, start: int, limit: int) -> Output:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            return Output(b"", start, start)
        size = found.st_size
        start = min(start, size)
        if size > self._keep:
            start = max(start, min(_oldest(descriptor), size))
        data = os.pread(descriptor, limit, start)
        return Output(data, start, start + len(data))

    def _free(self, descriptor: int, path: str, piece: Output) -> None:
        # Only what was read without a gap counts, and enough of it: who looks at the tail has not read the rest.
        first, last = self._read.get(path, (piece.start, piece.start))
        if piece.start < first or piece.start == last:
            first, last = min(first, piece.start), piece.end
        self._read[path] = first, last
        free_to = (last - self._keep) // _BLOCK * _BLOCK
        if first <= free_to and free_to - self._freed_to.get(path, 0) >= min(self._keep, 16 * _BLOCK):
            self._freed_to[path] = free_to
            _punch(descriptor, free_to)


def listed(directory: Path) -> list[str]:
    """Sorted paths, relative to a directory, of the regular files below it, up to a bound; links are not followed."""
    found: list[str] = []
    for base, folders, names in os.walk(directory):
        folders.sort()
        inside = Path(base)
        found += [
            str((inside / name).relative_to(directory))
            for name in names
            if (inside / name).is_file() and not (inside / name).is_symlink()
        ]
        if len(found) >= _MOST_FILES:
            break
    return sorted(found)[:_MOST_FILES]


def _oldest(descriptor: int) -> int:
    """Offset of the first byte that was not freed."""
    if not hasattr(os, "SEEK_DATA"):
        return 0
    try:
        return os.lseek(descriptor, 0, os.SEEK_DATA)
    except OSError:
        return 0


def _punch(descriptor: int, size: int) -> None:
    """Free the first `size` bytes, keeping all offsets; only where the system can."""
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError):
            fallocate = ctypes.CDLL(None, use_errno=True).fallocate64
            fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
            # A file system that cannot do it just keeps the bytes.
            fallocate(descriptor, _PUNCH_HOLE | _KEEP_SIZE, 0, size)
