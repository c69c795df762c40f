"""The trial template (spec katib.md section 3.6)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kagit.experiment import Json, TrialTemplate
from kagit.findings import Issue
from kagit.shapes import at as look
from kagit.shapes import mapping, sequence, text
from kagit.v1beta1 import job, words
from kagit.v1beta1.checks import conditions, parts, placeholders
from kagit.v1beta1.checks.placeholders import AT, BODY

_SOURCE_FIELDS = ("configMapName", "configMapNamespace", "templatePath")


def check(spec: Mapping[str, Any]) -> Iterator[Issue]:
    """What is wrong with the trial template of an effective spec."""
    if "trialTemplate" not in spec:
        message = "trialTemplate is missing; give trialSpec with the Job to run"
        yield Issue(at=AT, message=message, slug="template-missing")
        return
    template = mapping(spec["trialTemplate"])
    if not template.get("primaryContainerName"):
        message = "trialTemplate has no primaryContainerName; give the name of the container that trains"
        yield Issue(at=(*AT, "primaryContainerName"), message=message, slug="container-missing")
    yield from conditions.check(template)
    if "trialParameters" not in template:
        message = "trialTemplate has no trialParameters; name each placeholder of the template and its parameter"
        yield Issue(at=(*AT, "trialParameters"), message=message, slug="trial-parameters-missing")
        return
    sources = list(_sources(template))
    yield from sources
    if sources:
        return
    names = [text(mapping(one).get("name")) for one in sequence(spec.get("parameters"))]
    meant = words.template(template)
    yield from placeholders.check(meant, names=names)
    if meant.trial_spec is not None:
        yield from check_body(meant, meant.trial_spec, names=names)


def check_body(template: TrialTemplate, body: Json, *, names: Sequence[str]) -> Iterator[Issue]:
    """What is wrong with the object that trials are made of, wherever it comes from."""
    yield from placeholders.check_body(template, body, names=names)
    yield from _identity(body)
    yield from job.check(body, at=BODY)
    yield from parts.check(template, body)
    given = {"successCondition": template.success_condition, "failureCondition": template.failure_condition}
    yield from conditions.check_body(given, body)


def _identity(body: Json) -> Iterator[Issue]:
    for key in ("name", "namespace"):
        if look(body, "metadata", key):
            message = f"metadata.{key} of the template is set for each trial; remove it"
            yield Issue(at=(*BODY, "metadata", key), message=message, slug="template-named")
    for key in ("apiVersion", "kind"):
        if not isinstance(body.get(key), str) or not body[key]:
            yield Issue(at=BODY, message=f"the template has no {key}; give one, e.g. for a Job", slug="template-kind")


def _sources(template: Mapping[str, Any]) -> Iterator[Issue]:
    inline, config = "trialSpec" in template, "configMap" in template
    if inline and config:
        message = "trialSpec and configMap exclude each other; remove one"
        yield Issue(at=AT, message=message, slug="template-twice")
    elif not inline and not config:
        message = "trialTemplate has no trialSpec; give the Job to run"
        yield Issue(at=(*AT, "trialSpec"), message=message, slug="template-missing")
    elif config:
        missing = [key for key in _SOURCE_FIELDS if not mapping(template["configMap"]).get(key)]
        if missing:
            message = f"configMap has no {', '.join(missing)}; give all of {', '.join(_SOURCE_FIELDS)}"
            yield Issue(at=(*AT, "configMap"), message=message, slug="config-map-incomplete")
