"""MPIJob (kubeflow.org/v1 and v2beta1): its launcher runs here, and mpirun starts the workers beside it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kagit.errors import Refused
from kagit.shapes import at as look
from reconciler.adapters.local_kinds import kubeflow
from reconciler.adapters.local_kinds.members import Group, count

_HOSTFILE = "\0/mpi/hostfile"
_FIELD = "mpiReplicaSpecs"


def mpi(manifest: Mapping[str, Any]) -> Group:
    """An MPIJob is over when its launcher is."""
    found = kubeflow.replicas(manifest, _FIELD, ("Launcher", "Worker"))
    if [one.role for one in found].count("Launcher") != 1:
        raise Refused(f"{_FIELD} needs one Launcher; give Launcher with replicas: 1")
    slots = count(look(manifest, "spec", "slotsPerWorker"), default=1, at="slotsPerWorker")
    total = max(1, (len(found) - 1) * slots)
    open_mpi = look(manifest, "spec", "mpiImplementation") in {None, "OpenMPI"}
    pods = [
        kubeflow.member(
            one,
            manifest,
            field=_FIELD,
            restart="Never",
            master=False,
            env=_environment(total) if one.role == "Launcher" else {},
        )
        for one in found
    ]
    launcher = replace(
        pods[0],
        labels={**pods[0].labels, "mpi-job-role": "launcher", "training.kubeflow.org/job-role": "launcher"},
        files={_HOSTFILE: f"localhost slots={total}\n" if open_mpi else f"localhost:{total}\n"},
    )
    rules = kubeflow.policy(manifest)
    return Group(
        members=(launcher,),
        idle=tuple(pods[1:]),
        need=frozenset({launcher.name}),
        budgets=rules.budgets,
        deadline=rules.deadline,
    )


def _environment(slots: int) -> dict[str, str]:
    return {
        "K_MPI_JOB_ROLE": "launcher",
        "OMPI_MCA_orte_default_hostfile": _HOSTFILE,
        "OMPI_MCA_orte_keep_fqdn_hostnames": "true",
        "OMPI_MCA_orte_set_default_slots": str(slots),
        "PRTE_MCA_prte_default_hostfile": _HOSTFILE,
        "I_MPI_HYDRA_HOST_FILE": _HOSTFILE,
        "HYDRA_HOST_FILE": _HOSTFILE,
        # mpirun refuses to run for root unless told twice, and a container is mostly root.
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    }
