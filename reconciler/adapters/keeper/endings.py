"""How an attempt ended, in Kubernetes' reasons and a person's words."""

import os
import signal

from reconciler.adapters.keeper import processes
from reconciler.adapters.keeper.journal import Record

_START_ERROR_CODE = 128


def codes(status: int | None, reason: str) -> Record:
    """Exit code and signal of a wait status, 128 + n for signal n as a shell and Kubernetes say it."""
    if status is None:
        return {"exit_code": _START_ERROR_CODE if reason == "StartError" else None, "signal": None}
    code = os.waitstatus_to_exitcode(status)
    return {"exit_code": code, "signal": None} if code >= 0 else {"exit_code": 128 - code, "signal": -code}


def of(status: int, reason: str, *, tries: int, order: Record) -> tuple[str, str]:
    """Reason and message for a main process that was reaped; `reason` is what the keeper itself did to it, or empty."""
    words = how(os.waitstatus_to_exitcode(status))
    limit = order["backoff_limit"]
    if reason == "OOMKilled":
        return reason, f"used more memory than its limit of {order['memory']:,} bytes and was killed{_tries(tries)}"
    if reason:
        return _public(reason), f"{_why(reason, order)}; {words}"
    if status == 0:
        return "Completed", ""
    if order["kind"] == "Pod":
        return "Error", f"{words}{_tries(tries)}"
    return "BackoffLimitExceeded", f"{words}{_tries(tries)} (backoffLimit {limit})"


def unstarted(reason: str, *, tries: int, order: Record) -> tuple[str, str]:
    """Reason and message for an attempt that ended between two tries."""
    return _public(reason), f"{_why(reason, order)} while waiting for another try{_tries(tries)}"


def _public(reason: str) -> str:
    return "Stopped" if reason == "Abandoned" else reason


def _why(reason: str, order: Record) -> str:
    if reason == "DeadlineExceeded":
        return f"ran longer than activeDeadlineSeconds ({order['deadline']:g} s)"
    if reason == "Abandoned":
        return "stopped because no reconciler came back for it"
    return "stopped on request"


def _tries(tries: int) -> str:
    return f" after {tries} tries" if tries > 1 else ""


def how(code: int) -> str:
    """An exit code, negative for a signal, in words."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"ended by signal {-code} ({signal.Signals(-code).name})"
    except ValueError:
        return f"ended by signal {-code}"


def start_error(error: Exception, command: str, cwd: str) -> str:
    """Why a command did not start, and the way out."""
    if not os.path.isdir(cwd):  # noqa: PTH112 - pathlib costs start-up time
        return f"working directory {cwd!r} does not exist; images are ignored here, so give a path of this machine"
    if isinstance(error, OSError) and error.filename == cwd:
        return f"working directory {cwd!r} may not be entered: {error.strerror}"
    if isinstance(error, FileNotFoundError):
        return _not_found(command, cwd)
    if isinstance(error, PermissionError):
        return (
            f"command {command!r} is not executable; run chmod +x, or name the interpreter first: [python, {command}]"
        )
    if isinstance(error, OSError):
        return f"command {command!r} could not be started: {error.strerror}"
    return f"command {command!r} could not be started: {error}"


def _not_found(command: str, cwd: str) -> str:
    if "/" in command and processes.find(os.path.join(cwd, command), ""):  # noqa: PTH118 - see above
        return f"command {command!r} is there, but the interpreter that its first line names is not"
    if "/" in command:
        return f"command {command!r} was not found, seen from the working directory; images are ignored here"
    here = os.path.join(cwd, command)  # noqa: PTH118 - see above
    if os.path.exists(here):  # noqa: PTH110 - see above
        return f"command {command!r} was not found in PATH; it is a file in the working directory, so write ./{command}"
    return f"command {command!r} was not found in PATH; images are ignored here, so install it on this machine"
