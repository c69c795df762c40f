"""`kagit serve-suggestions`: our algorithms and early stopping rules for a Katib controller."""

import argparse
import ipaddress
import sys
import threading
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from kagit.errors import Conflict, Refused
from kagit.wishes import endpoint
from reconciler import wiring
from reconciler.adapters.grpc_client import Observations
from reconciler.adapters.grpc_server import GrpcServer
from reconciler.commands import session
from reconciler.core.times import moment
from reconciler.shell.stopping import EarlyStopping, mark_early_stopped
from reconciler.shell.suggesting import Suggestions

GRACE = 5.0
NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
"""Where a pod finds the name of the namespace that it is in, which is where Katib's trials are, too."""


@session.stoppable()
def run(args: argparse.Namespace) -> int:
    """Serve until interrupted."""
    address: str = args.address
    if not endpoint(address) and not endpoint(address.removesuffix("0") + "1"):  # port 0: any that is free
        raise Refused(f"--address is {address!r}; give a host and a port like 127.0.0.1:6789")
    suggestions = Suggestions()
    stopping = EarlyStopping(curves=Observations().curve, stop=partial(_stop, NAMESPACE))
    host = address.rpartition(":")[0]
    server = GrpcServer(
        address,
        {
            "Suggestion": {
                "GetSuggestions": suggestions.get_suggestions,
                "ValidateAlgorithmSettings": suggestions.validate_algorithm_settings,
            },
            "EarlyStopping": {
                "GetEarlyStoppingRules": stopping.get_early_stopping_rules,
                "SetTrialStatus": stopping.set_trial_status,
                "ValidateEarlyStoppingSettings": stopping.validate_early_stopping_settings,
            },
        },
    )
    try:
        if not _is_loopback(host):
            print(f"whoever reaches {address} can ask; it has neither TLS nor login", file=sys.stderr)
        print(f"serving Katib's Suggestion and EarlyStopping on {host}:{server.port}", flush=True)
        threading.Event().wait()
    except KeyboardInterrupt:
        server.stop(grace=GRACE)
        print("stopped", file=sys.stderr)
    return 0


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _stop(namespace: Path, trial: str) -> None:
    """Mark a trial of this pod's namespace as stopped early; Conflict where this is no pod."""
    if not namespace.is_file() or find_spec("kubernetes") is None:
        raise Conflict(
            f"trial {trial} cannot be marked as stopped early: that needs a pod of its cluster with kagit[cluster] "
            "and the right to patch trials/status; run the service there"
        )
    from reconciler.adapters.cluster_kubernetes import KubernetesCluster

    cluster = KubernetesCluster.connect(clock=wiring.now)
    try:
        mark_early_stopped(cluster, namespace=namespace.read_text().strip(), name=trial, now=moment(wiring.now()))
    finally:
        cluster.close()
