"""What an attempt's end means: the sighting of it, and the status that the controller of its kind would have written.

No input or output. A group says more of its end than its keeper knows: which of its pods failed, and why.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from kagit.experiment import Json
from kagit.trial import Artifact
from reconciler.adapters.keeper.journal import Record
from reconciler.ports import Sighting, State

_KILLED = "its launcher was killed, so how it ended is not known"
_BY_KEEPER = ("Stopped", "DeadlineExceeded", "StartError")
"""Reasons for which the keeper itself ended an attempt, or did not begin it."""


def moment(seconds: float) -> str:
    """Seconds since 1970 as RFC 3339 in UTC, empty for 0."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")[:-6] + "Z" if seconds else ""


def sighting(name: str, record: Record, told: Record | None) -> Sighting:
    """The sighting of a record of the journal; `told` is what a group's launcher wrote, None where there is nothing."""
    if record.get("group") and told is None and record.get("signal") and record["reason"] not in _BY_KEEPER:
        record = {**record, "state": "Lost", "exit_code": None, "signal": None, "reason": "", "message": _KILLED}
    elif told is not None and record["state"] == State.ENDED:
        record = _told(record, told)
    state = State(record["state"])
    return Sighting(
        name=name,
        state=state,
        started=moment(record["started_at"]),
        finished=moment(record["at"]),
        exit_code=record.get("exit_code"),
        signal=record.get("signal"),
        reason=record.get("reason", ""),
        message=record["message"],
        artifacts=tuple(Artifact(path=p, size=s, digest=d) for p, s, d in record.get("artifacts", ())),
        status=status(record, (told or {}).get("units", ())) if state is State.ENDED else {},
    )


def _told(record: Record, told: Record) -> Record:
    if record["reason"] in _BY_KEEPER:
        return record
    # What the keeper says beside the end itself stands behind it: that artifacts are not all listed, for one.
    rest = record["message"].partition("; ")[2] if record["exit_code"] else record["message"]
    return {**record, "reason": told["reason"], "message": "; ".join(one for one in (told["message"], rest) if one)}


def status(record: Record, units: Sequence[Mapping[str, Any]]) -> Json:
    """The status of the trial's object; empty for a kind without a known one, and for an attempt that somebody
    stopped, because then the object is deleted."""
    kind, good = record.get("kind", ""), record.get("exit_code") == 0 and record.get("reason") == "Completed"
    times = [moment(record[key]).partition(".")[0] + "Z" if record[key] else "" for key in ("started_at", "at")]
    made = _STATUSES.get(kind)
    if made is None or record.get("reason") == "Stopped":
        return {}
    counts = units or [{"role": "", "state": "Succeeded" if good else "Failed", "tries": 1}]
    return made(_End(good, record, counts, *times))


def _condition(kind: str, reason: str, message: str, at: str, *, holds: bool = True) -> Json:
    text = "True" if holds else "False"
    return {"type": kind, "status": text, "reason": reason, "message": message, "lastTransitionTime": at}


def _number(units: Iterable[Mapping[str, Any]], state: str) -> int:
    return sum(unit["state"] == state for unit in units)


class _End(NamedTuple):
    good: bool
    record: Record
    units: Sequence[Mapping[str, Any]]
    started: str
    finished: str


def _job(end: _End) -> Json:
    failed = sum(max(0, unit["tries"] - (unit["state"] == "Succeeded")) for unit in end.units)
    shared: Json = {"startTime": end.started, "ready": 0, "terminating": 0, "uncountedTerminatedPods": {}}
    if end.good:
        text = "Reached expected number of succeeded pods"
        kinds, reason, ends = ("SuccessCriteriaMet", "Complete"), "CompletionsReached", {"completionTime": end.finished}
    else:
        kinds, reason, text, ends = ("FailureTarget", "Failed"), end.record["reason"], end.record["message"], {}
    counts = {"succeeded": _number(end.units, "Succeeded"), "failed": failed}
    conditions = [_condition(one, reason, text, end.finished) for one in kinds]
    return {**shared, **ends, **{name: n for name, n in counts.items() if n}, "conditions": conditions}


def _pod(end: _End) -> Json:
    return {
        "phase": "Succeeded" if end.good else "Failed",
        "startTime": end.started,
        **({} if end.good else {"reason": end.record["reason"], "message": end.record["message"]}),
    }


def _kubeflow(end: _End) -> Json:
    kind = end.record["kind"]
    ending = "Succeeded" if end.good else "Failed"
    text = f"{kind} is successfully completed." if end.good else end.record["message"]
    conditions = [
        _condition("Created", f"{kind}Created", f"{kind} is created.", end.started),
        _condition("Running", f"{kind}Running", f"{kind} is running.", end.finished, holds=False),
        _condition(ending, f"{kind}{ending}" if end.good else end.record["reason"], text, end.finished),
    ]
    replicas: dict[str, Json] = {}
    for role in dict.fromkeys(unit["role"] for unit in end.units):
        mine = [unit for unit in end.units if unit["role"] == role]
        counts = {word.lower(): _number(mine, word) for word in ("Succeeded", "Failed")}
        replicas[role] = {name: number for name, number in counts.items() if number}
    return {
        "conditions": conditions,
        "replicaStatuses": replicas,
        "startTime": end.started,
        "completionTime": end.finished,
    }


def _train(end: _End) -> Json:
    kind, reason, text = ("Complete", "AllJobsCompleted", "jobset completed successfully")
    if not end.good:
        kind, reason, text = "Failed", end.record["reason"], end.record["message"]
    statuses = [
        {"name": role, "succeeded": int(end.good), "failed": int(not end.good)}
        for role in dict.fromkeys(unit["role"] for unit in end.units)
    ]
    return {"conditions": [_condition(kind, reason, text, end.finished)], "jobsStatus": statuses}


def _jobset(end: _End) -> Json:
    word = "Completed" if end.good else "Failed"
    reason, text = (
        ("AllJobsCompleted", "jobset completed successfully")
        if end.good
        else (end.record["reason"], end.record["message"])
    )
    statuses: list[Json] = []
    for role in dict.fromkeys(unit["role"] for unit in end.units):
        mine = [unit for unit in end.units if unit["role"] == role]
        statuses.append({"name": role, "succeeded": _number(mine, "Succeeded"), "failed": _number(mine, "Failed")})
    return {
        "conditions": [_condition(word, reason, text, end.finished)],
        "terminalState": word,
        "replicatedJobsStatus": statuses,
    }


def _workflow(end: _End) -> Json:
    times = {"startedAt": end.started, "finishedAt": end.finished}
    nodes = {
        unit["name"]: {"displayName": unit["name"], "phase": unit["state"]} for unit in end.units if "name" in unit
    }
    said = {} if end.good else {"message": end.record["message"]}
    return {"phase": "Succeeded" if end.good else "Failed", **times, **said, "nodes": nodes}


def _pipeline(end: _End) -> Json:
    late = end.record["reason"] == "DeadlineExceeded"
    reason = "Completed" if end.good else "PipelineRunTimeout" if late else "Failed"
    text = "Tasks Completed" if end.good else end.record["message"]
    condition = _condition("Succeeded", reason, text, end.finished, holds=end.good)
    return {"conditions": [condition], "startTime": end.started, "completionTime": end.finished}


_STATUSES = {
    "Workflow": _workflow,
    "PipelineRun": _pipeline,
    "Job": _job,
    "Pod": _pod,
    **dict.fromkeys(("PyTorchJob", "TFJob", "XGBoostJob", "MPIJob"), _kubeflow),
    "TrainJob": _train,
    "JobSet": _jobset,
}
