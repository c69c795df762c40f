"""The one door to PyYAML: bytes into plain data with the place of every key and item.

Events are read instead of nodes, because PyYAML's C composer overflows the stack on 100,000 brackets.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, cast

from kagit.experiment import Experiment
from kagit.findings import Finding, Issue, Severity, has_errors
from kagit.shapes import mapping, text
from kagit.v1beta1 import manifest, sources
from repo_layout import config_maps, kinds, template_text, yaml_text
from repo_layout.build import MAX_DEPTH, Builder, Stop
from repo_layout.document import Document, Place
from repo_layout.settings import Settings, is_below
from repo_layout.settings import settings as of_settings

MAX_BYTES = 1 << 20
MAX_DOCUMENTS = 100
SUFFIXES = (".yaml", ".yml")
_SAID_BY_ERRORS = ("yaml-boolean", "yaml-number")


def documents(
    data: bytes, path: str, builder: type[Builder] = Builder
) -> tuple[tuple[Document, ...], tuple[Finding, ...]]:
    """All documents of a file up to the first syntax error, and what is wrong with the file itself.

    Never raises, whatever the bytes are; limits on size, depth, documents and aliases end in a finding.
    """
    if len(data) > MAX_BYTES:
        message = f"the file has {len(data)} bytes; split it, {MAX_BYTES} are allowed"
        return (), (Finding(path=path, message=message, slug="file-too-large"),)
    content, flaw = yaml_text.decode(data)
    if flaw is not None:
        return (), (Finding(path=path, line=flaw.line, column=flaw.column, message=flaw.message, slug=flaw.slug),)
    findings: list[Finding] = []
    if yaml_text.has_mark(data):
        message = "the file starts with a byte order mark, which some tools refuse; save it as UTF-8 without"
        findings.append(
            Finding(path=path, line=1, column=1, message=message, slug="byte-order-mark", severity=Severity.WARNING)
        )
    found: list[Document] = []
    try:
        for document in _documents(content, builder()):
            found.append(document)
            if len(found) > MAX_DOCUMENTS:
                line, column = document.position[:2]
                raise Stop(line, column, f"more than {MAX_DOCUMENTS} documents; split the file", "too-many-documents")  # noqa: TRY301 - one place makes findings of stops
    except Stop as stop:
        finding = Finding(path=path, line=stop.line, column=stop.column, message=stop.message, slug=stop.slug)
        return tuple(found), (*findings, finding)
    return tuple(found), tuple(findings)


def _documents(content: str, builder: Builder) -> Iterator[Document]:
    takers: dict[str, Callable[[Any], None]] = {
        "ScalarEvent": builder.scalar,
        "MappingStartEvent": lambda event: builder.start(event, mapping=True),
        "SequenceStartEvent": lambda event: builder.start(event, mapping=False),
        "MappingEndEvent": builder.end,
        "SequenceEndEvent": builder.end,
        "AliasEvent": builder.alias,
        "DocumentStartEvent": builder.reset,
    }
    for name, event in events(content):
        take = takers.get(name)
        if take is not None:
            take(event)
        elif name == "DocumentEndEvent":
            yield Document(*builder.result())


def events(content: str) -> Iterator[tuple[str, Any]]:
    """PyYAML's events, each with the name of its class; raises Stop at the first syntax error."""
    import yaml

    loader: Any = yaml.CSafeLoader(content)
    try:
        while loader.check_event():
            event: Any = loader.get_event()
            yield type(event).__name__, event
    except yaml.MarkedYAMLError as error:
        raise _syntax(error, content) from None
    except yaml.YAMLError as error:
        raise Stop(1, 1, f"not YAML: {error}", "yaml-syntax") from None
    finally:
        loader.dispose()


