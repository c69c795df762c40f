"""Tekton's PipelineRun (tekton.dev/v1, v1beta1) as a graph: steps of tasks, with parameters and results between them.

What cannot be run as plain processes (tasks of other objects, resolvers, matrices, sidecars…) is refused by name.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from kagit.errors import Refused
from kagit.experiment import Json
from kagit.shapes import at, mapping, sequence, text
from kagit.spelling import did_you_mean, short
from reconciler.adapters.workflows import graph as g
from reconciler.adapters.workflows.graph import Folder, Graph, Late, Node, Test, Text
from reconciler.adapters.workflows.tekton_params import Scope, defaults, given, seconds
from reconciler.adapters.workflows.tekton_steps import step_node

_RUN = ("pipelineRef", "resources", "podTemplate", "taskRunSpecs")
_TASK = ("taskRef", "pipelineRef", "pipelineSpec", "matrix", "resources")
_RESULT = re.compile(r"tasks\.([A-Za-z0-9_-]+)\.results\.([A-Za-z0-9_.-]+)")


def graph(manifest: Json) -> Graph:
    """The graph of a rendered PipelineRun; Refused says what cannot be run here and the way out."""
    spec = mapping(manifest.get("spec"))
    if spec.get("pipelineRef") is not None:
        raise Refused("spec.pipelineRef names a Pipeline of a cluster; put its spec into pipelineSpec to run here")
    _without(spec, _RUN[1:2], "spec")
    pipeline = mapping(spec.get("pipelineSpec"))
    if not sequence(pipeline.get("tasks")):
        raise Refused("spec.pipelineSpec has no tasks; give at least one")
    run = _Run(manifest, pipeline)
    duration = at(spec, "timeouts", "pipeline") or spec.get("timeout")
    return Graph(nodes=g.ordered(run.nodes()), deadline=seconds(duration, "spec.timeouts.pipeline"))


def _without(fields: Mapping[str, Any], foreign: tuple[str, ...], place: str) -> None:
    for field in foreign:
        if fields.get(field) is not None:
            raise Refused(f"{place}.{field} needs Tekton Pipelines on a cluster; remove it to run here")


class _Run:
    """One PipelineRun while its tasks become nodes."""

    def __init__(self, manifest: Json, pipeline: Mapping[str, Any]) -> None:
        spec, meta = mapping(manifest.get("spec")), mapping(manifest.get("metadata"))
        self._pipeline = pipeline
        self._tasks = {text(at(one, "name")): mapping(one) for one in sequence(pipeline.get("tasks"))}
        self._finally = {text(at(one, "name")): mapping(one) for one in sequence(pipeline.get("finally"))}
        name = text(meta.get("name"))
        context = {
            "context.pipelineRun.name": g.text(name),
            "context.pipelineRun.namespace": g.text(text(meta.get("namespace"))),
            "context.pipelineRun.uid": g.text(name),
            "context.pipeline.name": g.text(name),
        }
        declared = sequence(pipeline.get("params"))
        outer = Scope(place="spec.params", texts=context, lists={})
        values = given(sequence(spec.get("params")), outer)
        self._scope = defaults(declared, values, replace(outer, place="spec.pipelineSpec")).with_texts(context)
        self._workspaces = dict(_workspaces(spec))
        self._last: dict[str, str] = {}

    def nodes(self) -> Iterator[Node]:
        """The steps of all tasks, then those of `finally`."""
        for name in (*self._tasks, *self._finally):
            task = self._tasks.get(name) or self._finally[name]
            _without(task, _TASK, f"tasks[{name}]")
            steps = sequence(at(task, "taskSpec", "steps"))
            if not steps:
                raise Refused(f"tasks[{name}].taskSpec has no steps; give at least one")
            self._last[name] = f"{name}.{_step_name(steps[-1], len(steps) - 1)}"
        for name, task in self._tasks.items():
            yield from self._task(name, task, always=False)
        for name, task in self._finally.items():
            yield from self._task(name, task, always=True)

    def _task(self, name: str, task: Mapping[str, Any], *, always: bool) -> Iterator[Node]:
        body, place = mapping(task.get("taskSpec")), f"tasks[{name}]"
        _without(body, ("sidecars", "volumes"), f"{place}.taskSpec")
        outer = self._scope.at(place, self._results(name))
        values = given(sequence(task.get("params")), outer)
        inner = defaults(sequence(body.get("params")), values, outer)
        results = tuple(text(at(one, "name")) for one in sequence(body.get("results")))
        own: dict[str, Text] = {"context.task.name": g.text(name), "context.taskRun.name": g.text(name)}
        own |= {f"results.{one}.path": (g.File(self._last[name], one),) for one in results}
        own |= self._folders(task, body, place)
        scope = inner.at(place, own)
        steps = sequence(body.get("steps"))
        after = self._after(name, task, always=always)
        tests, retries = tuple(_tests(task, outer)), _retries(task, len(steps), place)
        for i, step in enumerate(steps):
            full = {**mapping(body.get("stepTemplate")), **mapping(step)}
            last = i == len(steps) - 1
            node = step_node(full, scope, name=f"{name}.{_step_name(step, i)}", results=results if last else ())
            yield replace(
                node,
                after=after,
                tests=tests,
                retries=retries,
                always=always,
                deadline=node.deadline or seconds(task.get("timeout"), f"{place}.timeout"),
                labels={**_labels(body), "tekton.dev/pipelineTask": name},
                container=f"step-{_step_name(step, i)}",
            )
            after = (f"{name}.{_step_name(step, i)}",)

    def _after(self, name: str, task: Mapping[str, Any], *, always: bool) -> tuple[str, ...]:
        if always:
            return tuple(self._last[one] for one in self._tasks)
        needed = [text(one) for one in sequence(task.get("runAfter"))]
        for one in needed:
            if one not in self._tasks:
                raise Refused(f"tasks[{name}].runAfter names {one!r}; {did_you_mean(one, tuple(self._tasks))}")
        return tuple(self._last[one] for one in needed)

    def _results(self, name: str) -> dict[str, Text]:
        """What a task may know of the results of the others."""
        known: dict[str, Text] = {}
        for other, task in self._tasks.items():
            if other == name:
                continue
            for one in sequence(at(task, "taskSpec", "results")):
                result = text(at(one, "name"))
                known[f"tasks.{other}.results.{result}"] = (Late(self._last[other], result, exact=True),)
        return known

    def _folders(self, task: Mapping[str, Any], body: Mapping[str, Any], place: str) -> dict[str, Text]:
        bound = {text(at(one, "name")): one for one in sequence(task.get("workspaces"))}
        known: dict[str, Text] = {}
        for one in sequence(body.get("workspaces")):
            name = text(at(one, "name"))
            source = text(at(bound.get(name), "workspace")) or (name if name in self._workspaces else "")
            if source and source not in self._workspaces:
                raise Refused(f"{place}.workspaces: {source!r} is no workspace of the run; give it as an emptyDir")
            if not source and at(one, "optional") is not True:
                raise Refused(f"{place}.workspaces: {name!r} is bound to nothing; bind it to a workspace of the run")
            below = text(at(bound.get(name), "subPath")).strip("/")
            known[f"workspaces.{name}.bound"] = g.text("true" if source else "false")
            known[f"workspaces.{name}.path"] = (
                g.joined([(Folder(source),), g.text(f"/{below}" if below else "")]) if source else ()
            )
        return known


def _workspaces(spec: Mapping[str, Any]) -> Iterator[tuple[str, None]]:
    for one in sequence(spec.get("workspaces")):
        name = text(at(one, "name"))
        if at(one, "emptyDir") is None:
            raise Refused(
                f"spec.workspaces: {name!r} is no emptyDir and needs a cluster; give emptyDir: {{}} to run here"
            )
        yield name, None


def _labels(body: Mapping[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in mapping(at(body, "metadata", "labels")).items()}


def _tests(task: Mapping[str, Any], scope: Scope) -> Iterator[Test]:
    for i, one in enumerate(sequence(task.get("when"))):
        operator = text(at(one, "operator"))
        if operator not in {"in", "notin"}:
            what = "cel" if at(one, "cel") is not None else short(operator)
            raise Refused(
                f"{scope.place}.when[{i}] has {what}; give input, operator in or notin, and values to run here"
            )
        values = tuple(value for word in sequence(at(one, "values")) for value in scope.words(word))
        yield Test(text=scope.fill(at(one, "input") or ""), values=values, negated=operator == "notin")


def _retries(task: Mapping[str, Any], steps: int, place: str) -> int:
    value = task.get("retries") or 0
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Refused(f"{place}.retries is {short(value)!r}; give a whole number")
    if value and steps > 1:
        raise Refused(f"{place}.retries with {steps} steps needs Tekton; give the task one step, or remove retries")
    return value


def _step_name(step: object, index: int) -> str:
    return text(at(step, "name")) or f"unnamed-{index}"
