"""What is wrong with a file, where, and the way out."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is: an error stops the file, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Finding:
    """One finding; `line` and `column` count from 1 as editors do, 0 means the whole file."""

    path: str
    line: int = 0
    column: int = 0
    message: str
    slug: str
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        """`file:line:column: message [slug]`, the form that editors and CI logs link."""
        return f"{self.path}:{self.line}:{self.column}: {self.message} [{self.slug}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """A finding that knows only its place in the object, as keys and list indexes from the root."""

    at: tuple[str | int, ...]
    message: str
    slug: str
    severity: Severity = Severity.ERROR

    @property
    def field(self) -> str:
        """The place in Kubernetes' notation, e.g. `spec.parameters[0].name`."""
        text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.at)
        return text.removeprefix(".")


def has_errors(findings: tuple[Finding, ...]) -> bool:
    """Whether one of the findings stops its file."""
    return any(finding.severity is Severity.ERROR for finding in findings)