def _syntax(error: Any, content: str) -> Stop:  # noqa: ANN401 - PyYAML has no types
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    lines = content.splitlines() or [""]
    if line > len(lines):  # the parser counts the end of the file as a line of its own
        line, column = len(lines), len(lines[-1]) + 1
    written = lines[line - 1]
    if "\t" in written[: len(written) - len(written.lstrip())]:
        return Stop(line, written.index("\t") + 1, "a tab indents this line; YAML allows only spaces there", "yaml-tab")
    problem = cast("str", error.problem or error.context or "unreadable")
    if "maximum nesting depth" in problem:
        return Stop(line, column, f"more than {MAX_DEPTH} levels deep; flatten it", "too-deep")
    context = f" {error.context}" if error.context and error.context != problem else ""
    return Stop(line, column, f"not YAML: {problem}{context}; correct the line or the one before", "yaml-syntax")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredExperiment:
    """An experiment with the file and line that declare it."""

    experiment: Experiment
    path: str
    line: int
    find: config_maps.Find | None = None
    """Where things stand in the file; only for an experiment whose template is still to be found in a ConfigMap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedExperiment:
    """An experiment that a file names but that cannot be used: it is not gone. An unreadable name is empty."""

    namespace: str
    name: str
    path: str
    line: int
    errors: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What files declare. A file in `broken` may hold more experiments than could be named: those are not gone."""

    experiments: tuple[DeclaredExperiment, ...] = ()
    refused: tuple[RefusedExperiment, ...] = ()
    findings: tuple[Finding, ...] = ()
    broken: frozenset[str] = frozenset()
    maps: tuple[config_maps.Held, ...] = ()


Extra: TypeAlias = Callable[[Experiment], tuple[Issue, ...]]


def nothing_more(_experiment: Experiment) -> tuple[Issue, ...]:
    """No further checks."""
    return ()


def declared(files: Mapping[str, bytes], settings: Settings, *, extra: Extra = nothing_more) -> Declared:
    """All experiments in the YAML files below the folders that `settings` name; one bad file never stops the others."""
    paths = sorted(path for path in files if is_manifest(path, settings))
    return together([file(path, files[path], namespace=settings.namespace, extra=extra) for path in paths])


def is_manifest(path: str, settings: Settings) -> bool:
    """Whether a path is a YAML file below one of the folders for experiments."""
    return path.endswith(SUFFIXES) and any(is_below(path, folder) for folder in settings.experiments)


def together(parts: Sequence[Declared]) -> Declared:
    """The parts as one: ConfigMaps are found wherever they stand, and what is declared twice is an error."""
    whole = _merged(parts)
    waiting = [
        config_maps.Open(one.experiment, one.path, one.find) for one in whole.experiments if one.find is not None
    ]
    return _resolved(whole, config_maps.resolve(waiting, whole.maps, template)) if waiting else whole


def template(content: str) -> template_text.Parsed:
    """The template that a text means, as one stands in a ConfigMap."""
    return template_text.parse(content, documents)


def _resolved(whole: Declared, answers: Sequence[config_maps.Answer]) -> Declared:
    """The experiments whose template was found have it, the others are refused."""
    left = iter(answers)
    experiments, refused = list[DeclaredExperiment](), list(whole.refused)
    for one in whole.experiments:
        answer = next(left) if one.find is not None else config_maps.Answer(one.experiment)
        if answer.experiment is not None:
            experiments.append(replace(one, experiment=answer.experiment, find=None))
            continue
        errors = tuple(finding for finding in answer.findings if finding.severity is Severity.ERROR)
        space, name = one.experiment.namespace, one.experiment.name
        refused.append(RefusedExperiment(namespace=space, name=name, path=one.path, line=one.line, errors=errors))
    findings = {*whole.findings, *(finding for answer in answers for finding in answer.findings)}
    return replace(
        whole, experiments=tuple(experiments), refused=tuple(refused), findings=tuple(sorted(findings)), maps=()
    )


def _merged(parts: Sequence[Declared]) -> Declared:
    """The parts as one; an experiment that was declared before is an error that names the first place."""
    first: dict[tuple[str, str], DeclaredExperiment] = {}
    findings = [finding for part in parts for finding in part.findings]
    for one in (one for part in parts for one in part.experiments):
        known = first.setdefault((one.experiment.namespace, one.experiment.name), one)
        if known is not one:
            message = f"{one.experiment.title} is declared already in {known.path}:{known.line}; rename or remove one"
            findings.append(Finding(path=one.path, line=one.line, column=1, message=message, slug="experiment-twice"))
    return Declared(
        experiments=tuple(first.values()),
        refused=tuple(one for part in parts for one in part.refused),
        findings=tuple(sorted(findings)),
        broken=frozenset(path for part in parts for path in part.broken),
        maps=tuple(one for part in parts for one in part.maps),
    )


