"""An embedded cluster's file, and objects to put into it."""

import itertools
from pathlib import Path
from typing import Any

from kagit.experiment import Json
from reconciler.adapters.cluster_embedded import EmbeddedCluster

ROOT = Path(__file__).parents[2]
SPACE = "default"


def open_cluster(path: Path, **options: Any) -> EmbeddedCluster:
    return EmbeddedCluster(path / "cluster.db", clock=itertools.count(1_700_000_000).__next__, **options)


def trial(name: str, **spec: Any) -> Json:
    metadata = {"namespace": SPACE, "name": name}
    return {"apiVersion": "kubeflow.org/v1beta1", "kind": "Trial", "metadata": metadata, "spec": spec}


def set_status(cluster: EmbeddedCluster, name: str, **status: Any) -> Json:
    return cluster.patch(kind="Trial", namespace=SPACE, name=name, body={"status": status}, subresource="status")


def contents(cluster: EmbeddedCluster) -> list[Json]:
    return cluster.list(kind="Trial", namespace=SPACE).items
