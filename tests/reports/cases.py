"""Experiments to report on: ordinary ones, empty ones, hostile ones. No chance, no clock: everything is computed."""

import math
from dataclasses import replace
from decimal import Decimal

from kagit.experiment import Algorithm, Experiment, TrialTemplate
from kagit.objective import Constraint, Metric, Objective, ObjectiveType, Strategy
from kagit.search import Clause, Rules, Search
from kagit.space import Distribution, Parameter, ParameterType, Space
from kagit.trial import Artifact, Comparison, EarlyStoppingRule, Limit, Phase, Trial
from reports.contract import IndexEntry, Provenance, ReportData, RunSummary

DIGEST = "5f0c7a1d" * 8
COMMIT = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d"

DOUBLE = Parameter(
    name="C",
    type=ParameterType.DOUBLE,
    minimum=Decimal("0.01"),
    maximum=Decimal(100),
    distribution=Distribution.LOG_UNIFORM,
)
GAMMA = Parameter(
    name="gamma",
    type=ParameterType.DOUBLE,
    minimum=Decimal("0.0001"),
    maximum=Decimal(1),
    distribution=Distribution.LOG_UNIFORM,
)
KERNEL = Parameter(name="kernel", type=ParameterType.CATEGORICAL, values=("rbf", "poly", "linear"))
DEPTH = Parameter(name="depth", type=ParameterType.INT, minimum=Decimal(1), maximum=Decimal(9))
RATE = Parameter(
    name="rate", type=ParameterType.DOUBLE, minimum=Decimal("0.05"), maximum=Decimal("0.5"), step=Decimal("0.05")
)
BATCH = Parameter(name="batch", type=ParameterType.DISCRETE, values=("16", "32", "64", "1e3"))
SWITCH = Parameter(name="y", type=ParameterType.CATEGORICAL, values=("on", "n", "012", "1e3"))


def experiment(*parameters, name="digits-svm", **changes):
    made = Experiment(
        namespace="vision",
        name=name,
        space=Space(parameters or (DOUBLE, GAMMA, KERNEL)),
        objective=Objective(
            type=ObjectiveType.MAXIMIZE,
            metric="accuracy",
            goal=0.99,
            additional=("fit-seconds",),
            strategies={"accuracy": Strategy.MAX, "fit-seconds": Strategy.LATEST},
        ),
        algorithm=Algorithm(name="tpe", settings={"n_startup_trials": "10"}),
        template=TrialTemplate(trial_spec={}),
        max_trials=30,
        max_failed=5,
        spec_digest=DIGEST,
    )
    return replace(made, **changes)


def reading(name, value):
    return Metric(name=name, min=value, max=value, latest=value)


def time(index, seconds):
    total = index * 95 + seconds
    return f"2026-03-01T{8 + total // 3600:02d}:{total // 60 % 60:02d}:{total % 60:02d}Z"


def trial(index, point, *values, phase=Phase.SUCCEEDED, name="digits-svm", **changes):
    over = phase not in {Phase.CREATED, Phase.RUNNING}
    made = Trial(
        name=f"{name}-1-{index:04d}",
        run=1,
        index=index,
        point=point,
        phase=phase,
        started="" if phase is Phase.CREATED else time(index, 0),
        finished=time(index, 61 + index) if over else "",
        observation=tuple(reading(metric, value) for metric, value in values),
    )
    return replace(made, **changes)


def svm(index, **changes):
    c, gamma = 10 ** (math.sin(index * 1.7) * 1.9), 10 ** (-2 + math.cos(index * 2.3) * 1.9)
    score = 0.975 - 0.03 * (math.log10(c) - 1) ** 2 - 0.05 * (math.log10(gamma) + 2.5) ** 2
    point = {"C": f"{c:.6f}", "gamma": f"{gamma:.8f}", "kernel": KERNEL.values[index % 3]}
    return trial(index, point, ("accuracy", f"{score:.6f}"), ("fit-seconds", f"{0.4 + index % 7 / 8:.3f}"), **changes)


ORIGIN = Provenance(
    source="https://git.example/team/tuning.git",
    commit=COMMIT,
    clean=True,
    manifest_path="experiments/digits-svm.yaml",
    spec_digest=DIGEST,
    seed=20260301,
    engine="optuna 5.0.0",
    versions={"kagit": "0.1.0", "python": "3.11.7"},
    images_ignored=("registry.example/python:3.12-slim",),
)


def report(trials, one=None, **changes):
    made = ReportData(
        experiment=one or experiment(),
        status="Succeeded",
        reason="ExperimentMaxTrialsReached",
        message="Experiment has succeeded because max trial count has reached",
        run=1,
        trials=tuple(trials),
        started="2026-03-01T08:00:00Z",
        finished="2026-03-01T08:50:00Z",
        provenance=ORIGIN,
    )
    return replace(made, **changes)


