"""An Experiment's manifest into words, with everything that is wrong with it at once."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, cast

from kagit import names
from kagit.experiment import Experiment, Json, ResumePolicy
from kagit.findings import Issue, Severity
from kagit.search import search as asked_search
from kagit.shapes import mapping, text
from kagit.spelling import short
from kagit.v1beta1 import defaults, digests, schema, words
from kagit.v1beta1.checks import budget, collector, metadata, metric, nas, objective, search, space, template
from kagit.wishes import wishes

_SPEC_CHECKS = (
    budget.check,
    objective.check,
    objective.check_algorithm,
    budget.check_resume,
    metric.check,
    space.check,
    nas.check,
    template.check,
    collector.check,
)
_GAPS = ("-missing", "-incomplete", "-empty")
_METADATA = schema.Record(schema.METADATA)
_KEPT = {"algorithm", "earlyStopping", "parameters", "nasConfig", "objective", "parallelTrialCount", "maxTrialCount"}
_SKETCH: Json = {
    "apiVersion": names.API_VERSION,
    "kind": "Experiment",
    "metadata": {"name": "sketch"},
    "spec": {"objective": {"type": "minimize", "objectiveMetricName": "loss"}, "trialTemplate": {}},
}


def experiment(body: Mapping[str, Any], *, namespace: str = "default") -> tuple[Experiment | None, tuple[Issue, ...]]:
    """The Experiment that a manifest means (None if an issue is an error) and all issues, in Katib's order of rules.

    `namespace` counts where the manifest names none.
    """
    issues: list[Issue] = []
    clean = mapping(schema.fit(body, schema.EXPERIMENT, (), issues))
    meta = _metadata(mapping(clean.get("metadata")), issues)
    where = text(meta.get("namespace")) or namespace
    spec = defaults.effective(mapping(clean.get("spec")))
    typed = {issue.at for issue in issues if issue.severity is Severity.ERROR}
    found = (issue for issue in _checks(clean, meta, spec, where) if not _follows(issue, typed))
    issues.extend(islice(found, schema.MAX_ISSUES))
    if next(found, None) is not None:
        message = f"there is more wrong than {schema.MAX_ISSUES} findings say; correct these first"
        issues.append(Issue(at=(), message=message, slug="too-many-findings"))
    if any(issue.severity is Severity.ERROR for issue in issues):
        return None, tuple(issues)
    meant = _words(body, meta, spec, where)
    issues.extend(islice(search.check(meant), schema.MAX_ISSUES))
    return (None if any(issue.severity is Severity.ERROR for issue in issues) else meant), tuple(issues)


def sketch(body: Mapping[str, Any], issues: Sequence[Issue]) -> Experiment | None:
    """What can be said of algorithm and early stopping in spite of the issues; None where that is nothing.

    All else is made up, but for the space: it is empty where parameters have errors, as are settings that have some.
    """
    given = mapping(mapping(schema.fit(body, schema.EXPERIMENT, (), [])).get("spec"))
    errors = [issue.at for issue in issues if issue.severity is Severity.ERROR]
    wrong = {at[1] for at in errors if len(at) > 1 and at[2:3] != ("algorithmSettings",)}
    if "algorithm" in wrong or "earlyStopping" in wrong or "algorithm" not in given:
        return None
    sound = {key: value for key, value in given.items() if key not in wrong and key in _KEPT}
    for part in ("algorithm", "earlyStopping"):
        if any(at[:3] == ("spec", part, "algorithmSettings") for at in errors):
            sound[part] = {"algorithmName": text(mapping(given.get(part)).get("algorithmName"))}
    return _words(_SKETCH, _SKETCH["metadata"], defaults.effective({**_SKETCH["spec"], **sound}), "default")


def _follows(issue: Issue, typed: set[schema.Place]) -> bool:
    """Whether it was said already, or something is only missing because what stands in it has the wrong type."""
    if issue.at in typed:
        return True
    return issue.slug.endswith(_GAPS) and any(at[: len(issue.at)] == issue.at for at in typed)


def _metadata(raw: Mapping[str, Any], issues: list[Issue]) -> Mapping[str, Any]:
    known = {key: raw[key] for key in schema.METADATA if key in raw}  # the rest is Kubernetes' business
    return mapping(schema.fit(known, _METADATA, ("metadata",), issues))


def _checks(clean: Mapping[str, Any], meta: Mapping[str, Any], spec: Json, namespace: str) -> Iterator[Issue]:
    version, kind = text(clean.get("apiVersion")), text(clean.get("kind"))
    if version != names.API_VERSION:
        message = f"apiVersion is {repr(short(version)) if version else 'missing'}; give {names.API_VERSION}"
        yield Issue(at=("apiVersion",), message=message, slug="api-version")
    if kind != "Experiment":
        yield Issue(at=("kind",), message=f"kind is {short(kind)!r}; give Experiment", slug="kind")
    yield from metadata.check(meta, raw=mapping(clean.get("metadata")), namespace=namespace)
    if "status" in clean:
        message = "status is kagit's to write, this one is ignored; remove it"
        yield Issue(at=("status",), message=message, slug="status-ignored", severity=Severity.WARNING)
    if "spec" not in clean:
        message = "spec is missing; give objective, algorithm, parameters and trialTemplate"
        yield Issue(at=("spec",), message=message, slug="spec-missing")
        return
    yield from collector.check_spelling(mapping(clean["spec"]))
    for check in _SPEC_CHECKS:
        yield from check(spec)


def _words(body: Mapping[str, Any], meta: Mapping[str, Any], spec: Json, namespace: str) -> Experiment:
    annotations = cast("Mapping[str, str]", meta.get("annotations", {}))
    written = mapping(body.get("spec")).get("objective")
    shaped = {**spec, **digests.shape(annotations)}
    return Experiment(
        namespace=namespace,
        name=text(meta["name"]),
        space=words.space(spec.get("parameters")),
        objective=words.aimed(words.objective(spec["objective"]), annotations, given=mapping(written)),
        algorithm=words.algorithm(spec["algorithm"]),
        template=words.template(spec["trialTemplate"]),
        early_stopping=words.algorithm(spec["earlyStopping"]) if "earlyStopping" in spec else None,
        nas=spec.get("nasConfig"),
        collector=words.collector(spec["metricsCollectorSpec"]),
        parallel=spec["parallelTrialCount"],
        max_trials=spec.get("maxTrialCount"),
        max_failed=spec.get("maxFailedTrialCount"),
        resume=ResumePolicy(spec["resumePolicy"]),
        labels=cast("Mapping[str, str]", meta.get("labels", {})),
        annotations=annotations,
        wishes=wishes(annotations),
        search=asked_search(annotations),
        spec_digest=digests.of(shaped),
        run_digest=digests.run(shaped),
        manifest={key: body[key] for key in ("apiVersion", "kind", "metadata", "spec")},
    )
