"""The trial template (spec katib.md section 3.6)."""

from collections.abc import Iterator, Mapping
from typing import Any

from kagit import template as filling
from kagit.findings import Issue, Severity
from kagit.shapes import mapping, sequence, text
from kagit.v1beta1 import job, words
from kagit.v1beta1.schema import Place

_AT: Place = ("spec", "trialTemplate")
_SOURCE_FIELDS = ("configMapName", "configMapNamespace", "templatePath")


def check(spec: Mapping[str, Any]) -> Iterator[Issue]:
    """What is wrong with the trial template of an effective spec."""
    if "trialTemplate" not in spec:
        message = "trialTemplate is missing; give trialSpec with the Job to run"
        yield Issue(at=_AT, message=message, slug="template-missing")
        return
    template = mapping(spec["trialTemplate"])
    yield from _required(template)
    if "trialParameters" not in template:
        message = "trialTemplate has no trialParameters; name each placeholder of the template and its parameter"
        yield Issue(at=(*_AT, "trialParameters"), message=message, slug="trial-parameters-missing")
        return
    sources = list(_sources(template))
    yield from sources
    if sources:
        return
    names = [text(mapping(one).get("name")) for one in sequence(spec.get("parameters"))]
    yield from filling.issues(words.template(template), names=names)
    yield from job.check(mapping(template.get("trialSpec")), at=(*_AT, "trialSpec"))


def _required(template: Mapping[str, Any]) -> Iterator[Issue]:
    if not template.get("primaryContainerName"):
        message = "trialTemplate has no primaryContainerName; give the name of the container that trains"
        yield Issue(at=(*_AT, "primaryContainerName"), message=message, slug="container-missing")
    else:
        yield from _container(template)
    if not template.get("successCondition") or not template.get("failureCondition"):
        message = "trialTemplate needs successCondition and failureCondition for this kind of trial; give both"
        yield Issue(at=_AT, message=message, slug="conditions-missing")


def _container(template: Mapping[str, Any]) -> Iterator[Issue]:
    wanted, there = text(template["primaryContainerName"]), job.containers(mapping(template.get("trialSpec")))
    if there and wanted not in there:
        message = (
            f"primaryContainerName is {wanted!r}, but the Job's containers are {', '.join(there)}; name one of them"
        )
        yield Issue(
            at=(*_AT, "primaryContainerName"), message=message, slug="container-unknown", severity=Severity.WARNING
        )


def _sources(template: Mapping[str, Any]) -> Iterator[Issue]:
    inline, config = "trialSpec" in template, "configMap" in template
    if inline and config:
        message = "trialSpec and configMap exclude each other; remove one"
        yield Issue(at=_AT, message=message, slug="template-twice")
    elif not inline and not config:
        message = "trialTemplate has no trialSpec; give the Job to run"
        yield Issue(at=(*_AT, "trialSpec"), message=message, slug="template-missing")
    elif config:
        missing = [key for key in _SOURCE_FIELDS if not mapping(template["configMap"]).get(key)]
        if missing:
            message = f"configMap has no {', '.join(missing)}; give all of {', '.join(_SOURCE_FIELDS)}"
            yield Issue(at=(*_AT, "configMap"), message=message, slug="config-map-incomplete")