def finished():
    trials = [svm(index) for index in range(30)]
    winner = max(trials, key=lambda one: float(one.observation[0].max))
    files = (
        Artifact(path="model/weights.npz", size=18_734, digest="ab" * 32),
        Artifact(path="confusion.png", size=812, digest="cd" * 32),
    )
    trials[winner.index] = replace(winner, artifacts=files)
    return report(trials, best=winner.name)


def running():
    trials = [svm(index) for index in range(7)]
    trials += [svm(7, phase=Phase.RUNNING, observation=()), svm(8, phase=Phase.CREATED, observation=())]
    waiting = ("RunningTrials(1)", "WaitingForSlot(position 3)")
    return report(
        trials,
        best="digits-svm-1-0002",
        status="Running",
        reason="ExperimentRunning",
        message="",
        finished="",
        waiting=waiting,
    )


TAIL = """\x1b[31mTraceback (most recent call last):\x1b[0m
  File "train.py", line 41, in <module>
    model.fit(images, labels)
  File "train.py", line 12, in fit
    raise MemoryError("would need 12 GiB")
MemoryError: would need 12 GiB
export AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY
"""


def failing():
    trials = [svm(index) for index in range(6)]
    for index, phase, reason in (
        (1, Phase.FAILED, "OOMKilled"),
        (3, Phase.FAILED, "Error"),
        (4, Phase.METRICS_UNAVAILABLE, "MetricsUnavailable"),
    ):
        trials[index] = svm(index, phase=phase, reason=reason, message=f"exit code {index}", observation=())
    trials[5] = replace(trials[5], phase=Phase.EARLY_STOPPED)
    tails = {trials[1].name: TAIL, trials[3].name: "epoch 1\repoch 2\nkilled by signal 9\n"}
    return report(
        trials,
        one=experiment(max_failed=3),
        best="digits-svm-1-0002",
        status="Failed",
        reason="ExperimentFailed",
        message="Experiment has failed because max failed count has reached",
        log_tails=tails,
        provenance=replace(ORIGIN, clean=False),
    )


def all_failed():
    trials = [
        svm(index, phase=Phase.FAILED, reason="Error", message="exit code 1", observation=()) for index in range(3)
    ]
    return report(trials, status="Failed", reason="ExperimentFailed", message="Every trial failed")


def empty():
    return report(
        (), status="Created", reason="ExperimentCreated", message="", started="", finished="", provenance=Provenance()
    )


def mixed():
    one = experiment(
        DEPTH,
        RATE,
        BATCH,
        SWITCH,
        name="cancer-boost",
        objective=Objective(type=ObjectiveType.MINIMIZE, metric="loss", strategies={"loss": Strategy.MIN}),
    )
    trials = []
    for index in range(12):
        point = {
            "depth": str(1 + index % 9),
            "rate": f"{0.05 * (1 + index % 10):.2f}",
            "batch": BATCH.values[index % 4],
            "y": SWITCH.values[index % 4],
        }
        loss = -0.2 + (index - 6) ** 2 / 50 if index != 3 else 41_000.0
        trials.append(trial(index, point, ("loss", f"{loss:.5f}"), name="cancer-boost"))
    return report(trials, one=one, best="cancer-boost-1-0006")


def earlier():
    before = (
        RunSummary(
            run=1,
            spec_digest="00aa" * 16,
            commit="99" * 20,
            trials=12,
            succeeded=11,
            best_trial="digits-svm-1-0004",
            best_value=0.9312,
        ),
        RunSummary(
            run=2, spec_digest="11bb" * 16, commit="88" * 20, trials=3, succeeded=0, best_trial="", best_value=None
        ),
    )
    trials = [replace(svm(index), run=3, name=f"digits-svm-3-{index:04d}") for index in range(9)]
    return report(trials, best="digits-svm-3-0002", run=3, earlier=before)


OPTIMIZER = Parameter(name="optimizer", type=ParameterType.CATEGORICAL, values=("adam", "sgd"))
MOMENTUM = Parameter(name="momentum", type=ParameterType.DOUBLE, minimum=Decimal(0), maximum=Decimal("0.9"))
WIDTH = Parameter(name="width", type=ParameterType.INT, minimum=Decimal(8), maximum=Decimal(128))


