"""Which commit the caller's own directory stands at; the user's own Git settings hold here."""

from pathlib import Path

from kagit.errors import Refused, Unavailable
from reconciler.adapters.git_command import Done, execute, passed_on

_HARMLESS = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "submodule.recurse=false")


def state_of(directory: Path) -> tuple[str, bool | None]:
    """Commit of a directory ("" without one) and whether all is committed; ("", None) where Git does not know it."""
    try:
        status = _ask(directory, "status", "--porcelain=v1", "-z", "--untracked-files=normal")
        if status.status != 0:
            return "", None
        head = _ask(directory, "rev-parse", "--verify", "--quiet", "HEAD")
    except (Refused, Unavailable):
        return "", None
    return head.out.decode().strip(), not status.out


def _ask(directory: Path, *arguments: str) -> Done:
    command = ["git", "-C", str(directory.absolute()), "--no-optional-locks", *_HARMLESS, *arguments]
    return execute(
        command, env={**passed_on("HOME", "XDG_CONFIG_HOME"), "GIT_TERMINAL_PROMPT": "0"}, cwd=directory, timeout=60.0
    )
