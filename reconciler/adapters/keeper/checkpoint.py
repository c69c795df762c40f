"""`python -I -S checkpoint.py END OWN PARENT OLDEST KEPT... -- COMMAND...`: make a checkpoint, then become the command.

In the process of the attempt itself, because a checkpoint may be large and nobody else should have to wait for it. Each
try begins like the first one: what an earlier one has left may be half written, so it is thrown away.
"""

import contextlib
import errno
import json
import os
import signal
import stat
import sys

FAILED = 125
"""Exit code where the command could not become of it; why stands in END."""
NEW = ".new"
_FULL = (errno.ENOSPC, errno.EDQUOT)


def main() -> None:
    """Throw away what nobody needs any more, make the own directory, and run."""
    # Behind the standard library, so that nothing beside the project can shadow it.
    sys.path.append(os.path.abspath(__file__).rsplit(os.sep, 4)[0])  # noqa: PTH100 - pathlib costs start-up time
    end, own, parent, oldest, *rest = sys.argv[1:]
    at = rest.index("--")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(end)  # noqa: PTH108 - see above
    try:
        tidy(os.path.dirname(own), int(oldest), frozenset(rest[:at]))  # noqa: PTH120 - see above
        prepare(own, parent)
    except OSError as error:
        _fail(end, own, f"its checkpoint {own} could not be made: {_what(error)}")
    _become(end, own, rest[at + 1 :])


def tidy(folder: str, oldest: int, kept: frozenset[str]) -> None:
    """Remove what trials with a number below `oldest` have left, but for those in `kept`."""
    from reconciler.adapters.keeper.scratch import remove

    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir(folder):  # noqa: PTH208 - see above
            number = name.removesuffix(NEW).rpartition("-")[2]
            if number.isdecimal() and int(number) < oldest and name not in kept:
                remove(f"{folder}/{name}")


def prepare(own: str, parent: str) -> None:
    """Make the directory `own`: a copy of `parent`, or empty. Nobody ever sees half of a copy."""
    from reconciler.adapters.keeper.scratch import remove

    folder, new = os.path.dirname(own), own + NEW  # noqa: PTH120 - see above
    os.makedirs(folder, mode=0o700, exist_ok=True)  # noqa: PTH103 - see above
    remove(new)
    if _holds_something(parent):
        _copy(parent, new, ends_at=own)
    else:
        os.mkdir(new, 0o700)  # noqa: PTH102 - see above
        if parent:
            name = os.path.basename(parent)  # noqa: PTH119 - see above
            _say(f"kagit: {name}, from which this trial goes on, has left no checkpoint; it begins without one")
    remove(own)
    os.rename(new, own)  # noqa: PTH104 - see above
    _sync(folder)


def _holds_something(path: str) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return bool(path) and stat.S_ISDIR(os.lstat(path).st_mode) and bool(os.listdir(path))  # noqa: PTH208
    return False


def _copy(source: str, target: str, *, ends_at: str) -> None:
    """Copy files, directories and links, all of it on the disk at the end; a link into `source` leads into `ends_at`.

    A trial that is careful with its own files can then lose none of the others either.
    """
    from shutil import copyfile  # where there is something to copy, the time to load it does not matter

    os.mkdir(target, 0o700)  # noqa: PTH102 - see above
    folders = [""]
    for folder in folders:
        with os.scandir(source + folder) as found:
            for item in found:
                path = f"{folder}/{item.name}"
                if item.is_symlink():
                    os.symlink(_moved(os.readlink(item.path), source, ends_at), target + path)  # noqa: PTH115, PTH211
                elif item.is_dir():
                    os.mkdir(target + path, 0o700)  # noqa: PTH102 - see above
                    folders.append(path)
                elif item.is_file():  # no socket or pipe: nobody is at its other end
                    copyfile(item.path, target + path)
                    os.chmod(target + path, stat.S_IMODE(item.stat().st_mode))  # noqa: PTH101 - see above
                    _sync(target + path)
    for folder in folders:
        _sync(target + folder)


def _moved(link: str, source: str, target: str) -> str:
    return target + link.removeprefix(source) if f"{link}/".startswith(f"{source}/") else link


def _sync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _become(end: str, own: str, command: list[str]) -> None:
    from reconciler.adapters.keeper import endings, processes

    for number in processes.RESET:  # which Python has set for itself
        signal.signal(number, signal.SIG_DFL)
    try:
        file = processes.find(command[0], os.environ.get("PATH", os.defpath))
        if not file:
            raise FileNotFoundError(errno.ENOENT, "not found", command[0])
        os.execv(file, command)  # noqa: S606 - the trial's own command
    except (OSError, ValueError) as error:
        _fail(end, own, endings.start_error(error, command[0], os.getcwd()))  # noqa: PTH109 - see above


def _fail(end: str, own: str, message: str) -> None:
    from reconciler.adapters.keeper.scratch import remove

    remove(own + NEW)  # gives the room in which it can be said
    _say(f"kagit: {message}")
    with contextlib.suppress(OSError), open(end, "w", encoding="utf-8") as file:  # noqa: PTH123 - see above
        json.dump({"reason": "StartError", "message": message, "units": []}, file)
    sys.exit(FAILED)


def _what(error: OSError) -> str:
    where = f" ({error.filename})" if error.filename else ""
    way = "; make room and let the trial run again" if error.errno in _FULL else ""
    return f"{error.strerror}{where}{way}"


def _say(text: str) -> None:
    with contextlib.suppress(OSError):
        os.write(2, f"{text}\n".encode(errors="replace"))


if __name__ == "__main__":
    main()
