"""The experiments that are measured."""

from collections.abc import Sequence
from typing import Any

import yaml

COMMANDS = {
    "python": ["python", "-I", "-S", "-c", "print('loss=1')"],
    "sh": ["sh", "-c", "echo loss=1"],
}
"""The two commands of the targets; each is given the point as one more argument."""


def experiment(name: str, *, command: Sequence[str], trials: int, parallel: int = 2) -> dict[str, Any]:
    """A random search over one double."""
    container = {"name": "main", "image": "none", "command": [*command, "${trialParameters.x}"]}
    return {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "Experiment",
        "metadata": {"name": name},
        "spec": {
            "objective": {"type": "minimize", "objectiveMetricName": "loss"},
            "algorithm": {"algorithmName": "random"},
            "parallelTrialCount": parallel,
            "maxTrialCount": trials,
            "parameters": [{"name": "x", "parameterType": "double", "feasibleSpace": {"min": "0", "max": "1"}}],
            "trialTemplate": {
                "primaryContainerName": "main",
                "trialParameters": [{"name": "x", "reference": "x"}],
                "trialSpec": {
                    "apiVersion": "batch/v1",
                    "kind": "Job",
                    "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}},
                },
            },
        },
    }


def text(body: dict[str, Any]) -> str:
    """A manifest as a file."""
    return yaml.safe_dump(body, sort_keys=False)
