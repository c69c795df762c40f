"""Plan cases: short-hand for a world, and a plan in words. How to write one: tests/cases/plan/README.md."""

from dataclasses import replace

from kagit import names
from kagit.conditions import Condition
from kagit.experiment import Experiment, ResumePolicy
from kagit.objective import Metric
from kagit.suggestion import Suggestion
from kagit.trial import Phase, Trial
from kagit.v1beta1.manifest import experiment
from reconciler import actions as a
from reconciler.ports import Sighting, State
from reconciler.world import Best, Counts, Grant, Live, Recent, Run, Service, Source, Wanted, World
from tests.sim.universe import manifest

NOW, BEFORE = "2024-05-01T12:00:00Z", "2024-05-01T11:00:00Z"
NAME = "a"
REASONS = {
    "Created": ("ExperimentCreated", "Experiment is created"),
    "Running": ("ExperimentRunning", "Experiment is running"),
    "Restarting": ("ExperimentRestarting", "Experiment is restarted"),
    "Suspended": ("ExperimentSuspended", "Experiment is suspended"),
    "Resumed": ("ExperimentResumed", "Experiment is resumed"),
    "MaxDurationReached": (
        "ExperimentMaxDurationReached",
        "Experiment has succeeded because max duration has reached",
    ),
    "NoMoreGain": (
        "ExperimentNoMoreGain",
        "Experiment has succeeded because the last 3 trials with a result brought no gain",
    ),
    "Failed": ("ExperimentFailed", "Experiment has failed because max failed count has reached"),
    "GoalReached": ("ExperimentGoalReached", "Experiment has succeeded because Objective goal has reached"),
    "MaxTrialsReached": (
        "ExperimentMaxTrialsReached",
        "Experiment has succeeded because max trial count has reached",
    ),
    "SuggestionEndReached": (
        "ExperimentSuggestionEndReached",
        "Experiment has succeeded because suggestion service has reached the end",
    ),
}
SPEC_KEYS = {
    "max",
    "parallel",
    "max failed",
    "goal",
    "algorithm",
    "resume",
    "on spec change",
    "top",
    "strategy",
    "wishes",
}
WORLD_KEYS = {
    "case", "why", "spec", "wanted", "errors", "once more", "unlisted", "refusal", "run", "status", "last run",
    "over", "best", "results", "live", "suggestions", "asked", "ahead", "exhausted", "postponed", "grants", "positions",
    "changes", "status age", "started", "suggestion", "requests", "suggestion resume", "plan", "waiting", "wake",
}  # fmt: skip
LIVE_KEYS = {
    "trial", "phase", "age", "attempt", "run", "seen", "exit", "says", "loss", "undrained", "note", "stopping", "gpus",
    "lost", "rules met", "twin", "unrecorded", "job",
}  # fmt: skip


def spec(given: dict) -> Experiment:
    """The experiment of a short-hand; what is left out is 4 trials, 2 at once, of random search for a small loss."""
    _known(given, SPEC_KEYS)
    body = manifest(NAME, parallel=given.get("parallel", 2), algorithm=given.get("algorithm", "random"))
    wishes = body["spec"]
    limits = {"maxTrialCount": given.get("max", 4), "maxFailedTrialCount": given.get("max failed")}
    wishes |= {key: count for key, count in limits.items() if count is not None}
    if limits["maxTrialCount"] is None:
        del wishes["maxTrialCount"]
    if "goal" in given:
        wishes["objective"]["goal"] = given["goal"]
    if "strategy" in given:
        wishes["objective"]["metricStrategies"] = [{"name": "loss", "value": given["strategy"]}]
    wishes["resumePolicy"] = given.get("resume", "Never")
    wishes["parameters"][0]["feasibleSpace"]["max"] = str(given.get("top", 1))
    if "on spec change" in given:
        body["metadata"]["annotations"] = {names.ANNOTATION_ON_SPEC_CHANGE: given["on spec change"]}
    for key, value in given.get("wishes", {}).items():
        body["metadata"].setdefault("annotations", {})[f"kagit.dev/{key}"] = value
    found, issues = experiment(body)
    assert found is not None, issues
    return found


