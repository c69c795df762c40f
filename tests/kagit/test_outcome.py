"""Spec katib.md sections 4.3 and 13.4: when a trial's object is over."""

import pytest

from kagit import outcome
from kagit.errors import Refused
from kagit.v1beta1 import defaults

COMPLETE = 'status.conditions.#(type=="Complete")#|#(status=="True")#'
FAILED = 'status.conditions.#(type=="Failed")#|#(status=="True")#'
PHASE = 'status.[@this].#(phase=="{}")#'
ARGO = {"success": PHASE.format("Succeeded"), "failure": PHASE.format("Failed")}
TEKTON = {
    "success": 'status.conditions.#(type=="Succeeded")#|#(status=="True")#',
    "failure": 'status.conditions.#(type=="Succeeded")#|#(status=="False")#',
}


def job(*conditions, **status):
    """Conditions as `Type=Status`."""
    pairs = (one.split("=") for one in conditions)
    said = [{"type": t, "status": s, "reason": "test-reason", "message": "test-message"} for t, s in pairs]
    return {"kind": "Job", "status": {"conditions": said, **status}}


def told(body, *, success=COMPLETE, failure=FAILED):
    found = outcome.of(body, success=success, failure=failure)
    return found.state.value, found.reason, found.message


NOTHING = ("running", "", "")
SAID = ("test-reason", "test-message")
SUCCEEDED = {"success": "status.[@this].#(succeeded==1)"}


@pytest.mark.parametrize(
    ("body", "conditions", "expected"),
    [
        # The table of section 13.4.
        (job("Failed=False", "Complete=False", succeeded=1), {}, NOTHING),
        (job("Failed=False", "Complete=True", succeeded=1), {}, ("succeeded", *SAID)),
        (job("Failed=True", "Complete=False", succeeded=1), {}, ("failed", *SAID)),
        (job("Failed=False", "Complete=True", succeeded=1), SUCCEEDED, ("succeeded", "", "")),
        # Section 4.3.
        (job("Failed=True", "Complete=True"), {}, ("failed", *SAID)),
        ({"kind": "Job"}, {}, NOTHING),
        ({"kind": "Job", "status": {}}, {}, NOTHING),
        ({"kind": "Job", "status": {"conditions": []}}, {}, NOTHING),
        ({"kind": "Job", "status": {"phase": "Succeeded"}}, {"success": "status.phase"}, NOTHING),
        ({"kind": "Job", "status": {"conditions": None}}, {}, NOTHING),
        ({"kind": "Job", "status": "odd"}, {}, NOTHING),
        # Kubernetes 1.31 and later say these before the pods are over.
        (job("SuccessCriteriaMet=True"), {}, NOTHING),
        (job("FailureTarget=True"), {}, NOTHING),
        (job("SuccessCriteriaMet=True", "Complete=True"), {}, ("succeeded", *SAID)),
        (job("Suspended=True"), {}, NOTHING),
        # Argo.
        ({"kind": "Workflow", "status": {"phase": "Running"}}, ARGO, NOTHING),
        ({"kind": "Workflow", "status": {"phase": "Pending"}}, ARGO, NOTHING),
        ({"kind": "Workflow", "status": {"phase": "Succeeded", "message": "m"}}, ARGO, ("succeeded", "", "m")),
        ({"kind": "Workflow", "status": {"phase": "Failed", "message": "m"}}, ARGO, ("failed", "", "m")),
        ({"kind": "Workflow", "status": {"phase": "Error", "message": "m"}}, ARGO, ("failed", "Error", "m")),
        (
            {"kind": "Workflow", "status": {"phase": "Error"}},
            ARGO | {"failure": PHASE.format("Error")},
            ("failed", "", ""),
        ),
        (
            {"kind": "Workflow", "status": {"phase": "Error"}},
            ARGO | {"success": PHASE.format("Error")},
            ("succeeded", "", ""),
        ),
        ({"kind": "Other", "status": {"phase": "Error"}}, ARGO, NOTHING),
        # Tekton says Unknown while it runs.
        (job("Succeeded=Unknown"), TEKTON, NOTHING),
        (job("Succeeded=True"), TEKTON, ("succeeded", *SAID)),
        (job("Succeeded=False"), TEKTON, ("failed", *SAID)),
        # No condition never matches.
        (job("Complete=True"), {"success": "", "failure": ""}, NOTHING),
    ],
)
def test_of(body, conditions, expected):
    assert told(body, **conditions) == expected


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("Job", "Complete", "Failed"),
        ("TFJob", "Succeeded", "Failed"),
        ("PyTorchJob", "Succeeded", "Failed"),
        ("XGBoostJob", "Succeeded", "Failed"),
        ("MPIJob", "Succeeded", "Failed"),
        ("TrainJob", "Complete", "Failed"),
    ],
)
def test_default_conditions_of_the_kinds(kind, good, bad):
    full = defaults.effective({"trialTemplate": {"trialSpec": {"kind": kind}}})["trialTemplate"]
    conditions = {"success": full["successCondition"], "failure": full["failureCondition"]}
    assert told(job(f"{good}=True"), **conditions)[0] == "succeeded"
    assert told(job(f"{good}=True", f"{bad}=True"), **conditions)[0] == "failed"
    assert told(job("Created=True", "Running=True", f"{bad}=False"), **conditions) == NOTHING


def test_a_path_that_nobody_knows_is_refused():
    with pytest.raises(Refused, match="@reverse is not supported"):
        told(job(), success="status.conditions.@reverse")
