"""The keeper's loop: one thread that waits for wishes, children, timers and reconcilers, whichever comes first."""

import contextlib
import json
import os
import selectors
import signal
import socket
import time
import traceback

from reconciler.adapters.keeper import processes
from reconciler.adapters.keeper.attempt import NEVER
from reconciler.adapters.keeper.journal import Record
from reconciler.adapters.keeper.keeper import PATIENCE, Keeper
from reconciler.adapters.keeper.tidier import Tidier

SOCKET = "socket"
GROWN, STUCK = b"\n", b"!"
FIRST_VISIT, STUCK_LOOK, LAST_SWEEP = 10.0, 0.5, 5.0
_BLOCK = 1 << 18


class Visitor:
    """A reconciler's connection."""

    __slots__ = ("connection", "environment", "rest")

    def __init__(self, connection: socket.socket) -> None:
        """Nothing was said yet."""
        self.connection = connection
        self.rest = b""
        self.environment: dict[str, str] = {}


class Server:
    """Serves one state directory until there is nothing left to keep."""

    def __init__(self, directory: str, abandon_after: float) -> None:
        """Take up the journal and listen."""
        self._wake_read, self._wake_write = os.pipe()
        for descriptor in (self._wake_read, self._wake_write):
            os.set_blocking(descriptor, False)
        self._catch_signals()
        self._keeper = Keeper(directory, Tidier(self._wake))
        self._selector = selectors.DefaultSelector()
        self._listener = _listen(directory)
        self._path = f"{directory}/{SOCKET}"
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        self._visitors: dict[int, Visitor] = {}
        self._abandon_after = abandon_after
        self._abandon_at = time.monotonic() + abandon_after
        self._leave_at = time.monotonic() + FIRST_VISIT
        self._closing = self._terminated = False

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake_write, b"t")

    def _catch_signals(self) -> None:
        signal.signal(signal.SIGCHLD, _ignore)
        signal.signal(signal.SIGTERM, self._on_term)
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, _ignore)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)

    def _on_term(self, *_: object) -> None:
        self._terminated = True

    def run(self) -> None:
        """Serve until nothing is left, then see that no process is."""
        while not self._is_finished():
            self._announce()
            ready = [key.fd for key, _ in self._selector.select(self._patience())]
            if self._wake_read in ready:  # emptied first: who ends from here on wakes the next turn
                self._ready(self._wake_read)
            self._keeper.reap()  # before any wish: what has ended by itself was not stopped by anybody
            for descriptor in ready:
                if descriptor != self._wake_read:
                    self._ready(descriptor)
            self._keeper.tick()
            self._mind_the_disk()
            self._mind_the_absence()
        self._tell(GROWN)
        self._stop_listening()
        self._sweep_all()
        self._keeper.clear()

    def _is_finished(self) -> bool:
        if not self._keeper.idle:
            return False
        return self._closing or (not self._visitors and time.monotonic() >= self._leave_at)

    def _patience(self) -> float | None:
        due = min(self._keeper.due(), self._keeper.journal.grown_at + self._keeper.patience)
        if self._keeper.journal.blocked:
            due = min(due, time.monotonic() + STUCK_LOOK)
        if not self._visitors:
            due = min(due, self._abandon_at, self._leave_at if self._keeper.idle else NEVER)
        return None if due == NEVER else max(0.0, due - time.monotonic())

    def _ready(self, descriptor: int) -> None:
        if descriptor == self._wake_read:
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake_read, 4096)
        elif descriptor == self._listener.fileno():
            self._welcome()
        elif descriptor in self._visitors:
            self._hear(self._visitors[descriptor])

    def _welcome(self) -> None:
        with contextlib.suppress(OSError):
            connection, _ = self._listener.accept()
            connection.settimeout(0)
            self._visitors[connection.fileno()] = Visitor(connection)
            self._selector.register(connection, selectors.EVENT_READ)

    def _hear(self, visitor: Visitor) -> None:
        try:
            data = visitor.connection.recv(_BLOCK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._part(visitor)
            return
        visitor.rest += data
        self._obey(visitor)

    def _part(self, visitor: Visitor) -> None:
        self._selector.unregister(visitor.connection)
        del self._visitors[visitor.connection.fileno()]
        visitor.connection.close()
        self._abandon_at = time.monotonic() + self._abandon_after
        self._leave_at = 0.0

    def _obey(self, visitor: Visitor) -> None:
        # While the disk is full nothing is begun, because a start has to be on record first.
        while b"\n" in visitor.rest and not self._keeper.journal.blocked:
            line, visitor.rest = visitor.rest.split(b"\n", 1)
            try:
                self._do(json.loads(line), visitor)
            except Exception:  # noqa: BLE001 - one bad wish must not end what others have running
                traceback.print_exc()

    def _do(self, wish: Record, visitor: Visitor) -> None:
        if self._closing:
            return
        if "start" in wish:
            self._keeper.start(wish, visitor.environment)
        elif "forget" in wish:
            self._keeper.write({"forgotten": wish["forget"]})
        elif "stop" in wish:
            self._keeper.stop(wish["stop"])
        elif "close" in wish:
            self._close(wish["close"])
        elif "environment" in wish:
            visitor.environment = wish["environment"]

    def _close(self, grace: float, reason: str = "Stopped") -> None:
        if not self._closing:
            self._closing = True
            self._stop_listening()
        self._keeper.stop_all(reason, grace)

    def _stop_listening(self) -> None:
        if self._listener.fileno() < 0:
            return
        self._selector.unregister(self._listener)
        self._listener.close()
        with contextlib.suppress(OSError):
            os.unlink(self._path)  # noqa: PTH108 - pathlib costs start-up time

    def _announce(self) -> None:
        journal = self._keeper.journal
        # A start can wait a moment for an end to be told with it: that halves the wake-ups of short trials.
        if journal.grown_at + self._keeper.patience <= time.monotonic():
            journal.grown_at, self._keeper.patience = NEVER, PATIENCE
            self._tell(GROWN)

    def _tell(self, news: bytes) -> None:
        for visitor in self._visitors.values():
            # Who has not read the last news yet will read the journal anyway; who is gone is parted from by `recv`.
            with contextlib.suppress(OSError):
                visitor.connection.send(news)

    def _mind_the_disk(self) -> None:
        if not self._keeper.journal.blocked:
            return
        self._keeper.journal.flush()
        if self._keeper.journal.blocked:
            self._tell(STUCK)
            return
        for visitor in list(self._visitors.values()):
            self._obey(visitor)

    def _mind_the_absence(self) -> None:
        if self._terminated:
            self._terminated = False
            self._close(NEVER)
        if not self._visitors and not self._closing and time.monotonic() >= self._abandon_at:
            self._close(NEVER, "Abandoned")

    def _sweep_all(self) -> None:
        until = time.monotonic() + LAST_SWEEP
        while time.monotonic() < until and processes.children():
            self._keeper.sweep()
            self._keeper.reap()
            self._selector.select(0.05)
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake_read, 4096)


def _ignore(*_: object) -> None:
    """A handler that only wakes the loop; an ignored signal would not."""


def _listen(directory: str) -> socket.socket:
    """A socket in the directory, which is entered for it: a socket's path is bounded at about 100 bytes."""
    os.chdir(directory)
    listener = socket.socket(socket.AF_UNIX)
    listener.settimeout(0)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(SOCKET)  # noqa: PTH108 - see above
    listener.bind(SOCKET)
    os.chmod(SOCKET, 0o600)  # noqa: PTH101 - see above
    listener.listen(16)
    os.chdir("/")
    return listener
