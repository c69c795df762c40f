"""The right to write to an embedded cluster: held by one process, let go by the system when that process ends."""

import fcntl
import os
from pathlib import Path

from kagit.errors import Unavailable


class WriterLock:
    """An advisory lock on a file beside the database."""

    def __init__(self, path: Path) -> None:
        self._file = path.with_name(path.name + ".writer")
        try:
            self._handle = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise Unavailable(f"{self._file}: {error.strerror}; make the state directory writable") from error
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._handle)
            raise Unavailable(
                f"{path} is being written by another process; wait for it to end, or give another --state directory"
            ) from error

    def release(self) -> None:
        """Let the next writer in; twice is harmless."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
