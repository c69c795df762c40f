"""`kagit validate`: files and folders in, findings out. The only file of this room that reads the disk."""

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

from kagit.errors import Refused
from kagit.findings import Finding, Severity
from repo_layout import beside, read
from repo_layout.paths import SETTINGS_FILE
from repo_layout.settings import Settings

Style: TypeAlias = Literal["text", "github", "json"]


def check(paths: Sequence[Path], extra: read.Extra = read.nothing_more) -> tuple[Finding, ...]:
    """Everything that is wrong with files, folders (searched for YAML) and repositories (folders with `.kagit.yaml`).

    An experiment that two of all these files declare is found too. `extra` checks what this room does not know.
    """
    findings: list[Finding] = []
    files: dict[Path, _File] = {}
    for path in paths:
        for file in _path(Path(path), findings):
            # `.` and `./a.yaml` may name the same file; a link is not the file that it leads to.
            files.setdefault(file.path.parent.resolve() / file.path.name, file)
    parts = [part for file in files.values() for part in _file(file, extra, findings)]
    parts.append(beside.config_maps(parts, [file.path for file in files.values()]))
    return tuple(sorted({*findings, *read.together(parts).findings}))


class _File(NamedTuple):
    path: Path
    namespace: str = "default"


def _path(path: Path, findings: list[Finding]) -> Iterator[_File]:
    if path.is_dir() and (path / SETTINGS_FILE).exists():
        known = _settings(path / SETTINGS_FILE, findings)
        for name in known.experiments:
            if (path / name).is_dir():
                yield from (_File(file, known.namespace) for file in _below(path / name, findings))
            else:
                message = f"the folder for experiments is missing; create it, or name another in {SETTINGS_FILE}"
                findings.append(_finding(path / name, message, "experiments-missing", Severity.WARNING))
    elif path.is_dir():
        yield from (_File(file) for file in _below(path, findings))
    elif path.name == SETTINGS_FILE:
        _settings(path, findings)
    else:
        yield _File(path)


def _settings(path: Path, findings: list[Finding]) -> Settings:
    known, found = read.settings(_bytes(path, findings), _shown(path))
    findings.extend(found)
    return known


def _below(folder: Path, findings: list[Finding]) -> Iterator[Path]:
    for base, folders, names in os.walk(folder, onerror=lambda error: findings.append(_unreadable(folder, error))):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.endswith(read.SUFFIXES) and not name.startswith("."):
                yield Path(base, name)


def _file(file: _File, extra: read.Extra, findings: list[Finding]) -> Iterator[read.Declared]:
    data = _bytes(file.path, findings)
    if data is not None:
        yield read.file(_shown(file.path), data, namespace=file.namespace, extra=extra)


def _bytes(path: Path, findings: list[Finding]) -> bytes | None:
    try:
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            message = "a symbolic link is never read from Git; put the file itself here"
            findings.append(_finding(path, message, "symbolic-link"))
            return None
        if not stat.S_ISREG(found.st_mode):
            findings.append(_finding(path, "this is no regular file; give a YAML file", "not-a-file"))
            return None
        with path.open("rb") as file:
            return file.read(read.MAX_BYTES + 1)  # one more than allowed is enough to refuse it
    except FileNotFoundError:
        findings.append(_finding(path, "there is no such file or folder; correct the path", "path-missing"))
    except OSError as error:
        findings.append(_unreadable(path, error))
    return None


def _unreadable(path: Path, error: OSError) -> Finding:
    where = Path(error.filename) if isinstance(error.filename, str) else path
    return _finding(where, f"cannot be read ({error.strerror}); correct its permissions", "unreadable")


def _finding(path: Path, message: str, slug: str, severity: Severity = Severity.ERROR) -> Finding:
    return Finding(path=_shown(path), message=message, slug=slug, severity=severity)


def _shown(path: Path) -> str:
    """The path as text that every terminal takes, whatever bytes the file system holds."""
    return path.as_posix().encode(errors="surrogateescape").decode(errors="replace")


def format(findings: Sequence[Finding], style: Style = "text") -> str:  # noqa: A001 - the word for it, used as lint.format
    """Findings as lines for people, as GitHub's workflow commands, or as one JSON array."""
    if style == "json":
        import json

        return json.dumps([_fields(one) for one in findings], ensure_ascii=False, indent=2)
    if style == "github":
        return "\n".join(_github(one) for one in findings)
    if style != "text":
        raise Refused(f"format {style!r} does not exist; give text, github or json")
    return "\n".join(_text(one) for one in findings)


def _text(finding: Finding) -> str:
    line = str(finding) if finding.severity is Severity.ERROR else f"{finding}".replace(": ", ": warning: ", 1)
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in line)


def _fields(finding: Finding) -> dict[str, object]:
    return {
        "path": finding.path,
        "line": finding.line,
        "column": finding.column,
        "severity": finding.severity.value,
        "message": finding.message,
        "slug": finding.slug,
    }


def _github(finding: Finding) -> str:
    place = {"file": finding.path, "line": finding.line, "col": finding.column, "title": finding.slug}
    told = ",".join(f"{key}={_escape(str(value), more=True)}" for key, value in place.items() if value)
    return f"::{finding.severity.value} {told}::{_escape(finding.message, more=False)}"


def _escape(text: str, *, more: bool) -> str:
    """GitHub's escapes for workflow commands, so that no text from a file can become a command."""
    for char, code in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A"), *(((":", "%3A"), (",", "%2C")) if more else ())):
        text = text.replace(char, code)
    return text
