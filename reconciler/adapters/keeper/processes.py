"""Processes as the kernel shows them: starting, recognising, counting and killing them."""

import contextlib
import os
import signal
import sys
from collections.abc import Container, Iterator, Mapping, Sequence
from errno import ENOENT
from typing import Any

LINUX = sys.platform == "linux"
MARK = "KAGIT_ATTEMPT"
_MARKED = f"{MARK}=".encode()
_MOST_REMEMBERED = 256
_found: dict[tuple[str, str], str] = {}
RESET = [getattr(signal, name) for name in ("SIGPIPE", "SIGXFSZ", "SIGXFZ") if hasattr(signal, name)]
_PAGE = os.sysconf("SC_PAGE_SIZE")
_SUBREAPER = 36
_WAITID = hasattr(os, "waitid")
GROUP, SESSION = 2, 3
"""Which processes count together: where the leader's pid stands in /proc/PID/stat, from the state on."""


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent dies (Linux; elsewhere init takes them)."""
    if LINUX:
        import ctypes

        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)


def _boot() -> str:
    with contextlib.suppress(OSError), open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:  # noqa: PTH123
        return file.read(8)
    return ""


BOOT = _boot()


def _stat(pid: int) -> list[bytes]:
    """Fields of /proc/PID/stat from the third (state) on; empty when there is no such process."""
    try:
        descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY)
    except OSError:
        return []
    try:
        return os.read(descriptor, 4096).rpartition(b")")[2].split()
    except OSError:
        return []
    finally:
        os.close(descriptor)


def identity(pid: int) -> str:
    """What tells this process from a later one with the same pid; empty when there is none."""
    if LINUX:
        fields = _stat(pid)
        return f"{BOOT}:{fields[19].decode()}" if fields else ""
    import subprocess  # a heavy module, needed only where there is no /proc

    command = ["/bin/ps", "-o", "lstart=", "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def alive(pid: int, known: str) -> bool:
    """Whether the process of that identity still runs; a zombie does not."""
    if not known or identity(pid) != known:
        return False
    return not LINUX or _stat(pid)[:1] not in ([], [b"Z"], [b"X"])


def find(command: str, path: str) -> str:
    """The file that a command name means, seen from the current directory; empty when there is none."""
    if "/" in command:
        return command if os.path.exists(command) else ""  # noqa: PTH110 - pathlib costs start-up time
    if os.access(remembered := _found.get((command, path), ""), os.X_OK):
        return remembered
    found = _search(command, path)
    if found.startswith("/") and len(_found) < _MOST_REMEMBERED:
        _found[command, path] = found
    return found


def _search(command: str, path: str) -> str:
    found = ""
    for folder in path.split(os.pathsep):
        candidate = f"{folder or '.'}/{command}"
        if os.path.isfile(candidate):  # noqa: PTH113 - see above
            if os.access(candidate, os.X_OK):
                return candidate
            found = found or candidate
    return found


def spawn(argv: list[str], env: Mapping[str, str], output: int, *, stdout: int = -1, session: bool = True) -> int:
    """Start a process in the current directory; answers its pid, OSError if it cannot.

    It writes to `output`, and its standard output to `stdout` if that is given. It leads its own session, or only its
    own process group in the session of whoever starts it."""
    file = find(argv[0], env.get("PATH", os.defpath))
    if not file:
        raise FileNotFoundError(ENOENT, "not found", argv[0])
    leads: dict[str, Any] = {"setsid": True} if session else {"setpgroup": 0}
    return os.posix_spawn(
        file,
        argv,
        env,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, output if stdout < 0 else stdout, 1),
            (os.POSIX_SPAWN_DUP2, output, 2),
        ],
        setsigmask=[],
        setsigdef=RESET,
        **leads,
    )


def send(group: int, number: int) -> None:
    """Signal a process group; nothing happens when it is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def kill(pid: int) -> None:
    """SIGKILL one process; nothing happens when it is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def reap(mains: Container[int]) -> tuple[int, int] | None:
    """Pid and status of a child that ended; of one that is among `mains`, the whole group is killed."""
    try:
        if not _WAITID:
            pid, status = os.waitpid(-1, os.WNOHANG)
        else:
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            pid, status = (found.si_pid if found else 0), 0
        if pid in mains:
            # Where it is only looked at so far, the group's number cannot belong to anybody else.
            send(pid, signal.SIGKILL)
        if pid and _WAITID:
            pid, status = os.waitpid(pid, 0)
    except ChildProcessError:
        return None
    return (pid, status) if pid else None


def children() -> list[int]:
    """Pids of the children of this process; empty where the system does not tell."""
    try:
        descriptor = os.open(f"/proc/self/task/{os.getpid()}/children", os.O_RDONLY)
    except OSError:
        return _children_by_scan() if LINUX else []
    try:
        data = b""
        while block := os.read(descriptor, 65536):
            data += block
        return [int(pid) for pid in data.split()]
    finally:
        os.close(descriptor)


def _children_by_scan() -> list[int]:
    me = str(os.getpid()).encode()
    return [pid for pid in everybody() if _stat(pid)[1:2] == [me]]


def everybody() -> Iterator[int]:
    """Pids of all processes; none where there is no /proc."""
    with contextlib.suppress(OSError):
        yield from (int(name) for name in os.listdir("/proc") if name.isdecimal())  # noqa: PTH208 - see above


def place(pid: int) -> str:
    """The place of the attempt that the process belongs to; empty when it has none or may not be read."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123 - see above
            variables = file.read().split(b"\0")
    except OSError:
        return ""
    return next((os.fsdecode(v[len(_MARKED) :]) for v in variables if v.startswith(_MARKED)), "")


def resident(leaders: Sequence[int], *, by: int = SESSION) -> dict[int, int]:
    """Bytes of memory of each session or group, by its leader; shared pages count in every process that has them."""
    total = dict.fromkeys(leaders, 0)
    for pid in everybody():
        fields = _stat(pid)
        leader = int(fields[by]) if fields else 0
        if leader in total:
            total[leader] += int(fields[21]) * _PAGE
    return total


def proportional(leader: int, *, by: int = SESSION) -> int:
    """Bytes of memory of one session or group with shared pages shared out; slower than `resident`."""
    total = 0
    for pid in everybody():
        fields = _stat(pid)
        if fields and int(fields[by]) == leader:
            total += _proportional(pid)
    return total


def _proportional(pid: int) -> int:
    with contextlib.suppress(OSError), open(f"/proc/{pid}/smaps_rollup", "rb") as file:  # noqa: PTH123 - see above
        for line in file:
            if line.startswith(b"Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def limit_memory(pid: int, size: int) -> None:
    """A ceiling on private memory (Linux), for the moments between two looks at what is resident.

    Twice the limit and 1 GiB: reserved address space counts here, and a trial may reserve more than it touches.
    """
    if LINUX:
        import resource

        ceiling = 2 * size + (1 << 30)
        with contextlib.suppress(OSError, ValueError):
            resource.prlimit(pid, resource.RLIMIT_DATA, (ceiling, ceiling))
