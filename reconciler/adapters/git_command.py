"""Runs one git command at a time, hardened (gitops.md section 5): the only door to GitPython and to git itself."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, cast

from kagit.errors import Refused, Unavailable
from reconciler.adapters.git_names import Remote

_KEPT = ("PATH", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "NO_PROXY", "no_proxy")
_PROXIES = ("https_proxy", "HTTPS_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
_PROXY = re.compile(r"https?://([^\s@/\"'`$;|&<>\\-][^\s@/\"'`$;|&<>\\]*@)?[A-Za-z0-9_][A-Za-z0-9_.-]*(:\d+)?/?")
_SSH = (
    "ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o ClearAllForwardings=yes"
    " -o ForwardAgent=no -o PermitLocalCommand=no -o ConnectTimeout=20"
)
_TOLERATED = ("zeroPaddedFilemode", "missingSpaceBeforeDate", "badTimezone", "missingSpaceBeforeEmail", "missingEmail")
_SETTINGS = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.symlinks": "false",
    "core.attributesFile": "/dev/null",
    "core.excludesFile": "/dev/null",
    "core.protectHFS": "true",
    "core.protectNTFS": "true",
    "submodule.recurse": "false",
    "fetch.recurseSubmodules": "false",
    "push.recurseSubmodules": "no",
    "push.gpgSign": "false",
    "protocol.version": "2",
    "protocol.ext.allow": "never",
    "protocol.fd.allow": "never",
    "http.followRedirects": "false",
    "http.sslVerify": "true",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "60",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "fetch.fsckObjects": "true",
    **{f"fetch.fsck.{name}": "ignore" for name in _TOLERATED},
    "credential.helper": "",
    "init.templateDir": "",
}
_GRACE = 2.0
_PULSE = 0.5


class Done(NamedTuple):
    """How a command ended."""

    status: int
    out: bytes
    err: str


@dataclass(frozen=True, kw_only=True)
class GitCommand:
    """git with a clean environment and fixed settings, on one bare repository and for one remote."""

    directory: Path
    remote: Remote
    credential_helper: str = ""
    timeout: float = 120.0
    settings: Mapping[str, str] = field(default_factory=dict[str, str])

    def run(
        self, *arguments: str, stdin: bytes = b"", timeout: float = 0.0, too_much: Callable[[], str] | None = None
    ) -> Done:
        """Run git on the repository; whoever overstays `timeout` seconds, or of whom `too_much` says so, is ended."""
        settings = {**_SETTINGS, **self.settings}
        command = ["git", f"--git-dir={self.directory}", *arguments]
        env = {**self._environment(), **_as_environment(settings, self._credentials())}
        done = execute(
            command,
            env=env,
            cwd=self.directory.parent,
            stdin=stdin,
            timeout=timeout or self.timeout,
            too_much=too_much,
        )
        return Done(done.status, done.out, self.remote.mask(done.err))

    def ask(self, directory: Path, *arguments: str) -> Done:
        """Put a harmless question to another repository of this machine, answered by that one's own settings."""
        return execute(["git", "-C", str(directory), *arguments], env=self._environment(), cwd=directory)

    def _credentials(self) -> list[tuple[str, str]]:
        given: list[tuple[str, str]] = []
        if self.credential_helper:
            given.append(("credential.helper", self.credential_helper))
        if self.remote.header:
            given.append((f"http.{self.remote.origin}/.extraHeader", self.remote.header))
        return given

    def _environment(self) -> dict[str, str]:
        env = {
            "HOME": surroundings().get("HOME", os.devnull) if self.credential_helper else os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ALLOW_PROTOCOL": self.remote.scheme,
            "GIT_LFS_SKIP_SMUDGE": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": shutil.which("false") or "/bin/false",
            "SSH_ASKPASS_REQUIRE": "never",
            "GIT_LITERAL_PATHSPECS": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
        }
        if self.remote.scheme == "ssh":
            env["GIT_SSH_COMMAND"] = _SSH
            env["GIT_SSH_VARIANT"] = "ssh"
            env.update(passed_on("SSH_AUTH_SOCK"))
        elif self.remote.scheme in {"http", "https"}:
            env.update(_proxies())
        return env


def surroundings() -> dict[str, str]:
    """The whole environment: GitPython hands it on, so it must be known to be taken away again."""
    return dict(os.environ)  # noqa: TID251 - read to be emptied; nothing is decided by it


def passed_on(*names: str) -> dict[str, str]:
    """Those of the named environment variables that are set."""
    known = surroundings()
    return {name: known[name] for name in names if name in known}


def _proxies() -> dict[str, str]:
    given = {name: value for name, value in passed_on(*_PROXIES).items() if value}
    for name, value in given.items():
        if not _PROXY.fullmatch(value):
            raise Refused(f"environment variable {name} is not a plain http(s)://host:port proxy; correct or unset it")
    return given


def _as_environment(settings: Mapping[str, str], more: list[tuple[str, str]]) -> dict[str, str]:
    pairs = [*settings.items(), *more]
    env = {"GIT_CONFIG_COUNT": str(len(pairs))}
    for index, (key, value) in enumerate(pairs):
        if not key.isprintable() or not value.isprintable():
            raise Refused(f"Git setting {key.split('.')[0]}…: control characters are not allowed in it")
        env[f"GIT_CONFIG_KEY_{index}"] = key
        env[f"GIT_CONFIG_VALUE_{index}"] = value
    return env


def execute(
    command: list[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    stdin: bytes = b"",
    timeout: float = 120.0,
    too_much: Callable[[], str] | None = None,
) -> Done:
    """Run a command with `env` and a few harmless variables only, in a process group of its own that ends with it."""
    wanted = {**passed_on(*_KEPT), **env}
    dropped = [word for name in surroundings() if name not in wanted for word in ("-u", name)]
    process = _start(["env", *dropped, *command], env=wanted, cwd=cwd)
    out, err = _communicate(process, stdin=stdin, timeout=timeout, too_much=too_much)
    return Done(process.returncode, out, err.decode("utf-8", "replace"))


def _communicate(
    process: "subprocess.Popen[bytes]", *, stdin: bytes, timeout: float, too_much: Callable[[], str] | None
) -> tuple[bytes, bytes]:
    left = timeout
    data: bytes | None = stdin
    try:
        while True:
            try:
                return process.communicate(data, timeout=min(left, _PULSE) if too_much else left)
            except subprocess.TimeoutExpired:
                data = None
                left -= _PULSE if too_much else left
                reason = too_much() if too_much else ""
                if reason:
                    raise Refused(reason) from None
                if left <= 0:
                    raise Unavailable(f"git gave no answer within {timeout:g} seconds; trying again later") from None
    except BaseException:
        _end(process)
        raise


def _end(process: "subprocess.Popen[bytes]") -> None:
    for deed in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, deed)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=_GRACE)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def _start(command: list[str], *, env: Mapping[str, str], cwd: Path) -> "subprocess.Popen[bytes]":
    try:
        from git.cmd import Git
        from git.exc import GitCommandNotFound
    except ImportError as error:
        raise Refused(f"git cannot be used: {error}; install git and see that it is on PATH") from error
    try:
        handle = Git(cwd).execute(
            command, istream=subprocess.PIPE, as_process=True, env=env, shell=False, start_new_session=True
        )
    except (OSError, GitCommandNotFound) as error:
        raise Unavailable(f"git could not be started: {error}") from error
    process, handle.proc = cast("subprocess.Popen[bytes]", handle.proc), None  # its __del__ would end the process
    return process