def file(path: str, data: bytes, *, namespace: str = "default", extra: Extra = nothing_more) -> Declared:
    """What one file declares; depends on nothing but its arguments, so that answers may be kept by blob id.

    `extra` may add what else is wrong with an experiment, e.g. its algorithm's settings.
    """
    found, findings = documents(data, path)
    parts = [_document(document, path, namespace=namespace, extra=extra) for document in found]
    parts.append(Declared(maps=config_maps.of(found, path, data, namespace=namespace)))
    if not findings and all(document.value is None and not document.issues for document in found):
        message = "the file declares nothing; write an Experiment, or remove the file"
        findings = (Finding(path=path, message=message, slug="empty-file", severity=Severity.WARNING),)
    whole = _merged([*parts, Declared(findings=findings)])
    return replace(whole, broken=frozenset({path})) if has_errors(findings) else whole


def settings(data: bytes | None, path: str = ".kagit.yaml") -> tuple[Settings, tuple[Finding, ...]]:
    """Settings from the bytes of `.kagit.yaml`; all defaults where there is no such file."""
    if data is None:
        return Settings(), ()
    found, findings = documents(data, path)
    if len(found) > 1:
        line, column = found[1].find(())
        message = "settings are one document; remove the second"
        findings = (*findings, Finding(path=path, line=line, column=column, message=message, slug="not-settings"))
    if not found:
        return Settings(), findings
    known, issues = of_settings(found[0].value)
    return known, (*findings, *_findings([*issues, *found[0].issues], found[0], path))


def _document(document: Document, path: str, *, namespace: str, extra: Extra) -> Declared:
    if document.value is None and not document.issues:
        return Declared()
    parts = (_object(one, document, path, namespace=namespace, extra=extra) for one in kinds.objects(document.value))
    return _merged(list(parts))


def _object(found_at: tuple[Place, object], document: Document, path: str, *, namespace: str, extra: Extra) -> Declared:
    at, body = found_at
    wanted = kinds.check(body, at)
    if not wanted.ours:  # what is odd in other people's objects is not ours to judge
        return Declared(findings=_findings(wanted.issues, document, path))
    issues = [*wanted.issues, *(issue for issue in document.issues if issue.at[: len(at)] == at)]
    experiment = None
    if wanted.is_experiment:
        experiment, found = manifest.experiment(mapping(body), namespace=namespace)
        more = extra(experiment) if experiment is not None else _in_spite(mapping(body), found, extra)
        placed = [replace(issue, at=(*at, *issue.at)) for issue in (*found, *more)]
        unread = {issue.at for issue in document.issues if issue.slug == "not-finite"}
        issues.extend(issue for issue in placed if issue.at not in unread)  # that it is missing only follows
    findings = _findings(issues, document, path)
    line = document.find((*at, "apiVersion"))[0]
    if experiment is not None and not has_errors(findings):
        find = config_maps.finder(document, at) if sources.is_open(experiment) else None
        one = DeclaredExperiment(experiment=experiment, path=path, line=line, find=find)
        return Declared(experiments=(one,), findings=findings)
    if not wanted.is_experiment:
        return Declared(findings=findings, broken=frozenset({path}) if has_errors(findings) else frozenset())
    meta = mapping(mapping(body).get("metadata"))
    refused = RefusedExperiment(
        namespace=text(meta.get("namespace")) or namespace,
        name=text(meta.get("name")),
        path=path,
        line=line,
        errors=tuple(finding for finding in findings if finding.severity is Severity.ERROR),
    )
    return Declared(refused=(refused,), findings=findings, broken=frozenset() if refused.name else frozenset({path}))


def _in_spite(body: Mapping[str, Any], found: Sequence[Issue], extra: Extra) -> Iterator[Issue]:
    """What is wrong with the algorithms of an experiment that cannot be read as a whole."""
    sketch = manifest.sketch(body, found)
    broken = {issue.at[:3] for issue in found if issue.severity is Severity.ERROR}
    for issue in extra(sketch) if sketch is not None else ():
        if issue.at[:2] in (("spec", "algorithm"), ("spec", "earlyStopping")) and issue.at[:3] not in broken:
            yield issue


def _findings(issues: Sequence[Issue], document: Document, path: str) -> tuple[Finding, ...]:
    errors = {document.find(issue.at) for issue in issues if issue.severity is Severity.ERROR}
    found: list[Finding] = []
    for issue in issues:
        line, column = document.find(issue.at)
        if issue.slug in _SAID_BY_ERRORS and (line, column) in errors:
            continue  # the error at this place says the same
        one = Finding(
            path=path, line=line, column=column, message=issue.message, slug=issue.slug, severity=issue.severity
        )
        found.append(one)
    return tuple(sorted(found))
