"""A container's environment as the kubelet would make it, as far as one machine can. No input or output."""

import re
from collections.abc import Mapping

from kagit.experiment import Json
from kagit.shapes import at, mapping, sequence, text

_REFERENCE = re.compile(r"\$(?:\$|\(([^()$]*)\))")
_KEYED = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")
_FIELDS = ("metadata.name", "metadata.namespace", "metadata.uid")
_FROM_CLUSTER = {
    "configMapKeyRef": "a ConfigMap",
    "secretKeyRef": "a Secret",
    "resourceFieldRef": "the container's cgroup",
    "fileKeyRef": "a volume",
}
_ENV_FROM = {"configMapRef": "a ConfigMap", "secretRef": "a Secret"}


def expand(value: str, known: Mapping[str, str]) -> str:
    """`value` with $(NAME) replaced where NAME is known and $$ as $, as the kubelet does."""

    def replacement(match: re.Match[str]) -> str:
        name = match.group(1)
        return "$" if name is None else known.get(name, match.group())

    return _REFERENCE.sub(replacement, value) if "$" in value else value


def environment_refusal(container: Mapping[str, object]) -> str:
    """Why the container's environment needs a cluster; empty when it does not."""
    for entry in sequence(container.get("envFrom")):
        for field, source in _ENV_FROM.items():
            if at(entry, field) is not None and at(entry, field, "optional") is not True:
                return f"envFrom {field} {at(entry, field, 'name')!r} needs {source} on a cluster; use env to run here"
    for entry in sequence(container.get("env")):
        if why := _entry_refusal(mapping(entry)):
            return why
    return ""


def _entry_refusal(entry: Mapping[str, object]) -> str:
    source, name = mapping(entry.get("valueFrom")), entry.get("name")
    for field, needed in _FROM_CLUSTER.items():
        if at(source, field) is not None and at(source, field, "optional") is not True:
            return f"env {name!r}: {field} needs {needed} on a cluster; give value to run here"
    path = at(source, "fieldRef", "fieldPath")
    if path is not None and path not in _FIELDS and _KEYED.fullmatch(str(path)) is None:
        known = ", ".join(_FIELDS)
        return f"env {name!r}: fieldRef {path} needs a cluster; here there are {known}, labels and annotations"
    return ""


def container_variables(
    container: Mapping[str, object], *, manifest: Json, name: str, known: Mapping[str, str]
) -> dict[str, str]:
    """`known` and the container's own variables, each able to refer to those before it."""
    result = dict(known)
    for entry in sequence(container.get("env")):
        variable, source = text(at(entry, "name")), mapping(at(entry, "valueFrom"))
        if not variable:
            continue
        if not source:
            value = at(entry, "value")
            result[variable] = expand("" if value is None else str(value), result)
        elif "fieldRef" in source:
            result[variable] = _field(str(at(source, "fieldRef", "fieldPath")), manifest, name)
    return result


def _field(path: str, manifest: Json, name: str) -> str:
    own, pod = mapping(manifest.get("metadata")), mapping(at(manifest, "spec", "template", "metadata"))
    keyed = _KEYED.fullmatch(path)
    if keyed is not None:
        field, key = keyed.groups()
        return str({**mapping(own.get(field)), **mapping(pod.get(field))}.get(key, ""))
    if path == "metadata.name":
        return text(own.get("name")) or name
    return text(own.get(path.removeprefix("metadata.")))
