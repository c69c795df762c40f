"""Which files a command means by the paths it was given: the only file of this room that reads the disk."""

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from kagit.findings import Finding, Severity
from repo_layout import read
from repo_layout.paths import SETTINGS_FILE
from repo_layout.settings import Settings


class File(NamedTuple):
    """A file, and the namespace that counts where a manifest names none; settings are `checked` already."""

    path: Path
    namespace: str = "default"
    checked: bool = False


def files(paths: Sequence[Path], findings: list[Finding]) -> tuple[File, ...]:
    """Files as they are, folders searched for YAML, repositories (folders with `.kagit.yaml`) by their settings.

    No file is there twice. What cannot be looked into is added to `findings`.
    """
    found: dict[Path, File] = {}
    for path in paths:
        for file in _path(Path(path), findings):
            # `.` and `./a.yaml` may name the same file; a link is not the file that it leads to.
            found.setdefault(Path(os.path.realpath(file.path.parent), file.path.name), file)
    return tuple(found.values())


def _path(path: Path, findings: list[Finding]) -> Iterator[File]:
    if path.is_dir() and (path / SETTINGS_FILE).exists():
        known = _settings(path / SETTINGS_FILE, findings)
        yield File(path / SETTINGS_FILE, checked=True)
        for name in known.experiments:
            if (path / name).is_dir():
                yield from (File(file, known.namespace) for file in _below(path / name, findings))
            else:
                message = f"the folder for experiments is missing; create it, or name another in {SETTINGS_FILE}"
                findings.append(finding(path / name, message, "experiments-missing", Severity.WARNING))
    elif path.is_dir():
        before = len(findings)
        inside = [File(file) for file in _below(path, findings)]
        yield from inside
        if not inside and len(findings) == before:
            message = "the folder holds no .yaml or .yml file; put experiments there, or name another folder"
            findings.append(finding(path, message, "folder-empty", Severity.WARNING))
    elif path.name == SETTINGS_FILE:
        _settings(path, findings)
        yield File(path, checked=True)
    else:
        yield File(path)


def _settings(path: Path, findings: list[Finding]) -> Settings:
    known, found = read.settings(content(path, findings), shown(path))
    findings.extend(found)
    return known


def _below(folder: Path, findings: list[Finding]) -> Iterator[Path]:
    for base, folders, names in os.walk(folder, onerror=lambda error: findings.append(_unreadable(folder, error))):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.endswith(read.SUFFIXES) and not name.startswith("."):
                yield Path(base, name)


def content(path: Path, findings: list[Finding]) -> bytes | None:
    """The bytes of a file, at most one more than allowed; None, and a finding, where there are none."""
    try:
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            message = "a symbolic link is never read from Git; put the file itself here"
            findings.append(finding(path, message, "symbolic-link"))
            return None
        if not stat.S_ISREG(found.st_mode):
            findings.append(finding(path, "this is no regular file; give a YAML file", "not-a-file"))
            return None
        with path.open("rb") as file:
            return file.read(read.MAX_BYTES + 1)  # one more than allowed is enough to refuse it
    except FileNotFoundError:
        findings.append(finding(path, "there is no such file or folder; correct the path", "path-missing"))
    except OSError as error:
        findings.append(_unreadable(path, error))
    return None


def _unreadable(path: Path, error: OSError) -> Finding:
    where = Path(error.filename) if isinstance(error.filename, str) else path
    return finding(where, f"cannot be read ({error.strerror}); correct its permissions", "unreadable")


def finding(path: Path, message: str, slug: str, severity: Severity = Severity.ERROR) -> Finding:
    """A finding about a whole file."""
    return Finding(path=shown(path), message=message, slug=slug, severity=severity)


def shown(path: Path) -> str:
    """The path as text that every terminal takes, whatever bytes the file system holds."""
    return path.as_posix().encode(errors="surrogateescape").decode(errors="replace")
