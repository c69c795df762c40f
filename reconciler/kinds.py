"""The kinds of objects that kagit keeps in a cluster, and where the Kubernetes API has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from kagit.errors import Refused
from kagit.experiment import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind: `custom` means defined by a CRD, `has_status` that /status is a subresource."""

    name: str
    api_version: str
    plural: str
    namespaced: bool = True
    custom: bool = False
    has_status: bool = False
    has_generation: bool = False

    @property
    def root(self) -> str:
        """The URL path below which the API server serves this group and version."""
        return f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"

    def place(self, namespace: str) -> str:
        """The namespace that counts: the given one, or none for kinds of the whole cluster."""
        return namespace if self.namespaced else ""


def _custom(name: str, plural: str) -> Kind:
    return Kind(
        name=name, api_version="kubeflow.org/v1beta1", plural=plural, custom=True, has_status=True, has_generation=True
    )


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        _custom("Experiment", "experiments"),
        _custom("Suggestion", "suggestions"),
        _custom("Trial", "trials"),
        Kind(name="Job", api_version="batch/v1", plural="jobs", has_status=True, has_generation=True),
        Kind(name="Pod", api_version="v1", plural="pods", has_status=True, has_generation=True),
        Kind(name="ConfigMap", api_version="v1", plural="configmaps"),
        Kind(name="Event", api_version="events.k8s.io/v1", plural="events"),
        Kind(name="Lease", api_version="coordination.k8s.io/v1", plural="leases"),
        Kind(name="Namespace", api_version="v1", plural="namespaces", namespaced=False, has_status=True),
    )
}
"""Every kind that both Cluster adapters know from the start."""


def named(name: str, kinds: Mapping[str, Kind]) -> Kind:
    """The kind of that name, or a refusal that lists those there are."""
    kind = kinds.get(name)
    if kind is None:
        raise Refused(f"kind {name!r} is not known here; give one of {', '.join(sorted(kinds))}")
    return kind


def of(body: Json, kinds: Mapping[str, Kind]) -> Kind:
    """The kind of a whole object, its apiVersion checked."""
    kind = named(str(body.get("kind", "")), kinds)
    if body.get("apiVersion") != kind.api_version:
        raise Refused(f"{kind.name}: apiVersion is {body.get('apiVersion')!r}; give {kind.api_version!r}")
    return kind


def version(text: str) -> int:
    """A resourceVersion to watch from, as a number; Refused where it is none."""
    if not text.isdecimal() or int(text) == 0:
        raise Refused(f"version {text!r} cannot be watched from; give the resourceVersion of a list or an object")
    return int(text)


def metadata_of(body: Json) -> Json:
    """An object's metadata, empty where there is none; Refused where it is no map."""
    metadata: Any = body.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        raise Refused(f"{body.get('kind')}: metadata is {metadata!r}; give a map")
    return cast("Json", metadata or {})
