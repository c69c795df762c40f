"""The reconciler's end of the line to the keeper: find it or start it, send wishes, hear that the journal grew."""

import contextlib
import errno
import fcntl
import os
import select
import socket
import sys
import tempfile
from collections.abc import Generator, Mapping
from pathlib import Path

from kagit.errors import Unavailable

_MAIN = Path(__file__).with_name("keeper") / "__main__.py"
_LONGEST_SOCKET_PATH = 100
_PAUSES = 1500
_PAUSE = 20
_STUCK = b"!"


class Gone(Exception):
    """The keeper ended the conversation."""


class Line:
    """A connection to a living keeper."""

    def __init__(self, connection: socket.socket, child: int | None) -> None:
        """Take over a connected socket; `child` is the keeper's pid where this process started it."""
        self._socket = connection
        self._poll = select.poll()
        self._poll.register(connection, select.POLLIN)
        self.child = child

    def send(self, data: bytes) -> None:
        """Send wishes; Gone where nobody listens."""
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise Gone from error

    def peek(self, timeout: float) -> bool:
        """Wait for a wake-up without taking it; whether there is one."""
        return bool(self._poll.poll(max(1, round(timeout * 1000))))

    def wait(self, timeout: float | None) -> bool:
        """Wait for a wake-up, None for ever; True where the keeper says that its disk is full; Gone where it ended."""
        if not self._poll.poll(None if timeout is None else max(0, round(timeout * 1000))):
            return False
        try:
            data = self._socket.recv(4096)
        except OSError as error:
            raise Gone from error
        if not data:
            raise Gone
        return _STUCK in data

    def close(self) -> None:
        """Hang up."""
        self._socket.close()
        reap(self.child)


def reap(child: int | None) -> None:
    """Take notice of a keeper that ended, if it is a child of this process."""
    if child is not None:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(child, os.WNOHANG)


def call(directory: Path, *, environment: Mapping[str, str], abandon_after: float) -> Line:
    """A line to the keeper of a state directory, which is started if none is there."""
    child = None
    for _ in range(_PAUSES):
        connection = _connected(directory)
        if connection is not None:
            return Line(connection, child)
        reap(child)
        child = _start(directory, environment, abandon_after)
        if child is None:
            _pause()
    raise Unavailable(f"the keeper of {directory} holds its lock but does not answer; end it, then try again")


def _connected(directory: Path) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX)
    try:
        with _short(directory) as path:
            connection.connect(path)
    except OSError as error:
        connection.close()
        if error.errno in {errno.ENOENT, errno.ECONNREFUSED, errno.ECONNRESET}:
            return None
        raise Unavailable(f"the keeper of {directory} cannot be reached: {error.strerror}") from error
    return connection


@contextlib.contextmanager
def _short(directory: Path) -> Generator[str, None, None]:
    """A path to the keeper's socket that is short enough for the kernel."""
    path = str(directory / "socket")
    if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
        yield path
        return
    with tempfile.TemporaryDirectory(dir="/tmp") as private:
        link = Path(private) / "d"
        link.symlink_to(directory)
        yield str(link / "socket")


def _start(directory: Path, environment: Mapping[str, str], abandon_after: float) -> int | None:
    """Start a keeper and wait until it listens; its pid, or None where another one holds the lock."""
    log = directory / "keeper.log"
    ready, said = os.pipe()
    try:
        child = os.posix_spawn(
            sys.executable,
            [sys.executable, "-I", "-S", str(_MAIN), str(directory), str(abandon_after)],
            environment,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, said, 1),
                (os.POSIX_SPAWN_OPEN, 2, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            ],
            setsid=True,
            setsigmask=[],
        )
    except OSError as error:
        os.close(ready)
        raise Unavailable(f"no keeper could be started in {directory}: {error.strerror}") from error
    finally:
        os.close(said)
    with open(ready, "rb") as answer:  # noqa: PTH123 - a descriptor, not a path
        word = answer.readline()
    if word == b"ready\n":
        return child
    with contextlib.suppress(ChildProcessError):
        os.waitpid(child, 0)
    if word == b"busy\n":
        return None
    raise Unavailable(f"no keeper could be started in {directory}: {_last_line(log)}")


def _last_line(log: Path) -> str:
    with contextlib.suppress(OSError):
        lines = log.read_text(errors="replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), "it ended at once")
    return "it ended at once"


def _pause() -> None:
    """Milliseconds until the next look at a lock: a lock's release is an event that nobody sends."""
    select.poll().poll(_PAUSE)


def wait_until_gone(directory: Path, child: int | None) -> None:
    """Wait until no keeper holds the lock of the directory."""
    with contextlib.suppress(FileNotFoundError), (directory / "lock").open("rb") as lock:
        for _ in range(_PAUSES):
            reap(child)
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            _pause()
    reap(child)
