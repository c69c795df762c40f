"""Our early stopping rules behind Katib's EarlyStopping service (spec katib.md section 6).

What a trial has reported is in Katib's database, which the request names; each trial that has succeeded is read once.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from algorithms.stopping import catalog
from algorithms.stopping.contract import Case, Stopper
from kagit.conditions import find, put
from kagit.errors import Refused
from kagit.experiment import Experiment, Json
from kagit.findings import Severity
from kagit.objective import ObjectiveType
from kagit.shapes import at, mapping, sequence, text
from kagit.trial import ACTIVE, Phase
from kagit.v1beta1 import api_read, api_write, pieces
from reconciler.core.problem import stopping_case
from reconciler.ports import Cluster
from reconciler.shell.suggesting import SEARCHES

Curves: TypeAlias = Callable[[str, str, str], Sequence[float | None]]
"""The values that a trial has reported, from a database's address, the trial's name and the metric's name."""


@dataclass(slots=True, kw_only=True)
class _Case:
    """One experiment's stopper, which one request at a time may use."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    stopper: Stopper | None = None
    curves: dict[str, Sequence[float | None]] = field(default_factory=dict[str, Sequence[float | None]])
    told: set[str] = field(default_factory=set[str])


class EarlyStopping:
    """Katib's EarlyStopping service; safe to use from several threads. `stop` marks a trial as stopped early."""

    def __init__(self, *, curves: Curves, stop: Callable[[str], None]) -> None:
        """No experiment is known yet."""
        self._curves, self._stop = curves, stop
        self._lock = threading.Lock()
        self._cases: OrderedDict[tuple[str, str], _Case] = OrderedDict()

    def get_early_stopping_rules(self, request: Json) -> Json:
        """The rules for trials that are made now."""
        spec, issues = api_read.experiment(mapping(request.get("experiment")))
        if spec is None or spec.early_stopping is None:
            told = "; ".join(f"{one.field}: {one.message}" for one in issues)
            raise Refused(told or "spec.earlyStopping is missing; without it there are no rules")
        trials = map(api_read.trial, map(mapping, sequence(request.get("trials"))))
        succeeded = {one.name for one in trials if one.phase is Phase.SUCCEEDED}
        case = self._case(spec)
        with case.lock:
            if case.stopper is None or not case.told <= succeeded:
                _check(spec.early_stopping.name, stopping_case(spec))
                case.stopper, case.told = catalog.named(spec.early_stopping.name).start(stopping_case(spec)), set()
            for name in sorted(succeeded - case.told):
                if name not in case.curves:
                    address = text(request.get("db_manager_address"))
                    case.curves[name] = self._curves(address, name, spec.objective.metric)
                case.stopper.tell(case.curves[name])
                case.told.add(name)
            return {"early_stopping_rules": api_write.rules(case.stopper.rules())}

    def validate_early_stopping_settings(self, request: Json) -> Json:
        """Nothing where the settings are legal; Refused with all that is wrong with them."""
        given = api_read.early_stopping(mapping(request.get("early_stopping")))
        _check(given.name, Case(metric="objective", direction=ObjectiveType.MINIMIZE, settings=given.settings))
        return {}

    def set_trial_status(self, request: Json) -> Json:
        """Mark a trial as stopped early."""
        name = text(request.get("trial_name"))
        if not name:
            raise Refused("trial_name is empty; give the name of the trial that was stopped")
        self._stop(name)
        return {}

    def _case(self, spec: Experiment) -> _Case:
        with self._lock:
            case = self._cases.setdefault((spec.name, spec.spec_digest), _Case())
            self._cases.move_to_end((spec.name, spec.spec_digest))
            if len(self._cases) > SEARCHES:
                self._cases.popitem(last=False)
            return case


def _check(name: str, case: Case) -> None:
    found = [one for one in catalog.named(name).check(case) if one.severity is Severity.ERROR]
    if found:
        raise Refused("; ".join(f"spec.{one.field}: {one.message}" for one in found))
    if any(not api_write.has_words(rule) for rule in catalog.named(name).start(case).rules()):
        raise Refused(f"the rules of {name} cannot be told to Katib's collectors; use medianstop or percentile")


def mark_early_stopped(cluster: Cluster, *, namespace: str, name: str, now: str) -> None:
    """Put Katib's condition EarlyStopped on a Trial; twice is harmless, and one that is over stays as it is."""
    stored = cluster.get(kind="Trial", namespace=namespace, name=name)
    conditions = pieces.conditions_in(mapping(at(stored, "status")).get("conditions"))
    told = (find(conditions, phase.value) for phase in Phase if phase not in ACTIVE)
    if any(one is not None and one.status == "True" for one in told):
        return
    conditions = put(
        conditions, type_="EarlyStopped", reason="TrialEarlyStopped", message="Trial is early stopped", now=now
    )
    body: Mapping[str, object] = {"status": {"conditions": pieces.conditions_out(conditions)}}
    cluster.patch(kind="Trial", namespace=namespace, name=name, body=dict(body), subresource="status")
