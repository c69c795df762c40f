"""Tidying up behind attempts that left files: in a thread, because artifacts may be large."""

import threading
from collections import deque
from collections.abc import Callable

from reconciler.adapters.keeper import scratch
from reconciler.adapters.keeper.journal import Record


class Tidier:
    """One thread at most, and only while there is something to tidy."""

    def __init__(self, wake: Callable[[], None]) -> None:
        """`wake` is called from the thread whenever something is `done`."""
        self._wake = wake
        self._lock = threading.Lock()
        self._todo: deque[tuple[str, str, str, Record]] = deque()
        self._thread: threading.Thread | None = None
        self.done: deque[tuple[str, Record]] = deque()
        self.open = 0

    def add(self, name: str, directory: str, place: str, record: Record) -> None:
        """Tidy the scratch directory, keep artifacts at `place`; its record comes back in `done` with the artifacts."""
        self.open += 1
        with self._lock:
            self._todo.append((name, directory, place, record))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._todo:
                    self._thread = None
                    return
                name, directory, place, record = self._todo.popleft()
            self.done.append((name, _tidied(directory, place, record)))
            self._wake()


def _tidied(directory: str, place: str, record: Record) -> Record:
    try:
        artifacts, note = scratch.tidy(directory, place)
    except Exception as error:  # noqa: BLE001 - whatever a trial left there, its end must be told
        artifacts, note = [], f"artifacts could not be listed: {error}"
    message = "; ".join(text for text in (record["message"], note) if text)
    return {**record, "message": message, "artifacts": artifacts}
