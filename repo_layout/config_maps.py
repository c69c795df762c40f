"""ConfigMaps that stand among the files, and the templates that experiments take from them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeAlias

from kagit.experiment import Experiment
from kagit.findings import Finding, Issue, has_errors
from kagit.shapes import mapping, text
from kagit.spelling import did_you_mean
from kagit.v1beta1 import sources
from kagit.v1beta1.checks.placeholders import AT, BODY
from repo_layout import kinds, yaml_text
from repo_layout.document import Document, Place
from repo_layout.template_text import Parsed

Find: TypeAlias = Callable[[Place], tuple[int, int]]
Parse: TypeAlias = Callable[[str], Parsed]


class Entry(NamedTuple):
    """One text of a ConfigMap and where its key stands.

    `indent` is what stands before each of its lines in the file, -1 where they do not stand there as they are.
    """

    text: str
    line: int
    column: int
    indent: int = -1


class Held(NamedTuple):
    """A ConfigMap in a file."""

    namespace: str
    name: str
    path: str
    line: int
    entries: Mapping[str, Entry]


class Open(NamedTuple):
    """An experiment whose template stands in a ConfigMap; `find` knows the places in its file."""

    experiment: Experiment
    path: str
    find: Find


class Answer(NamedTuple):
    """The experiment with its template, or None, and what was found wrong on the way."""

    experiment: Experiment | None
    findings: tuple[Finding, ...] = ()


def finder(document: Document, at: Place) -> Find:
    """Where the parts of the object at a place of a document stand."""
    return lambda place: document.find((*at, *place))


def of(documents: Sequence[Document], path: str, data: bytes, *, namespace: str) -> tuple[Held, ...]:
    """The ConfigMaps of a file."""
    found = [(one, at, body) for one in documents for at, body in kinds.objects(one.value) if _is_config_map(body)]
    if not found:
        return ()
    lines = yaml_text.decode(data)[0].replace("\r\n", "\n").split("\n")
    return tuple(_held(mapping(body), document, at, (path, lines, namespace)) for document, at, body in found)


def _is_config_map(body: object) -> bool:
    fields = mapping(body)
    return fields.get("kind") == "ConfigMap" and fields.get("apiVersion") == "v1"


def _held(body: Mapping[str, object], document: Document, at: Place, file: tuple[str, Sequence[str], str]) -> Held:
    path, lines, namespace = file
    meta = mapping(body.get("metadata"))
    entries = {
        key: _entry(value, document.find((*at, "data", key)), lines)
        for key, value in mapping(body.get("data")).items()
        if isinstance(value, str)
    }
    where, line = text(meta.get("namespace")) or namespace, document.find((*at, "kind"))[0]
    return Held(where, text(meta.get("name")), path, line, entries)


def _entry(value: str, place: tuple[int, int], lines: Sequence[str]) -> Entry:
    """A text whose lines follow its key, as in a literal block, keeps its places; others have only that of the key."""
    line, column = place
    written = value.removesuffix("\n").split("\n")
    there = lines[line : line + len(written)]
    indents = {
        len(raw) - len(one) if raw.endswith(one) else -1 for raw, one in zip(there, written, strict=False) if one
    }
    whole = len(there) == len(written) and len(indents) == 1
    return Entry(value, line, column, indents.pop() if whole else -1)


def resolve(wanted: Iterable[Open], maps: Iterable[Held], parse: Parse) -> list[Answer]:
    """The experiments with their templates, in order."""
    index: dict[tuple[str, str], list[Held]] = {}
    for held in maps:
        index.setdefault((held.namespace, held.name), []).append(held)
    parsed: dict[str, Parsed] = {}
    answers: list[Answer] = []
    for one in wanted:
        entry, holder = _look(one, index)
        if isinstance(entry, Finding):
            answers.append(Answer(None, (entry,)))
            continue
        if entry.text not in parsed:
            parsed[entry.text] = parse(entry.text)
        answers.append(_answer(one, parsed[entry.text], entry, holder))
    return answers


def _look(one: Open, index: Mapping[tuple[str, str], Sequence[Held]]) -> tuple[Entry | Finding, str]:
    """The text that an experiment refers to with the path of its file, or what is wrong with the reference."""
    wanted = one.experiment.template.config_map or {}
    space, name, key = (wanted.get(field, "") for field in ("configMapNamespace", "configMapName", "templatePath"))
    there = index.get((space, name), ())
    if len(there) == 1:
        if key in there[0].entries:
            return there[0].entries[key], there[0].path
        guess = did_you_mean(key, tuple(there[0].entries)) if there[0].entries else "add it to its data"
        message = f"ConfigMap {space}/{name} ({there[0].path}:{there[0].line}) has no {key!r}; {guess}"
        return _at(one, "templatePath", message, "config-map-key-missing"), ""
    if there:
        places = " and ".join(f"{held.path}:{held.line}" for held in there[:3])
        message = f"ConfigMap {space}/{name} stands in {places}; remove all but one"
        return _at(one, "configMapName", message, "config-map-twice"), ""
    spaces = [found for found, of in index if of == name]
    if spaces:
        message = f"ConfigMap {name} is in namespace {', '.join(spaces)}, not {space}; did you mean {spaces[0]}?"
        return _at(one, "configMapNamespace", message, "config-map-missing"), ""
    names = tuple(of for found, of in index if found == space)
    guess = f"; {did_you_mean(name, names)}" if names else ""
    message = f"there is no ConfigMap {space}/{name} among the files{guess}; add its manifest beside the experiment"
    return _at(one, "configMapName", message, "config-map-missing"), ""


def _at(one: Open, field: str, message: str, slug: str) -> Finding:
    line, column = one.find((*AT, "configMap", field))
    return Finding(path=one.path, line=line, column=column, message=message, slug=slug)


def _answer(one: Open, parsed: Parsed, entry: Entry, path: str) -> Answer:
    found = [_moved(finding, entry, path) for finding in parsed.findings]
    if parsed.body is not None:
        issues = sources.issues(one.experiment, parsed.body)
        found.extend(_placed(issue, one, parsed, (entry, path)) for issue in issues)
    if parsed.body is None or has_errors(tuple(found)):
        return Answer(None, tuple(found))
    return Answer(sources.with_template(one.experiment, text=entry.text, body=parsed.body), tuple(found))


def _placed(issue: Issue, one: Open, parsed: Parsed, source: tuple[Entry, str]) -> Finding:
    """An issue of the template is shown in the ConfigMap, all others in the experiment."""
    if issue.at[: len(BODY)] != BODY:
        line, column = one.find(issue.at)
        place = Finding(path=one.path, line=line, column=column, message="", slug="")
    else:
        line, column = parsed.document.find(issue.at[len(BODY) :])
        place = _moved(Finding(path="", line=line, column=column, message="", slug=""), *source)
    return replace(place, message=issue.message, slug=issue.slug, severity=issue.severity)


def _moved(finding: Finding, entry: Entry, path: str) -> Finding:
    """A finding in a text, shown in the file that the text stands in."""
    if entry.indent < 0:
        return replace(finding, path=path, line=entry.line, column=entry.column)
    return replace(finding, path=path, line=entry.line + finding.line, column=entry.indent + finding.column)
