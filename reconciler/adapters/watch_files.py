"""Wakes the loop when a local repository or directory changes: a trigger only, what has changed is read from Git."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

_CHANGES = frozenset({"created", "modified", "deleted", "moved"})
_TOP = frozenset({"HEAD", "packed-refs"})
_BELOW = ("refs", "logs", "reftable")


class _Debounced:
    """Calls back once, `delay` seconds after the first of several changes."""

    def __init__(self, call: Callable[[], None], delay: float) -> None:
        self._call = call
        self._delay = delay
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._closed = False

    def changed(self) -> None:
        """Note a change."""
        with self._lock:
            if self._timer is None and not self._closed:
                self._timer = threading.Timer(self._delay, self._fire)
                self._timer.daemon = True
                self._timer.start()

    def close(self) -> None:
        """No more calls."""
        with self._lock:
            self._closed = True
            if self._timer is not None:
                self._timer.cancel()

    def _fire(self) -> None:
        with self._lock:
            self._timer = None
            if self._closed:
                return
        self._call()


@dataclass(frozen=True, kw_only=True)
class Watch:
    """A running watch. `message` is empty, or says why nothing is watched, so that only the timer wakes the loop."""

    message: str = ""
    stop: Callable[[], None] = field(default=lambda: None)

    def close(self) -> None:
        """End the watch; no call comes afterwards."""
        self.stop()


def watch(directory: Path, on_change: Callable[[], None], *, delay: float = 0.2) -> Watch:
    """Call `on_change` (in a thread) when a branch of the repository moves, or, without Git, when any file changes.

    Where watching is not possible (inotify limits, missing directory) the answer's `message` says so.
    """
    from watchdog.events import FileSystemEvent, FileSystemEventHandler
    from watchdog.observers import Observer

    bounce = _Debounced(on_change, delay)
    git = git_directory(directory)

    class Handler(FileSystemEventHandler):
        def on_any_event(self, event: FileSystemEvent) -> None:
            names = [str(path) for path in (event.src_path, event.dest_path) if path]
            if event.is_directory and event.event_type == "modified":
                return  # something in it changed, which is told by itself
            if event.event_type in _CHANGES and any(_counts(Path(name), git) for name in names):
                bounce.changed()

    observer = Observer()
    handler = Handler()
    try:
        for path, deep in _places(directory, git):
            observer.schedule(handler, str(path), recursive=deep)
        observer.start()
    except (OSError, RuntimeError) as error:
        bounce.close()
        return Watch(
            message=f"{directory} is not watched ({error}); changes are seen at the next interval."
            " Raise fs.inotify.max_user_watches and max_user_instances to be woken at once."
        )

    def stop() -> None:
        bounce.close()
        observer.stop()
        observer.join()

    return Watch(stop=stop)


def git_directory(directory: Path) -> Path | None:
    """Where the branches of a bare repository, a work tree or a linked work tree are kept; None without Git."""
    if (directory / "HEAD").is_file() and (directory / "objects").is_dir():
        return directory
    inside = directory / ".git"
    if inside.is_file():
        words = inside.read_text(encoding="utf-8", errors="replace").strip()
        inside = directory / words.removeprefix("gitdir: ")
        common = inside / "commondir"
        if common.is_file():
            inside = inside / common.read_text(encoding="utf-8", errors="replace").strip()
    return inside if (inside / "HEAD").is_file() else None


def _places(directory: Path, git: Path | None) -> list[tuple[Path, bool]]:
    if git is None:
        return [(directory, True)]
    return [(git, False), *((git / name, True) for name in _BELOW if (git / name).is_dir())]


def _counts(path: Path, git: Path | None) -> bool:
    if path.suffix == ".lock":
        return False
    return git is None or path.parent != git or path.name in _TOP
