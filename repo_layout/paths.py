"""Where things stand in the user's repository."""

from kagit.errors import Refused
from kagit.experiment import Experiment
from kagit.filetree import check_path
from repo_layout.settings import Settings

SETTINGS_FILE = ".kagit.yaml"


def report_folder(experiment: Experiment, settings: Settings) -> str:
    """`<reports>/<namespace>/<name>`, the folder that holds one experiment's report; Refused if it is no safe path."""
    # Both names are checked to be lower-case letters, digits and '-' before they reach this place; the check stays
    # because a path made from a manifest must never depend on a check somewhere else.
    for part in (experiment.namespace, experiment.name):
        if "/" in part:
            raise Refused(f"name {part!r} cannot be a folder; use lower-case letters, digits and '-'")
    return check_path(f"{settings.reports.path}/{experiment.namespace}/{experiment.name}")
