"""One step of a Tekton task as a node."""

from collections.abc import Mapping
from typing import Any

from kagit.errors import Refused
from kagit.shapes import at, mapping, sequence, text
from reconciler.adapters.workflows.graph import Node, Source, Text
from reconciler.adapters.workflows.tekton_params import Scope, seconds

_FOREIGN = ("envFrom", "ref", "stdoutConfig", "stderrConfig", "volumeMounts", "volumeDevices", "workspaces")


def step_node(step: Mapping[str, Any], scope: Scope, *, name: str, results: tuple[str, ...]) -> Node:
    """A step; `results` are the files that its task must have left when it is over."""
    place = f"{scope.place}.steps[{name.partition('.')[2]}]"
    for field in _FOREIGN:
        if step.get(field) is not None:
            raise Refused(f"{place}.{field} needs Tekton Pipelines on a cluster; remove it to run here")
    argv, script = _command(step, scope, place)
    return Node(
        name=name,
        argv=argv,
        env={text(at(one, "name")): _value(one, scope, place) for one in sequence(step.get("env"))},
        directory=text(step.get("workingDir")),
        script=script,
        outputs=dict.fromkeys(results),
        forgiven=step.get("onError") == "continue",
        deadline=seconds(step.get("timeout"), f"{place}.timeout"),
        resources=dict(mapping(step.get("computeResources") or step.get("resources"))),
    )


def _command(step: Mapping[str, Any], scope: Scope, place: str) -> tuple[tuple[Text, ...], Text]:
    script = step.get("script")
    if script is not None:
        if step.get("command") is not None:
            raise Refused(f"{place} has both script and command; remove one")
        source = text(script)
        if not source.startswith("#!"):
            source = f"#!/bin/sh\nset -e\n{source}"
        words = [word for one in sequence(step.get("args")) for word in scope.words(one)]
        return ((Source(),), *words), scope.fill(source)
    command = sequence(step.get("command"))
    if not command:
        raise Refused(f"{place} has no command: the image's own entrypoint is unknown here; give command or script")
    return tuple(word for one in (*command, *sequence(step.get("args"))) for word in scope.words(one)), ()


def _value(one: object, scope: Scope, place: str) -> Text:
    if at(one, "valueFrom") is not None:
        raise Refused(
            f"{place}: env {text(at(one, 'name'))} has valueFrom, which needs a cluster; give value to run here"
        )
    return scope.fill(at(one, "value") if at(one, "value") is not None else "")
