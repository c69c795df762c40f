"""The worlds in which every promise of the Cluster port is tried: the embedded engine, and a real API server."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from kagit.errors import AlreadyExists, NotFound
from kagit.experiment import Json
from reconciler.adapters.cluster_embedded import EmbeddedCluster
from reconciler.kinds import KINDS, Kind
from reconciler.ports import Cluster

KUBECONFIG = os.environ.get("KAGIT_E2E_KUBECONFIG", "")
MODE = os.environ.get("KAGIT_E2E_MODE", "plain")
WORLDS = ("embedded", "kubernetes") if KUBECONFIG else ("embedded",)
CRD = Kind(
    name="CustomResourceDefinition",
    api_version="apiextensions.k8s.io/v1",
    plural="customresourcedefinitions",
    namespaced=False,
)


class World(NamedTuple):
    """A cluster and a namespace of its own for one test."""

    cluster: Cluster
    namespace: str

    def experiment(self, name: str = "mnist", **metadata: Any) -> Json:
        return self.object(
            "Experiment", name, {"spec": {"maxTrialCount": 3, "parameters": [{"name": "lr"}]}}, **metadata
        )

    def trial(self, name: str, **metadata: Any) -> Json:
        return self.object(
            "Trial", name, {"spec": {"parameterAssignments": [{"name": "lr", "value": "0.1"}]}}, **metadata
        )

    def config(self, name: str, data: dict[str, str] | None = None, **metadata: Any) -> Json:
        return self.object("ConfigMap", name, {"data": data or {"key": "value"}}, **metadata)

    def object(self, kind: str, name: str, content: Json, **metadata: Any) -> Json:
        named = {"name": name} if name else {}
        where = {"namespace": self.namespace, **named, **metadata}
        return {"apiVersion": KINDS[kind].api_version, "kind": kind, "metadata": where, **content}

    def at(self, body: Json) -> dict[str, str]:
        """Where an object is, as the verbs want it."""
        metadata = body["metadata"]
        return {"kind": body["kind"], "namespace": metadata["namespace"], "name": metadata["name"]}

    def get(self, body: Json) -> Json:
        return self.cluster.get(**self.at(body))

    def merge(self, body: Json, patch: Json, **options: Any) -> Json:
        return self.cluster.patch(**self.at(body), body=patch, **options)

    def is_gone(self, body: Json) -> bool:
        """Whether this very object, not a namesake, has gone."""
        try:
            return self.get(body)["metadata"]["uid"] != body["metadata"]["uid"]
        except NotFound:
            return True


def owner(body: Json, **more: Any) -> Json:
    """An owner reference to an object."""
    metadata = body["metadata"]
    return {
        "apiVersion": body["apiVersion"],
        "kind": body["kind"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        **more,
    }


def eventually(holds: Callable[[], Any], *, seconds: float = 45.0) -> Any:
    """What `holds` answers as soon as it is true; fails after the deadline."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while time.monotonic() < deadline:
        answer = holds()
        if answer:
            return answer
        pause.wait(0.05)
    raise AssertionError(f"did not happen within {seconds} s")


def names(objects: list[Json]) -> list[str]:
    return [body["metadata"]["name"] for body in objects]


def open_world(kind: str, folder: Path) -> Iterator[World]:
    """A world with a fresh namespace, cleaned up afterwards."""
    cluster: Any = EmbeddedCluster(folder / "cluster.db", clock=time.time) if kind == "embedded" else open_kubernetes()
    namespace = cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": "kagit-"}})
    name = namespace["metadata"]["name"]
    try:
        yield World(cluster, name)
    finally:
        for finalized in ("Experiment", "Trial", "ConfigMap"):
            for body in cluster.list(kind=finalized, namespace=name).items:
                if body["metadata"].get("finalizers"):
                    _release(cluster, body)
        cluster.delete(kind="Namespace", namespace="", name=name)
        cluster.close()


def _release(cluster: Cluster, body: Json) -> None:
    metadata = body["metadata"]
    place = {"kind": body["kind"], "namespace": metadata["namespace"], "name": metadata["name"]}
    with suppress(NotFound):
        cluster.patch(**place, body={"metadata": {"finalizers": None}})


def open_kubernetes(**options: Any) -> Any:
    from reconciler.adapters.cluster_kubernetes import KubernetesCluster

    return KubernetesCluster.connect(
        clock=time.time, kubeconfig=Path(KUBECONFIG), kinds={**KINDS, CRD.name: CRD}, **options
    )


def install_kinds() -> Callable[[], None]:
    """Install CRDs for our kinds where there are none; answers how to take them away again."""
    if not KUBECONFIG:
        return lambda: None
    cluster = open_kubernetes()
    installed = [name for kind in KINDS.values() if kind.custom and (name := _install(cluster, kind))]
    for kind in KINDS.values():
        if kind.custom:
            eventually(lambda plural=kind.plural: _is_established(cluster, f"{plural}.kubeflow.org"))

    def remove() -> None:
        for name in installed:
            cluster.delete(kind=CRD.name, namespace="", name=name)
        cluster.close()

    return remove


def _is_established(cluster: Cluster, name: str) -> bool:
    conditions = cluster.get(kind=CRD.name, namespace="", name=name).get("status", {}).get("conditions", ())
    return any(condition["type"] == "Established" and condition["status"] == "True" for condition in conditions)


def _install(cluster: Cluster, kind: Kind) -> str:
    group, version = kind.api_version.split("/")
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    body = {
        "apiVersion": CRD.api_version,
        "kind": CRD.name,
        "metadata": {"name": f"{kind.plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind.name, "plural": kind.plural, "singular": kind.name.lower()},
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": anything},
                    "subresources": {"status": {}},
                }
            ],
        },
    }
    try:
        cluster.create(body)
    except AlreadyExists:
        return ""
    return str(body["metadata"]["name"])