def aims(**changes):
    """Accuracy against latency under a limit of memory, with everything by which an author shapes a search."""
    space = (WIDTH, OPTIMIZER, MOMENTUM)
    objective = Objective(
        type=ObjectiveType.MAXIMIZE,
        metric="accuracy",
        additional=("latency", "memory"),
        strategies={"accuracy": Strategy.MAX, "latency": Strategy.MIN, "memory": Strategy.MAX},
        others={"latency": ObjectiveType.MINIMIZE},
        constraints=(Constraint(metric="memory", sign="<=", bound=512.0),),
    )
    shaped = Search(
        initial=({"width": "64"}, {"width": "32", "optimizer": "adam"}),
        fixed={},
        rules=Rules(
            active={"momentum": (Clause(parameter="optimizer", values=("sgd",)),)},
            forbidden=(
                (
                    Clause(parameter="optimizer", values=("sgd",)),
                    Clause(parameter="width", sign=">", values=("120",)),
                ),
            ),
        ),
        start_from={"pilot": 1},
        started=({"width": "16", "optimizer": "sgd", "momentum": "0.5"},),
    )
    trials = []
    for index in range(24):
        width, sgd = 8 + index * 37 % 121, index % 2 == 1
        noise = math.sin(index * 2.7)
        accuracy, latency = 0.95 - 1.2 / width + 0.01 * noise, 2 + width * 0.11 + abs(math.cos(index * 1.9)) * 3
        point = {
            "width": str(width),
            "optimizer": "sgd" if sgd else "adam",
            "momentum": f"{0.1 + index % 9 / 12:.4f}" if sgd else "0",
        }
        values = (
            ("accuracy", f"{accuracy:.4f}"),
            ("latency", f"{latency:.3f}"),
            ("memory", str(40 + width * 5)),
        )
        trials.append(trial(index, point, *values, name="phone-net"))
    rule = EarlyStoppingRule(
        metric="accuracy", value="0.8", comparison=Comparison.LESS, start_step=4, later=(Limit(6, "0.85"),)
    )
    trials[5] = replace(trials[5], phase=Phase.EARLY_STOPPED, reason="TrialEarlyStopped", rules=(rule,))
    trials[6] = replace(trials[6], rules=(rule,))
    trials[9] = replace(trials[9], phase=Phase.FAILED, reason="Error", observation=trials[9].observation[:1])
    trials[11] = replace(trials[11], observation=trials[11].observation[:2])
    trials[12] = replace(trials[12], parent=3)
    trials[20] = replace(trials[20], parent=12)
    trials[14] = replace(trials[14], observation=trials[2].observation, result_of=trials[2].name)
    kept = [one for one in trials if one.result(objective) is not None]
    winner = max(kept, key=objective_of(objective))
    one = experiment(*space, name="phone-net", objective=objective, search=shaped, max_trials=24)
    return report(trials, one=one, best=winner.name, **changes)


def objective_of(objective):
    return lambda one: objective.value(one.observation)


PAYLOADS = (
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "{{ 7*7 }}{% for x in y %}",
    "</style></title></pre></code></details><h1>owned",
    "]]>--><!--",
    "@everyone #1 !2 owner/repo#3",
    "![x](https://evil.example/x.png) [y](javascript:z) https://evil.example",
    "| a | b \\| c \\\\| d\\",
    "``` `` ` ~~~",
    "```\n/merge\n/close\n# owned\n```",
    "/approve",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "  @SUM(A1)",
    "-2+3",
    "%0A=1",
    "line\r\nbreak\u2028and\u2029more\x85end",
    "\x1b]8;;https://evil.example\x07click\x1b]8;;\x07 \x1b[31mred\x9b0m",
    "\u202egnp.exe\u2066 \u200bzero\ufeff",
    "lone \ud800 surrogate \udfff",
    "\x00\x01\x7f\ufffe\uffff",
    'a,b"c"\nd',
    "&#64;name &lt;b&gt; &amp;",
    "* item\n1. item\n> quote\n    code",
    "$$x$$ $`y`$ :smile:",
    "---\ntitle: x\n---",
    "\t=tab",
    "\uff1d\uff11\uff0b\uff11",
    "../../etc/passwd",
    "--help; rm -rf $(HOME) `id`",
    "x" * 5_000,
    "",
    "   ",
)