def world(case: dict) -> World:
    """The world that a case describes."""
    _known(case, WORLD_KEYS)
    given = case.get("spec", {})
    run = _run(case, spec(given)) if case.get("run", 1) else None
    number = run.number if run is not None else 0
    live = tuple(_live(one, number) for one in case.get("live", ()))
    counts = {Phase(phase): count for phase, count in case.get("over", {}).items()}
    for one in live:
        if one.trial.run == number:
            counts[one.trial.phase] = counts.get(one.trial.phase, 0) + 1
    suggestions = tuple(suggestion(index) for index in case.get("suggestions", ()))
    asked = sum(counts.values()) + len(suggestions)
    best, objective = case.get("best"), spec(given).objective
    recent = Recent()
    for index, value in enumerate(case.get("results", ())):
        recent = recent if value is None else recent.add(index, value, objective)
    return World(
        now=NOW,
        namespace="default",
        name=NAME,
        listed=not case.get("unlisted", False),
        wanted=_wanted(case, given),
        refusal=case.get("refusal", ""),
        run=run,
        last_run=case.get("last run", number),
        counts=Counts(by_phase=counts),
        live=live,
        suggestions=suggestions,
        asked=case.get("asked", asked),
        ahead=case.get("ahead", 0),
        exhausted=case.get("exhausted", False),
        postponed=case.get("postponed", False),
        service=_service(case, run, asked) if "suggestion" in case else None,
        best=None if best is None else Best(trial=trial_name(0, number), index=0, value=best),
        recent=recent,
        grants=tuple(_grant(one, number) for one in case.get("grants", ())),
        positions={trial_name(index, number): place for index, place in case.get("positions", {}).items()},
        changes=case.get("changes", 0),
        status_age=case.get("status age", 0.0),
    )


def _known(given: dict, keys: set[str]) -> None:
    unknown = set(given) - keys
    assert not unknown, f"no such words: {sorted(unknown)}; there are {sorted(keys)}"


def trial_name(index: int, run: int) -> str:
    return names.trial_name(experiment=NAME, run=run, index=index)


def suggestion(index: int) -> Suggestion:
    return Suggestion(index=index, point={"x": f"0.{index}"}, seed=1, history_digest="", engine="")


def _run(case: dict, wishes: Experiment) -> Run:
    status = case.get("status", "Created, Running" if case.get("over") or case.get("live") else "Created")
    conditions = tuple(_condition(word) for word in status.split(", ") if word)
    over = any(one.type in {"Succeeded", "Failed"} for one in conditions)
    return Run(
        experiment=wishes,
        number=case.get("run", 1),
        seed=7,
        conditions=conditions,
        started=BEFORE if "started" not in case else f"2024-05-01T{case['started']}:00Z" if case["started"] else "",
        completed=BEFORE if over else "",
    )


def _service(case: dict, run: Run | None, asked: int) -> Service:
    """What the Suggestion says, `Created, Running=False (Suggestion is succeeded)`."""
    conditions = []
    for word in filter(None, case["suggestion"].split(", ")):
        head, _, reason = word.partition(" (")
        kind, _, value = head.partition("=")
        usual = kind if kind == "DeploymentReady" else f"Suggestion{kind}"
        conditions.append(
            Condition(
                type=kind,
                status=value or "True",
                reason=reason.rstrip(")") or usual,
                message="",
                last_update=BEFORE,
                last_transition=BEFORE,
            )
        )
    resume = ResumePolicy(case.get("suggestion resume", run.experiment.resume if run is not None else "Never"))
    return Service(conditions=tuple(conditions), requests=case.get("requests", asked), resume=resume)


def _condition(word: str) -> Condition:
    word, _, value = word.partition("=")
    kind, _, rest = word.partition(" ")
    if kind == "Suspended" and value == "False":
        rest = "Resumed"
    reason, message = REASONS[rest.strip("()") or kind]
    return Condition(
        type=kind,
        status=value or "True",
        reason=reason,
        message=message,
        last_update=BEFORE,
        last_transition=BEFORE,
    )


def _wanted(case: dict, given: dict) -> Wanted | None:
    if "errors" in case:
        return Wanted(experiment=None, errors=tuple(case["errors"]))
    wanted = case.get("wanted", {})
    if wanted is None:
        return None
    return Wanted(
        experiment=spec({**given, **wanted}), source=Source(commit="c2"), after=1 if case.get("once more") else 0
    )


def _grant(given: int | dict, run: int) -> Grant:
    if isinstance(given, int):
        return Grant(trial=trial_name(given, run))
    return Grant(trial=trial_name(given["trial"], run), gpus=tuple(given["gpus"]))


def _live(given: dict, number: int) -> Live:
    _known(given, LIVE_KEYS)
    run, phase = given.get("run", number), Phase(given.get("phase", "Running"))
    trial = Trial(
        name=trial_name(given["trial"], run),
        run=run,
        index=given["trial"],
        point={"x": "0.5"},
        phase=phase,
        started=BEFORE if phase is Phase.RUNNING else "",
        attempt=given.get("attempt", 1),
        lost=given.get("lost", given.get("attempt", 1) - 1),
    )
    sighting = _sighting(given, trial.name)
    texts = [str(one) for one in given["loss"]] if "loss" in given else []
    ended = sighting is not None and sighting.state is not State.RUNNING
    return Live(
        trial=trial,
        sighting=sighting,
        observation=_observation(texts),
        drained=ended and not given.get("undrained", False),
        note=given.get("note", ""),
        stopping=given.get("stopping", False),
        gpus=tuple(given.get("gpus", ())),
        age=given.get("age", 0.0),
        recorded=not given.get("unrecorded", False),
        rules_met=given.get("rules met", False),
        twin=_twin(given["twin"], run) if "twin" in given else None,
    )


