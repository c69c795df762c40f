"""JSON Schema of `.kagit.yaml`, for editors; folders that overlap or leave the repository are left to `settings.py`."""

from kagit import names
from kagit.experiment import Json
from kagit.v1beta1.openapi import DRAFT
from repo_layout import settings

_BRANCH = settings.BRANCH.pattern


def json_schema() -> Json:
    """The schema, with the defaults that are in force where nothing is said."""
    known = settings.Settings()
    return {
        "$schema": DRAFT,
        "title": ".kagit.yaml",
        "description": "What this repository says to kagit.",
        "type": "object",
        "properties": {
            "experiments": {
                "description": "Folders with experiments.",
                "anyOf": [_path(), {"type": "array", "items": _path(), "minItems": 1}],
                "default": list(known.experiments),
            },
            "reports": {"anyOf": [_path(), _reports(known.reports)], "description": "Where reports go."},
            "namespace": {
                "description": "Namespace of experiments that name none.",
                "type": "string",
                "pattern": _whole(names.DNS_LABEL.pattern),
                "default": known.namespace,
            },
        },
        "additionalProperties": False,
    }


def _reports(known: settings.Reports) -> Json:
    return {
        "type": "object",
        "properties": {
            "path": {**_path(), "description": "Folder of the reports.", "default": known.path},
            "branch": {
                "description": "Branch of the reports; empty: the one that is followed.",
                "type": "string",
                "pattern": f"^(?:{_BRANCH})?$",
                "default": known.branch,
            },
            "interval": {
                "description": "Reports are written at most this often.",
                "type": "string",
                "pattern": _whole(settings.DURATION.pattern),
                "default": f"{known.interval}s",
            },
            "push": {"description": "Whether report commits are pushed.", "type": "boolean", "default": known.push},
        },
        "additionalProperties": False,
    }


def _path() -> Json:
    return {"type": "string", "minLength": 1, "maxLength": settings.LONGEST}


def _whole(pattern: str) -> str:
    return f"^(?:{pattern})$"