def hostile(payloads=PAYLOADS, pick=None):
    """Every slot of the report filled with payloads, in turns or by `pick`."""
    turn = iter(range(10**6))
    take = pick or (lambda: payloads[next(turn) % len(payloads)])
    names = list(dict.fromkeys(take() for _ in range(4)))
    space = (
        *(Parameter(name=name, type=ParameterType.CATEGORICAL, values=(take(), take())) for name in names),
        Parameter(name=f"{take()} d", type=ParameterType.DOUBLE, minimum=Decimal(0), maximum=Decimal(1)),
    )
    first, second, third = take(), take(), take()
    objective = Objective(
        type=ObjectiveType.MINIMIZE,
        metric=first,
        additional=(second, third),
        others={second: ObjectiveType.MAXIMIZE},
        constraints=(
            Constraint(metric=third, sign="<=", bound=1e300),
            Constraint(metric=first, sign=">=", bound=4.0),
        ),
    )
    clauses = (Clause(parameter=names[0], values=(take(), take())), Clause(parameter=take(), sign=">", values=("1",)))
    shaped = Search(
        initial=({names[0]: take(), take(): take()},),
        fixed={take(): take()},
        rules=Rules(active={names[-1]: clauses}, forbidden=(clauses,)),
        start_from={take(): 3},
        started=({take(): take()},),
    )
    phases = (Phase.SUCCEEDED, Phase.FAILED, Phase.METRICS_UNAVAILABLE, Phase.RUNNING, Phase.EARLY_STOPPED)
    trials = tuple(
        Trial(
            name=f"{index} {take()}",
            run=1,
            index=index,
            point={one.name: take() for one in space},
            phase=phases[index % 5],
            reason=take(),
            message=take(),
            started=take(),
            finished=take(),
            observation=(
                Metric(name=objective.metric, latest=str(0.5 + index)),
                Metric(name=objective.additional[0], latest=take()),
            ),
            artifacts=(Artifact(path=take(), size=index, digest=take()),),
            parent=index - 1 if index > 3 else None,
            result_of=take(),
            rules=(EarlyStoppingRule(metric=take(), value=take(), comparison=Comparison.LESS),),
        )
        for index in range(24)
    )
    one = replace(
        experiment(*space),
        namespace=take(),
        name=take(),
        objective=objective,
        search=shaped,
        spec_digest=take(),
        algorithm=Algorithm(name=take(), settings={take(): take()}),
    )
    origin = Provenance(
        source=take(),
        commit=take(),
        clean=False,
        manifest_path=take(),
        spec_digest=take(),
        seed=1,
        engine=take(),
        versions={take(): take()},
        images_ignored=(take(), take()),
    )
    summary = RunSummary(
        run=1, spec_digest=take(), commit=take(), trials=1, succeeded=1, best_trial=take(), best_value=math.nan
    )
    return ReportData(
        experiment=one,
        status=take(),
        reason=take(),
        message=take(),
        run=2,
        trials=trials,
        best=trials[0].name,
        waiting=(take(), take()),
        started=take(),
        finished=take(),
        log_tails={each.name: take() for each in trials},
        provenance=origin,
        earlier=(summary,),
    )


def hostile_entries(payloads=PAYLOADS):
    turn = iter(range(10**6))

    def take():
        return payloads[next(turn) % len(payloads)]

    return [
        IndexEntry(
            namespace=take(),
            name=take(),
            status=take(),
            message=take(),
            metric=take(),
            direction=take(),
            best_value=math.inf,
            best_trial=take(),
            trials=1,
            succeeded=1,
            failed=0,
            max_trials=None,
            finished=take(),
            history=(math.nan, 1.0, -math.inf),
        )
        for _ in payloads
    ]


def entries():
    line = tuple(0.8 + 0.17 * (1 - 1 / (1 + at)) for at in range(30))
    common = {
        "message": "",
        "metric": "accuracy",
        "direction": "maximize",
        "max_trials": 30,
    }
    return [
        IndexEntry(
            namespace="vision",
            name="digits-svm",
            status="Succeeded",
            best_value=line[-1],
            best_trial="digits-svm-1-0012",
            trials=30,
            succeeded=28,
            failed=2,
            finished="2026-03-01T08:50:00Z",
            history=line,
            **common,
        ),
        IndexEntry(
            namespace="vision",
            name="broken",
            status="Failed",
            best_value=None,
            best_trial="",
            trials=5,
            succeeded=0,
            failed=5,
            finished="2026-03-01T09:10:00.5Z",
            **(common | {"message": "max failed count has reached"}),
        ),
        IndexEntry(
            namespace="tabular",
            name="cancer-boost",
            status="Running",
            best_value=0.93,
            best_trial="cancer-boost-1-0002",
            trials=4,
            succeeded=2,
            failed=1,
            finished="",
            history=(0.9, 0.93, 0.93),
            **common,
        ),
        IndexEntry(
            namespace="tabular",
            name="new",
            status="Created",
            best_value=None,
            best_trial="",
            trials=0,
            succeeded=0,
            failed=0,
            finished="",
            **(common | {"max_trials": None}),
        ),
    ]


EXPERIMENTS = {
    "finished": finished,
    "running": running,
    "failing": failing,
    "all-failed": all_failed,
    "empty": empty,
    "mixed": mixed,
    "earlier-runs": earlier,
    "aims": aims,
    "hostile": hostile,
}
INDEXES = {"index": entries, "index-hostile": hostile_entries, "index-empty": list}
