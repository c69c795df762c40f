"""`kagit validate`: files and folders in, findings out."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

from kagit.errors import Refused
from kagit.findings import Finding, Severity
from repo_layout import beside, read, search

Style: TypeAlias = Literal["text", "github", "json"]


class Checked(NamedTuple):
    """What is wrong, and how many files were looked at."""

    findings: tuple[Finding, ...]
    files: int

    @property
    def summary(self) -> str:
        """The whole in one line, e.g. `1,000 files, 3 errors, 2 warnings`."""
        errors = sum(one.severity is Severity.ERROR for one in self.findings)
        counts = ((self.files, "file"), (errors, "error"), (len(self.findings) - errors, "warning"))
        told = [f"{count:,} {word}{'' if count == 1 else 's'}" for count, word in counts if count or word == "file"]
        return ", ".join(told if self.findings else [*told, "no findings"])


def check(paths: Sequence[Path], extra: read.Extra = read.nothing_more) -> Checked:
    """Everything that is wrong with files, folders (searched for YAML) and repositories (folders with `.kagit.yaml`).

    An experiment that two of all these files declare is found too. `extra` checks what this room does not know.
    """
    findings: list[Finding] = []
    files = search.files(paths, findings)
    parts = [part for file in files for part in _file(file, extra, findings)]
    parts.append(beside.config_maps(parts, [file.path for file in files]))
    return Checked(tuple(sorted({*findings, *read.together(parts).findings})), len(files))


def _file(file: search.File, extra: read.Extra, findings: list[Finding]) -> Iterator[read.Declared]:
    data = None if file.checked else search.content(file.path, findings)
    if data is not None:
        yield read.file(search.shown(file.path), data, namespace=file.namespace, extra=extra)


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