def _twin(given: dict, run: int) -> Trial:
    return Trial(
        name=trial_name(given["trial"], run),
        run=run,
        index=given["trial"],
        point={"x": "0.5"},
        phase=Phase(given.get("phase", "Running")),
        observation=_observation([str(one) for one in given.get("loss", ())]),
    )


def _observation(texts: list[str]) -> tuple[Metric, ...]:
    finite = sorted((one for one in texts if one != "nan"), key=float)
    if not texts:
        return ()
    low, high = (finite[0], finite[-1]) if finite else (names.UNAVAILABLE, names.UNAVAILABLE)
    return (Metric(name="loss", min=low, max=high, latest=texts[-1]),)


def _sighting(given: dict, name: str) -> Sighting | None:
    seen = given.get("seen")
    match seen:
        case None:
            return None
        case "running":
            return Sighting(name=name, state=State.RUNNING, started=BEFORE)
        case "lost":
            return Sighting(name=name, state=State.LOST, started=BEFORE)
    code = given.get("exit", 0 if seen == "Completed" else 1)
    return Sighting(
        name=name,
        state=State.ENDED,
        started=BEFORE,
        finished=NOW,
        exit_code=code,
        reason=seen,
        message=given.get("says", ""),
        status={"conditions": [given["job"]]} if "job" in given else {},
    )


def words(action: a.Action) -> str:  # noqa: C901, PLR0911, PLR0912 - one arm per action, nothing else
    """One action as a line of a case."""
    match action:
        case a.StartRun():
            return f"start run {action.number}"
        case a.ExtendRun():
            wanted = action.experiment
            limits = f"{wanted.max_trials} trials, {wanted.parallel} at once, {wanted.max_failed} may fail"
            return f"extend the run to {limits}; status {status_words(action.conditions)}"
        case a.DeleteExperiment():
            return f"delete the experiment after run {action.run}"
        case a.SetStatus():
            end = " and note its end" if action.completed == NOW else ""
            return f"write the status {status_words(action.conditions)}{end}"
        case a.AskForPoints():
            return f"ask for points {', '.join(map(str, action.indexes))}"
        case a.CreateTrial():
            return f"create trial {short(action.name)} from point {action.suggestion.index}"
        case a.StartTrial():
            devices = f" on {' '.join(action.gpus)}" if action.gpus else ""
            return f"start trial {short(action.name)}, attempt {action.attempt}{devices}"
        case a.SetSuggestion():
            said = (
                f"{one.type}{'' if one.status == 'True' else f'={one.status}'} ({one.reason})"
                for one in action.conditions
            )
            return f"write the suggestion {', '.join(said)}; {action.requests} requests, {action.resume.value}"
        case a.RecordCreated():
            return f"record that trial {short(action.name)} waits"
        case a.RecordRunning():
            return f"record that trial {short(action.name)} runs"
        case a.RetryTrial():
            return f"retry trial {short(action.name)} as attempt {action.attempt}: {action.message}"
        case a.StopTrial():
            return f"stop trial {short(action.name)}, attempt {action.attempt}"
        case a.FinishTrial():
            return _end(action)


def _end(action: a.FinishTrial) -> str:
    readings = "".join(f" with {one.name} {one.min}..{one.max}, last {one.latest}" for one in action.observation)
    source = f" like trial {short(action.result_of)}" if action.result_of else ""
    return f"trial {short(action.name)} is {action.phase.value}{source}{readings} ({action.reason}): {action.message}"


def status_words(conditions: tuple[Condition, ...]) -> str:
    """Conditions in their order: `Created, Running=False, Succeeded (GoalReached)`."""
    said = []
    for one in conditions:
        value = "" if one.status == "True" else f"={one.status}"
        reason = f" ({one.reason.removeprefix('Experiment')})" if one.type == "Succeeded" else ""
        if one.type == "Failed" and one.message != REASONS["Failed"][1]:
            reason = f" ({one.message})"
        said.append(f"{one.type}{reason}{value}")
    return ", ".join(said)


def short(name: str) -> str:
    """The number of a trial; with its run where that is not the first."""
    _, run, index = name.split("-")
    return str(int(index)) if run == "1" else f"{int(index)} of run {run}"


def again(before: World, **changes: object) -> World:
    """The same world but for some fields."""
    return replace(before, **changes)
