"""The CustomResourceDefinitions of Katib's three kinds (spec katib.md section 1.1), with our schema and our rules."""

from collections.abc import Mapping
from dataclasses import dataclass

from kagit import names
from kagit.experiment import Json
from kagit.v1beta1 import fields_experiment, fields_trial, openapi
from kagit.v1beta1.admission import budget, cel, collector, nas, space, template
from kagit.v1beta1.fields_common import HEAD
from kagit.v1beta1.shape import Record

RULES = (*budget.RULES, *space.RULES, *nas.RULES, *template.RULES, *collector.RULES)
"""All that an API server can check of an Experiment by itself, in the words of `kagit validate`."""
_CATEGORIES = ("all", "kubeflow", "katib")
_LAST = ".status.conditions[-1:]"
_STATUS = (("Type", "string", f"{_LAST}.type"), ("Status", "string", f"{_LAST}.status"))
_AGE = ("Age", "date", ".metadata.creationTimestamp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One of Katib's kinds: its fields, its columns, and whether people write it (then the words are ours)."""

    name: str
    doc: str
    spec: Record
    status: Record
    columns: tuple[tuple[str, str, str], ...] = (*_STATUS, _AGE)
    rules: tuple[cel.Rule, ...] = ()

    @property
    def plural(self) -> str:
        """The name in URLs."""
        return f"{self.name.lower()}s"


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            name="Experiment",
            doc="A search for good hyperparameters.",
            spec=fields_experiment.SPEC,
            status=fields_experiment.STATUS,
            rules=RULES,
        ),
        Kind(
            name="Suggestion",
            doc="Points that an algorithm gave for an Experiment; made by kagit.",
            spec=fields_trial.SUGGESTION_SPEC,
            status=fields_trial.SUGGESTION_STATUS,
            columns=(
                *_STATUS,
                ("Requested", "string", ".spec.requests"),
                ("Assigned", "string", ".status.suggestionCount"),
                _AGE,
            ),
        ),
        Kind(
            name="Trial",
            doc="One point of an Experiment, tried; made by kagit.",
            spec=fields_trial.TRIAL_SPEC,
            status=fields_trial.TRIAL_STATUS,
        ),
    )
}


def definition(kind: Kind) -> Json:
    """The CustomResourceDefinition: no default is in it, so that what Git says and what is stored stay the same."""
    group, version = names.API_VERSION.split("/")
    columns = [{"name": name, "type": type_, "jsonPath": path} for name, type_, path in kind.columns]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "conversion": {"strategy": "None"},
            "names": {
                "kind": kind.name,
                "listKind": f"{kind.name}List",
                "plural": kind.plural,
                "singular": kind.name.lower(),
                "categories": list(_CATEGORIES),
            },
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": columns,
                    "schema": {"openAPIV3Schema": _object(kind)},
                }
            ],
        },
    }


def _object(kind: Kind) -> Json:
    rules = cel.by_place(kind.rules)
    properties: Json = {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"type": "object"},
        "spec": openapi.structural(kind.spec, rules, at="spec", limits=not kind.rules),
        "status": openapi.structural(kind.status, {}, at="status", limits=True),
    }
    root: Json = {"description": kind.doc, "type": "object", "properties": properties}
    return root | ({"x-kubernetes-validations": rules[""]} if "" in rules else {"required": ["spec"]})


def json_schema(kind: Kind) -> Json:
    """The JSON Schema of a manifest, for editors; a status that stands there is not looked at."""
    head = openapi.json_schema(Record({**HEAD, "spec": kind.spec}, doc=kind.doc, required=(*HEAD, "spec")))
    properties: Json = head["properties"]
    properties["apiVersion"] = {"const": names.API_VERSION}
    properties["kind"] = {"const": kind.name}
    properties["metadata"]["required"] = ["name"]
    properties["status"] = openapi.json_schema(kind.status)
    return {"$schema": openapi.DRAFT, "title": kind.name, **head}
