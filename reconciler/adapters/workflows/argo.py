"""Argo's Workflow (argoproj.io/v1alpha1) as a graph: containers and scripts in steps and DAGs, parameters between them.

What cannot be run as plain processes (artifacts, resources, suspend, templates of other objects…) is refused by name.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from kagit.errors import Refused
from kagit.experiment import Json
from kagit.shapes import at, mapping, sequence
from kagit.shapes import text as as_text
from kagit.spelling import did_you_mean, short
from reconciler.adapters.workflows import graph as g
from reconciler.adapters.workflows.argo_parts import check_step, check_template, check_workflow, leaf_parts, number
from reconciler.adapters.workflows.graph import Graph, Late, Node, Test, Text

_TAG = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_DEPENDS = re.compile(r"\s*([A-Za-z0-9_-]+)(?:\.(?:Succeeded|Skipped|Daemoned))?\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scope:
    """Where a template is expanded: names in `{{…}}` and their texts; `place` leads messages to the spot."""

    place: str
    values: Mapping[str, Text]
    level: int = 0

    def fill(self, value: object, *, where: str) -> Text:
        """A text of the manifest with its tags replaced; Refused for a tag that nobody knows."""
        written = value if isinstance(value, str) else json.dumps(value)

        def known(found: re.Match[str]) -> Text:
            name = found[1]
            if name.startswith("="):
                raise Refused(
                    f"{self.place}.{where}: the expression {short(found[0])} needs Argo; use plain {{{{names}}}}"
                )
            if name not in self.values:
                raise Refused(
                    f"{self.place}.{where}: {short(found[0])} is not known here; {did_you_mean(name, self.names)}"
                )
            return self.values[name]

        return g.substituted(written, _TAG, known)

    @property
    def names(self) -> tuple[str, ...]:
        """All that may stand in a tag."""
        return tuple(self.values)

    def inside(self, place: str, values: Mapping[str, Text]) -> "_Scope":
        """The scope of a template that is called from here."""
        if self.level >= g.MOST_LEVELS:
            raise Refused(f"{place}: templates call each other more than {g.MOST_LEVELS} levels deep; flatten them")
        return _Scope(place=place, values=values, level=self.level + 1)


@dataclass(slots=True, kw_only=True)
class _Expansion:
    """What comes out of expanding a template: its nodes are in `Builder`; these are its ends and its outputs."""

    ends: tuple[str, ...] = ()
    outputs: dict[str, Text] = field(default_factory=dict[str, Text])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """One call of a template: node names begin with `name`, all of them wait for `after` and need `tests`."""

    name: str = ""
    after: tuple[str, ...] = ()
    tests: tuple[Test, ...] = ()
    forgiven: bool = False


def graph(manifest: Json) -> Graph:
    """The graph of a rendered Workflow; Refused says what cannot be run here and the way out."""
    spec = mapping(manifest.get("spec"))
    check_workflow(spec)
    builder = _Builder(manifest)
    entry = as_text(spec.get("entrypoint"))
    scope = _Scope(place="spec", values=builder.globals)
    arguments: Json = {"arguments": spec.get("arguments"), "template": entry}
    builder.call(arguments, scope=scope, made=_Call(), where="entrypoint")
    deadline = number(spec.get("activeDeadlineSeconds"), "spec.activeDeadlineSeconds")
    return Graph(nodes=g.ordered(builder.nodes), deadline=deadline)


class _Builder:
    """Collects nodes while templates are expanded."""

    def __init__(self, manifest: Json) -> None:
        spec, meta = mapping(manifest.get("spec")), mapping(manifest.get("metadata"))
        self.nodes: list[Node] = []
        self._spec = spec
        self._templates = {as_text(at(one, "name")): mapping(one) for one in sequence(spec.get("templates"))}
        name = as_text(meta.get("name"))
        fixed = {"workflow.name": name, "workflow.namespace": as_text(meta.get("namespace")), "workflow.uid": name}
        for kind in ("labels", "annotations"):
            fixed |= {f"workflow.{kind}.{key}": str(value) for key, value in mapping(meta.get(kind)).items()}
        for i, one in enumerate(sequence(at(spec, "arguments", "parameters"))):
            value = at(one, "value")
            if value is None:
                raise Refused(f"spec.arguments.parameters[{i}]: {as_text(at(one, 'name'))} has no value; give one")
            fixed[f"workflow.parameters.{as_text(at(one, 'name'))}"] = (
                value if isinstance(value, str) else json.dumps(value)
            )
        self.globals: dict[str, Text] = {key: g.text(value) for key, value in fixed.items()}

    def call(self, step: Mapping[str, Any], *, scope: _Scope, made: _Call, where: str) -> _Expansion:
        """Expand the template that a step or task names, with the arguments that it gives."""
        template = mapping(step.get("inline")) or self._template(
            as_text(step.get("template")), f"{scope.place}.{where}"
        )
        name = as_text(template.get("name")) or as_text(step.get("name"))
        check_template(template, name)
        inputs = self._inputs(template, step, scope=scope, where=where)
        inner = scope.inside(f"templates[{name}]", {**self.globals, **inputs})
        if "steps" in template:
            return self._steps(template, inner, made)
        if "dag" in template:
            return self._dag(template, inner, made)
        return self._leaf(template, inner, made)

    def _template(self, name: str, place: str) -> Mapping[str, Any]:
        if name not in self._templates:
            raise Refused(
                f"{place}: there is no template {short(name)!r}; {did_you_mean(name, tuple(self._templates))}"
            )
        return self._templates[name]

    def _inputs(
        self, template: Mapping[str, Any], step: Mapping[str, Any], *, scope: _Scope, where: str
    ) -> dict[str, Text]:
        given = {as_text(at(one, "name")): mapping(one) for one in sequence(at(step, "arguments", "parameters"))}
        inputs: dict[str, Text] = {}
        for one in sequence(at(template, "inputs", "parameters")):
            name = as_text(at(one, "name"))
            value = given.get(name, {}).get("value")
            if value is not None:
                inputs[f"inputs.parameters.{name}"] = scope.fill(value, where=f"{where}.arguments.{name}")
                continue
            value = at(one, "value") if at(one, "value") is not None else at(one, "default")
            if value is None:
                raise Refused(
                    f"{scope.place}.{where}: argument {name!r} is missing; give it, or a default to the template"
                )
            inputs[f"inputs.parameters.{name}"] = _Scope(place="", values=self.globals).fill(value, where=name)
        return inputs

    def _leaf(self, template: Mapping[str, Any], scope: _Scope, made: _Call) -> _Expansion:
        if len(self.nodes) >= g.MOST_NODES:
            raise Refused(f"the workflow has more than {g.MOST_NODES} steps; make it smaller to run here")
        volumes = [*sequence(template.get("volumes")), *sequence(self._spec.get("volumes"))]
        parts = leaf_parts({**template, "volumes": volumes}, scope.fill)
        name = made.name or as_text(template.get("name"))
        node = replace(parts, name=name, after=made.after, tests=made.tests, forgiven=made.forgiven)
        self.nodes.append(node)
        outputs: dict[str, Text] = {"result": (Late(name, g.STDOUT),)}
        outputs |= {f"parameters.{output}": (Late(name, output),) for output in node.outputs}
        return _Expansion(ends=(name,), outputs=outputs)

    def _steps(self, template: Mapping[str, Any], scope: _Scope, made: _Call) -> _Expansion:
        after, values = made.after, dict(scope.values)
        for i, group in enumerate(sequence(template.get("steps"))):
            ends: list[str] = []
            found: dict[str, Text] = {}
            for step in sequence(group) or [group]:
                where = f"steps[{i}].{as_text(at(step, 'name'))}"
                one = self._step(mapping(step), replace(scope, values=values), replace(made, after=after), where=where)
                ends += one.ends
                found |= {f"steps.{as_text(at(step, 'name'))}.outputs.{key}": text for key, text in one.outputs.items()}
            after = tuple(ends) or after
            values |= found
        return _Expansion(ends=after, outputs=self._outputs(template, replace(scope, values=values)))

    def _dag(self, template: Mapping[str, Any], scope: _Scope, made: _Call) -> _Expansion:
        tasks = {as_text(at(one, "name")): mapping(one) for one in sequence(at(template, "dag", "tasks"))}
        done: dict[str, _Expansion] = {}
        values = dict(scope.values)
        for name in _in_order(tasks, scope.place):
            needed = _needed(tasks[name], scope.place)
            after = tuple(dict.fromkeys([*made.after, *(end for one in needed for end in done[one].ends)]))
            where, inner = f"dag.{name}", replace(scope, values=values)
            done[name] = self._step(tasks[name], inner, replace(made, after=after), where=where)
            values |= {f"tasks.{name}.outputs.{key}": text for key, text in done[name].outputs.items()}
        ends = tuple(dict.fromkeys(end for one in done.values() for end in one.ends))
        return _Expansion(ends=ends, outputs=self._outputs(template, replace(scope, values=values)))

    def _step(self, step: Mapping[str, Any], scope: _Scope, made: _Call, *, where: str) -> _Expansion:
        """A step or task, once or once for each of its items."""
        check_step(step, f"{scope.place}.{where}")
        forgiven = made.forgiven or at(step, "continueOn", "failed") is True
        name = ".".join(part for part in (made.name, as_text(step.get("name"))) if part)
        if "withItems" not in step:
            call = replace(made, name=name, tests=self._tests(step, scope, made, where=where), forgiven=forgiven)
            return self.call(step, scope=scope, made=call, where=where)
        ends: list[str] = []
        for i, values in enumerate(_items(step, f"{scope.place}.{where}")):
            inner = replace(scope, values={**scope.values, **values})
            tests = self._tests(step, inner, made, where=where)
            call = replace(made, name=f"{name}.{i}", tests=tests, forgiven=forgiven)
            ends += self.call(step, scope=inner, made=call, where=where).ends
        return _Expansion(ends=tuple(ends))

    def _tests(self, step: Mapping[str, Any], scope: _Scope, made: _Call, *, where: str) -> tuple[Test, ...]:
        when = step.get("when")
        if when is None:
            return made.tests
        return (*made.tests, Test(text=scope.fill(when, where=f"{where}.when")))

    def _outputs(self, template: Mapping[str, Any], scope: _Scope) -> dict[str, Text]:
        found: dict[str, Text] = {}
        for one in sequence(at(template, "outputs", "parameters")):
            name, source = as_text(at(one, "name")), at(one, "valueFrom", "parameter")
            if source is not None:
                found[f"parameters.{name}"] = scope.fill(source, where=f"outputs.{name}")
        return found


def _items(step: Mapping[str, Any], place: str) -> Iterator[dict[str, Text]]:
    for item in sequence(step.get("withItems")):
        if isinstance(item, Mapping):
            fields = mapping(cast("object", item))
            yield {
                "item": g.text(json.dumps(item)),
                **{
                    f"item.{key}": g.text(value if isinstance(value, str) else json.dumps(value))
                    for key, value in fields.items()
                },
            }
        elif isinstance(item, str | int | float | bool):
            yield {"item": g.text(item if isinstance(item, str) else json.dumps(item))}
        else:
            raise Refused(f"{place}.withItems holds a list; give plain values or mappings")


def _needed(task: Mapping[str, Any], place: str) -> list[str]:
    """Tasks that a task waits for, from `dependencies` or a plain `depends`."""
    needed = [str(one) for one in sequence(task.get("dependencies"))]
    for part in as_text(task.get("depends")).split("&&") if task.get("depends") else ():
        found = _DEPENDS.fullmatch(part)
        if found is None:
            raise Refused(
                f"{place}.dag.{as_text(task.get('name'))}.depends: {short(part.strip())!r} needs Argo; join names by &&"
            )
        needed.append(found[1])
    return needed


def _in_order(tasks: Mapping[str, Mapping[str, Any]], place: str) -> Iterator[str]:
    """Names of tasks, each behind those that it needs; Refused for circles and unknown names."""
    left, done = dict(tasks), set[str]()
    for name, task in tasks.items():
        for one in _needed(task, place):
            if one not in tasks:
                raise Refused(f"{place}.dag.{name} depends on {one!r}; {did_you_mean(one, tuple(tasks))}")
    while left:
        ready = [name for name, task in left.items() if done.issuperset(_needed(task, place))]
        if not ready:
            raise Refused(
                f"{place}.dag: {', '.join(sorted(left)[:5])} depend on each other in a circle; remove one dependency"
            )
        for name in ready:
            del left[name]
            done.add(name)
            yield name
