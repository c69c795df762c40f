"""Workflows and PipelineRuns as real processes: order, what is passed on, conditions, failures, ends."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from kagit.errors import Refused
from reconciler.adapters.keeper import late
from reconciler.ports import State
from tests.contract.executor_rigs import LocalRig, eventually, text

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
PRINT = [sys.executable, "-I", "-S", "-c", "import sys; print(*sys.argv[1:])"]
TRAIN = {"train": "true"}


@pytest.fixture
def rig(tmp_path: Path):
    made = LocalRig(tmp_path, first_backoff=0.05)
    yield made
    made.executor.close()
    eventually(lambda: not made.processes(), "no process is left")


def workflow(*templates: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": "one", "namespace": "default"},
        "spec": {"entrypoint": templates[0]["name"], "templates": list(templates), **spec},
    }


def pipeline(*tasks: dict[str, Any], **spec: Any) -> dict[str, Any]:
    last = spec.pop("last", [])
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {"name": "one", "namespace": "default"},
        "spec": {"pipelineSpec": {"tasks": list(tasks), "finally": last}, **spec},
    }


def template(name: str, *command: str, **more: Any) -> dict[str, Any]:
    labels = {"metadata": {"labels": TRAIN}} if name == "train" else {}
    return {"name": name, "container": {"image": "x", "command": list(command)}, **labels, **more}


def task(name: str, *steps: list[str] | str, **more: Any) -> dict[str, Any]:
    made = [{"script": step} if isinstance(step, str) else {"command": step} for step in steps]
    inside = {key: more.pop(key) for key in ("results", "params", "workspaces") if key in more}
    binds = {key: more.pop(f"with_{key}") for key in ("params", "workspaces") if f"with_{key}" in more}
    return {"name": name, **more, **binds, "taskSpec": {**inside, "steps": made}}


def ran(rig: LocalRig, manifest: dict[str, Any], **more: Any):
    rig.submit("a", manifest, primary_container="main", **{"primary_pod_labels": TRAIN, **more})
    return rig.until("a")


def other(rig: LocalRig, container: str) -> str:
    return rig.executor.output("a", container=container).data.decode()


def test_what_a_script_prints_reaches_the_step_that_trains(rig: LocalRig):
    seen = ran(
        rig,
        workflow(
            {
                "name": "main",
                "steps": [
                    [{"name": "prepare", "template": "prepare"}],
                    [
                        {
                            "name": "train",
                            "template": "train",
                            "arguments": {
                                "parameters": [{"name": "epochs", "value": "{{steps.prepare.outputs.result}}"}]
                            },
                        }
                    ],
                ],
            },
            {
                "name": "prepare",
                "script": {"command": [sys.executable, "-I", "-S"], "source": "print('3 $(x) {{y} \"')"},
            },
            template("train", *PRINT, "loss={{inputs.parameters.epochs}}", inputs={"parameters": [{"name": "epochs"}]}),
        ),
    )
    assert seen.succeeded
    assert seen.status["phase"] == "Succeeded"
    assert text(rig) == 'loss=3 $(x) {{y} "\n'
    assert other(rig, "prepare") == '3 $(x) {{y} "\n'


def test_files_conditions_and_defaults_in_a_dag(rig: LocalRig):
    made = workflow(
        {
            "name": "main",
            "dag": {
                "tasks": [
                    {"name": "left", "template": "left"},
                    {"name": "right", "template": "right"},
                    {"name": "never", "template": "right", "when": "{{tasks.left.outputs.parameters.n}} > 5"},
                    {
                        "name": "train",
                        "template": "train",
                        "dependencies": ["never", "right"],
                        "when": "{{tasks.left.outputs.parameters.n}} == 4 && true",
                        "arguments": {
                            "parameters": [
                                {"name": "a", "value": "{{tasks.left.outputs.parameters.n}}"},
                                {"name": "b", "value": "{{tasks.left.outputs.parameters.d}}"},
                            ]
                        },
                    },
                ]
            },
        },
        template(
            "left",
            "sh",
            "-c",
            "echo 4 > /tmp/n",
            outputs={
                "parameters": [
                    {"name": "n", "valueFrom": {"path": "/tmp/n"}},
                    {"name": "d", "valueFrom": {"path": "/tmp/d", "default": "none"}},
                ]
            },
        ),
        template("right", "true"),
        template(
            "train",
            *PRINT,
            "{{inputs.parameters.a}}",
            "{{inputs.parameters.b}}",
            inputs={"parameters": [{"name": "a"}, {"name": "b"}]},
        ),
    )
    seen = ran(rig, made)
    assert seen.succeeded
    assert text(rig) == "4 none\n"
    phases = {name: one["phase"] for name, one in seen.status["nodes"].items()}
    assert phases == {"left": "Succeeded", "right": "Succeeded", "never": "Skipped", "train": "Succeeded"}


def test_a_step_in_the_middle_fails_and_nothing_more_begins(rig: LocalRig):
    steps = [[{"name": name, "template": name}] for name in ("first", "broken", "train")]
    made = workflow(
        {"name": "main", "steps": steps},
        template("first", "true"),
        template("broken", "sh", "-c", "echo oh no; exit 3"),
        template("train", *PRINT, "x"),
    )
    seen = ran(rig, made)
    assert (seen.state, seen.exit_code) == (State.ENDED, 3)
    assert seen.status["phase"] == "Failed"
    assert "step broken ended with exit code 3; its last line: oh no" in seen.message
    assert text(rig) == ""


def test_retries_forgiveness_and_a_missing_output(rig: LocalRig):
    again = "test -e $$KAGIT_TRIAL_DIR/seen || { touch $$KAGIT_TRIAL_DIR/seen; exit 1; }"
    steps = [
        [{"name": "again", "template": "again"}],
        [{"name": "broken", "template": "broken", "continueOn": {"failed": True}}],
        [{"name": "train", "template": "train"}],
    ]
    made = workflow(
        {"name": "main", "steps": steps},
        template("again", "sh", "-c", again, retryStrategy={"limit": 1}),
        template("broken", "false"),
        template("train", *PRINT, "x", outputs={"parameters": [{"name": "n", "valueFrom": {"path": "/n"}}]}),
    )
    seen = ran(rig, made)
    assert not seen.succeeded
    assert "it has left no output n; write it to the path" in seen.message
    assert text(rig) == "x\n"


def test_a_stop_leaves_nothing_and_says_nothing_of_its_object(rig: LocalRig):
    made = workflow(
        {"name": "main", "steps": [[{"name": "train", "template": "train"}, {"name": "b", "template": "b"}]]},
        template("train", "sh", "-c", "echo here; sleep 600"),
        template("b", "sleep", "600"),
    )
    rig.submit("a", made, primary_container="main", primary_pod_labels=TRAIN)
    eventually(lambda: rig.look() or text(rig) == "here\n", "it runs")
    rig.executor.stop("a")
    assert rig.until("a").reason == "Stopped"
    eventually(lambda: len(rig.processes()) == 0, "nothing runs")


def test_two_trials_at_once_do_not_meet(rig: LocalRig):
    def made(word: str) -> dict[str, Any]:
        steps = [
            [{"name": "p", "template": "p"}],
            [
                {
                    "name": "train",
                    "template": "train",
                    "arguments": {"parameters": [{"name": "n", "value": "{{steps.p.outputs.parameters.n}}"}]},
                }
            ],
        ]
        leave = f"echo {word} > /tmp/n; sleep 0.2"
        outputs = {"parameters": [{"name": "n", "valueFrom": {"path": "/tmp/n"}}]}
        return workflow(
            {"name": "main", "steps": steps},
            template("p", "sh", "-c", leave, outputs=outputs),
            template("train", *PRINT, "{{inputs.parameters.n}}", inputs={"parameters": [{"name": "n"}]}),
        )

    for name, word in (("a", "one"), ("b", "two")):
        rig.submit(name, made(word), primary_container="main", primary_pod_labels=TRAIN)
    assert rig.until("a").succeeded
    assert rig.until("b").succeeded
    assert (text(rig, "a"), text(rig, "b")) == ("one\n", "two\n")


def test_a_pipeline_passes_results_on_shares_a_workspace_and_cleans_up(rig: LocalRig):
    made = pipeline(
        task(
            "prepare",
            "#!/bin/sh\nprintf 5 > $(results.n.path)\necho shared > $(workspaces.w.path)/f",
            results=[{"name": "n"}],
            workspaces=[{"name": "w"}],
            with_workspaces=[{"name": "w", "workspace": "data"}],
        ),
        task(
            "train",
            ["sh", "-c", "echo loss=$(params.n); cat $(workspaces.w.path)/f"],
            params=[{"name": "n"}],
            with_params=[{"name": "n", "value": "$(tasks.prepare.results.n)"}],
            workspaces=[{"name": "w"}],
            with_workspaces=[{"name": "w", "workspace": "data"}],
        ),
        task(
            "passed-over",
            ["false"],
            when=[{"input": "$(tasks.prepare.results.n)", "operator": "in", "values": ["6"]}],
        ),
        last=[task("clean", ["echo", "cleaned"])],
        workspaces=[{"name": "data", "emptyDir": {}}],
    )
    seen = ran(rig, made, primary_pod_labels={"tekton.dev/pipelineTask": "train"})
    assert seen.succeeded, seen.message
    assert text(rig) == "loss=5\nshared\n"
    assert other(rig, "clean.unnamed-0") == "cleaned\n"
    (condition,) = seen.status["conditions"]
    assert (condition["type"], condition["status"], condition["reason"]) == ("Succeeded", "True", "Completed")


def test_finally_runs_although_a_task_has_failed(rig: LocalRig):
    made = pipeline(
        task("train", ["sh", "-c", "echo x; exit 7"]),
        task("next", ["echo", "never"], runAfter=["train"]),
        task("beside", ["sleep", "600"]),
        last=[task("clean", ["echo", "cleaned"])],
    )
    seen = ran(rig, made, primary_pod_labels={"tekton.dev/pipelineTask": "train"})
    assert seen.exit_code == 7
    assert other(rig, "clean.unnamed-0") == "cleaned\n"
    assert other(rig, "next.unnamed-0") == ""
    assert seen.status["conditions"][0]["status"] == "False"


def test_a_launcher_that_is_killed_leaves_a_lost_attempt(rig: LocalRig):
    made = workflow(template("train", "sh", "-c", "echo here; sleep 600"), template("unused", "true"))
    rig.submit("a", made, primary_container="main", primary_pod_labels=TRAIN)
    eventually(lambda: rig.look() or text(rig) == "here\n", "it runs")
    rig.crash()
    eventually(lambda: rig.look() or text(rig) == "here\n", "it runs on")
    rig.executor.stop("a")
    assert rig.until("a").reason == "Stopped"


def test_a_step_whose_print_is_read_cannot_be_the_trial(rig: LocalRig):
    steps = [
        [{"name": "train", "template": "train"}],
        [{"name": "b", "template": "b", "when": "{{steps.train.outputs.result}} == 1"}],
    ]
    made = workflow({"name": "main", "steps": steps}, template("train", "echo", "1"), template("b", "true"))
    with pytest.raises(Refused, match=r"give it an output parameter with valueFrom\.path"):
        rig.submit("a", made, primary_container="main", primary_pod_labels=TRAIN)


def test_a_thousand_steps_run_and_more_are_refused(rig: LocalRig):
    def made(count: int) -> dict[str, Any]:
        each = {"name": "each", "template": "s", "withItems": list(range(count))}
        steps = [[each], [{"name": "train", "template": "train"}]]
        return workflow({"name": "main", "steps": steps}, template("s", "true"), template("train", *PRINT, "done"))

    assert ran(rig, made(300)).succeeded
    assert text(rig) == "done\n"
    with pytest.raises(Refused, match="more than 1000 steps"):
        rig.submit("b", made(1000), primary_container="main", primary_pod_labels=TRAIN)


@pytest.mark.parametrize(
    ("when", "met"),
    [
        ("1 == 1", True), ("1 == 1.0", True), ("10 > 9", True), ("10 < 9", False), ("b > a", True),
        ("'a' == \"a\"", True),
        ("a != b && 1 <= 1", True), ("a == b || 2 >= 3", False), ("true", True), ("false || true", True), ("== ", True),
        ("a b == a b", True),
    ],
)  # fmt: skip
def test_conditions(when, met):
    assert late.compare(when) is met


@pytest.mark.parametrize("when", ["maybe", "yes", "a =~ b", "1 = 1"])
def test_conditions_that_are_none(when: str):
    with pytest.raises(ValueError, match=re.escape(when.strip())):
        late.compare(when)
