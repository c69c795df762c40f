"""Every kind that runs here, and who else would run the others."""

from collections.abc import Callable, Mapping
from typing import Any

from kagit.errors import Refused
from kagit.shapes import text
from reconciler.adapters.local_kinds import flow, job, jobset, kubeflow, mpi
from reconciler.adapters.local_kinds.members import Group

_KINDS: Mapping[tuple[str, str], Callable[[Mapping[str, Any]], Group]] = {
    ("batch/v1", "Job"): job.job,
    ("v1", "Pod"): job.pod,
    ("kubeflow.org/v1", "PyTorchJob"): kubeflow.pytorch,
    ("kubeflow.org/v1", "TFJob"): kubeflow.tensorflow,
    ("kubeflow.org/v1", "XGBoostJob"): kubeflow.xgboost,
    ("kubeflow.org/v1", "MPIJob"): mpi.mpi,
    ("kubeflow.org/v2beta1", "MPIJob"): mpi.mpi,
    ("trainer.kubeflow.org/v1alpha1", "TrainJob"): jobset.train,
    ("jobset.x-k8s.io/v1alpha2", "JobSet"): jobset.jobset,
    ("argoproj.io/v1alpha1", "Workflow"): flow.workflow,
    ("tekton.dev/v1", "PipelineRun"): flow.pipeline,
    ("tekton.dev/v1beta1", "PipelineRun"): flow.pipeline,
}
_TRAINER = "the Kubeflow Training Operator on a cluster"
_RUNNERS = {
    **dict.fromkeys(("PyTorchJob", "TFJob", "XGBoostJob", "MPIJob", "PaddleJob", "JAXJob", "MXJob"), _TRAINER),
    "TrainJob": "Kubeflow Trainer on a cluster",
    "JobSet": "JobSet on a cluster",
    "RayJob": "KubeRay on a cluster",
    "RayCluster": "KubeRay on a cluster",
    "SparkApplication": "the Spark Operator on a cluster",
    "Workflow": "Argo Workflows on a cluster",
    "PipelineRun": "Tekton Pipelines on a cluster",
    "TaskRun": "Tekton Pipelines on a cluster",
    "AppWrapper": "AppWrapper (Kueue) on a cluster",
}


def group(manifest: Mapping[str, Any]) -> Group:
    """The pods of a rendered manifest; Refused, naming what would run it, where it cannot run here."""
    kind, version = text(manifest.get("kind")), text(manifest.get("apiVersion"))
    made = _KINDS.get((version, kind))
    if made is not None:
        return made(manifest)
    served = [api for api, name in _KINDS if name == kind]
    runner = _RUNNERS.get(kind, f"a cluster that serves {version}" if version else "a cluster")
    shown = kind or "a manifest without kind"
    if served:
        raise Refused(f"{shown} of {version or 'no apiVersion'} needs {runner}; on this machine {shown} is {served[0]}")
    known = ", ".join(dict.fromkeys(f"{name} ({api})" for api, name in _KINDS))
    raise Refused(f"{shown} needs {runner}; on this machine these can run: {known}")
