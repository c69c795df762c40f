"""Templates from ConfigMaps: a run keeps the text of its own and goes on as it began, whatever Git says by then."""

from contextlib import suppress

from kagit import names
from kagit.errors import AlreadyExists, NotFound, Refused
from kagit.experiment import Experiment, Json
from kagit.shapes import at, text
from kagit.v1beta1 import pieces, sources
from reconciler.ports import Cluster
from repo_layout import read

_KEY = "template"


def keep(experiment: Experiment, *, run: int, cluster: Cluster) -> None:
    """Store the text before anything says that the run exists; a second time changes nothing."""
    if not experiment.template.source:
        return
    name = sources.name(experiment.name, run)
    labels = {names.LABEL_EXPERIMENT: experiment.name, names.LABEL_RUN: str(run)}
    meta = {"name": name, "namespace": experiment.namespace, "labels": labels}
    data = {_KEY: experiment.template.source}
    try:
        cluster.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data})
    except AlreadyExists:
        there = cluster.get(kind="ConfigMap", namespace=experiment.namespace, name=name)
        if at(there, "metadata", "labels", names.LABEL_EXPERIMENT) != experiment.name:
            message = f"ConfigMap {name} is somebody else's, and this run would keep its template there; rename it"
            raise Refused(message) from None
        if there.get("data") != data:
            cluster.patch(kind="ConfigMap", namespace=experiment.namespace, name=name, body={"data": data})


def own(experiment: Experiment, *, run: int, owner: Json, cluster: Cluster) -> None:
    """Whoever deletes the Experiment deletes the text as well."""
    if experiment.template.source:
        body = {"metadata": {"ownerReferences": [pieces.owner(owner)]}}
        name = sources.name(experiment.name, run)
        cluster.patch(kind="ConfigMap", namespace=experiment.namespace, name=name, body=body)


def forget(*, namespace: str, experiment: str, cluster: Cluster) -> None:
    """Remove the texts that a crash left without an owner: after the Experiment, which means nothing without them."""
    selector = f"{names.LABEL_EXPERIMENT}={experiment}"
    for one in cluster.list(kind="ConfigMap", namespace=namespace, selector=selector).items:
        name, run = one["metadata"]["name"], text(at(one, "metadata", "labels", names.LABEL_RUN))
        if run.isdecimal() and name == sources.name(experiment, int(run)):  # others may bear the label, too
            with suppress(NotFound):
                cluster.delete(kind="ConfigMap", namespace=namespace, name=name)


def found(experiment: Experiment, *, run: int, cluster: Cluster) -> Experiment:
    """The experiment of a run as it began; Refused where its text is gone."""
    if not sources.is_open(experiment):
        return experiment
    name = sources.name(experiment.name, run)
    try:
        kept = cluster.get(kind="ConfigMap", namespace=experiment.namespace, name=name)
    except NotFound:
        raise Refused(f"ConfigMap {name} with the template of run {run} is gone; push the experiment again") from None
    content = text(at(kept, "data", _KEY))
    body = read.template(content).body
    if body is None:
        raise Refused(f"ConfigMap {name} holds no template any more; push the experiment again")
    return sources.with_template(experiment, text=content, body=body)
