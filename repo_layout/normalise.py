"""`kagit fmt`: the normal form of files with Experiments. Meaning and comments stay, or the file stays as it is."""

import json
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from kagit.findings import Finding, Issue, Severity, has_errors
from kagit.shapes import at as value_at
from kagit.spelling import short
from repo_layout import kinds, layout, normal_form, read, source, yaml_text
from repo_layout.build import Stop
from repo_layout.document import Document, Place
from repo_layout.source_notes import Odd

_BREAKS = re.compile("[\r\x85\u2028\u2029]")
_NOTHING = re.compile(r"[ \t\r]*(?:[ \t]#.*)?")
_NO_ORDER = Issue(
    at=(),
    message="keys keep their order here, because an alias would stand before its anchor; write out what it means",
    slug="fmt-order",
    severity=Severity.WARNING,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Formatted:
    """The bytes of a file in normal form; the old bytes, if a finding is an error."""

    data: bytes
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A document's text: what stands before its content, the content, what ends it; and the line of the content."""

    head: str
    body: str
    end: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Laid:
    """A document's new text, what that has to mean, and what is to be said."""

    text: str
    value: object
    findings: tuple[Finding, ...] = ()


def file(path: str, data: bytes) -> Formatted:
    """A file in normal form. Documents without an Experiment stay byte for byte; so does a file that is wrong YAML."""
    found, findings = read.documents(data, path)
    wrong = [one for one in findings if one.severity is Severity.ERROR]
    wrong += [_finding(path, document, issue) for document in found for issue in _errors(document)]
    if wrong:
        return Formatted(data=data, findings=tuple(sorted(wrong)))
    if not any(_experiments(document) for document in found):
        return Formatted(data=data)
    content, _ = yaml_text.decode(data)
    laid = [_laid(path, document, part) for document, part in zip(found, _parts(content), strict=True)]
    new = "".join(one.text for one in laid).encode()
    told = tuple(sorted(finding for one in laid for finding in one.findings))
    if any(one.severity is Severity.ERROR for one in told):
        return Formatted(data=data, findings=told)
    if _values(new) != [_exact(one.value) for one in laid]:
        message = "kagit would change what this file means and leaves it as it is; report it, with the file"
        return Formatted(data=data, findings=(Finding(path=path, message=message, slug="fmt-meaning"),))
    return Formatted(data=new, findings=told)


def _laid(path: str, document: Document, part: _Part) -> _Laid:
    raw = _Laid(text=part.head + part.body + part.end, value=document.value)
    experiments = _experiments(document)
    if not experiments:
        return raw
    try:
        written = _source(part)
    except Odd as odd:
        return replace(raw, findings=(_said(path, odd, "fmt-left-alone", Severity.WARNING),))
    head, end = (text.replace("\r\n", "\n") for text in (part.head, part.end))
    for in_order in (True, False):
        normal, texts = normal_form.normal(written, experiments, in_order=in_order)
        new, value = layout.text(normal), _with(document.value, texts)
        if _values(new.encode()) == [_exact(value)] and source.parse(new).comments == written.comments:
            issues = [_into_text(place, text) for place, text in texts.items()]
            issues += [] if in_order else [_NO_ORDER]
            findings = tuple(_finding(path, document, issue) for issue in issues)
            return _Laid(text=head + new + end, value=value, findings=findings)
    message = "kagit would change what this document means and leaves the file as it is; report it, with the file"
    return replace(raw, findings=(_said(path, Odd(part.line, 1, message), "fmt-meaning", Severity.ERROR),))


def _source(part: _Part) -> source.Source:
    body = part.body.replace("\r\n", "\n")
    if part.head and not part.head.endswith("\n"):
        raise Odd(part.line, 1, "content stands beside ---; put it on the next line")
    strange = _BREAKS.search(body)
    if strange:
        line = part.line + body.count("\n", 0, strange.start())
        raise Odd(
            line, 1, f"this line holds U+{ord(strange[0]):04X}, which ends a line to some readers; write an escape"
        )
    try:
        return source.parse(body)
    except Odd as odd:
        raise Odd(odd.line + part.line - 1, odd.column, odd.message) from None
    except Stop as stop:
        raise Odd(stop.line + part.line - 1, stop.column, "this cannot be read without what stands above ---") from None


def _parts(content: str) -> Iterator[_Part]:
    """The text of each document; together they are the whole text."""
    starts: list[int] = []
    bodies: list[int] = []
    ends: list[int | None] = []
    for name, event in read.events(content):
        at: int = event.start_mark.index
        if name == "DocumentStartEvent":
            start = at if event.explicit else content.rfind("\n", 0, at) + 1
            starts.append(start if starts else 0)
            bodies.append(_after_marker(content, event.end_mark.index) if event.explicit else starts[-1])
        elif name == "DocumentEndEvent":
            ends.append(at if event.explicit else None)
    for start, body, end, following in zip(starts, bodies, ends, [*starts[1:], len(content)], strict=True):
        stop = following if end is None else end
        line = content.count("\n", 0, body) + 1
        yield _Part(head=content[start:body], body=content[body:stop], end=content[stop:following], line=line)


def _after_marker(content: str, at: int) -> int:
    """The line after `---`, or what stands beside it."""
    end = content.find("\n", at)
    line = content[at : end if end >= 0 else len(content)]
    return at if end < 0 or not _NOTHING.fullmatch(line) else end + 1


def _experiments(document: Document) -> set[Place]:
    return {at for at, body in kinds.objects(document.value) if kinds.check(body, at).is_experiment}


def _errors(document: Document) -> Iterator[Issue]:
    """What makes an Experiment's text doubtful; what is odd in other people's objects is not ours to judge."""
    ours = _experiments(document)
    others = {at for at, _ in kinds.objects(document.value) if at not in ours}
    for issue in document.issues if ours else ():
        inside = any(issue.at[:length] in others for length in range(len(issue.at) + 1))
        if issue.severity is Severity.ERROR and not inside:
            yield issue


def _values(data: bytes) -> list[str] | None:
    found, findings = read.documents(data, "")
    return None if has_errors(findings) else [_exact(document.value) for document in found]


def _exact(value: object) -> str:
    """Equal for equal values only: 1, 1.0 and true differ, the order of keys does not count."""
    return json.dumps(value, sort_keys=True)


def _with(value: object, texts: Mapping[Place, str]) -> object:
    new = deepcopy(value)
    for place, text in texts.items():
        outer: Any = value_at(new, *place[:-1])
        outer[place[-1]] = text
    return new


def _into_text(place: Place, text: str) -> Issue:
    name = next((str(part) for part in reversed(place) if isinstance(part, str)), "")
    message = f'{name} is the number {short(text)}, where Katib wants text; fmt writes it as "{short(text)}"'
    return Issue(at=place, message=message, slug="fmt-text", severity=Severity.WARNING)


def _finding(path: str, document: Document, issue: Issue) -> Finding:
    line, column = document.find(issue.at)
    return Finding(path=path, line=line, column=column, message=issue.message, slug=issue.slug, severity=issue.severity)


def _said(path: str, odd: Odd, slug: str, severity: Severity) -> Finding:
    return Finding(path=path, line=odd.line, column=odd.column, message=odd.message, slug=slug, severity=severity)
