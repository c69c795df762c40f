"""Parts of Argo's templates: what of them can run as plain processes, and one container or script as a node."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kagit.errors import Refused
from kagit.shapes import at, mapping, sequence, text
from kagit.spelling import short
from reconciler.adapters.workflows import graph as g
from reconciler.adapters.workflows.graph import File, Folder, Node, Source, Text

_WORKFLOW = ("hooks", "onExit", "synchronization", "templateDefaults", "volumeClaimTemplates", "workflowTemplateRef")
_TEMPLATE = (
    *("containerSet", "data", "http", "initContainers", "memoize", "plugin", "resource", "sidecars", "suspend"),
    "synchronization",
)
_STEP = ("hooks", "onExit", "templateRef", "withParam", "withSequence")
_KINDS = ("container", "script", "steps", "dag")


def check_workflow(spec: Mapping[str, Any]) -> None:
    """Refuse a Workflow that needs more than its own templates."""
    _without(spec, _WORKFLOW, "spec")
    if spec.get("suspend") is True:
        raise Refused("spec.suspend is true, so it would never start; remove the line")
    if not text(spec.get("entrypoint")):
        raise Refused("spec.entrypoint is missing; name the template to begin with")


def check_template(template: Mapping[str, Any], name: str) -> None:
    """Refuse a template that is no container, script, steps or DAG."""
    place = f"templates[{name}]"
    _without(template, _TEMPLATE, place)
    kinds = [kind for kind in _KINDS if template.get(kind) is not None]
    if len(kinds) != 1:
        raise Refused(f"{place} has {' and '.join(kinds) or 'nothing to run'}; give one of {', '.join(_KINDS)}")
    for side in ("inputs", "outputs"):
        if sequence(at(template, side, "artifacts")):
            raise Refused(
                f"{place}.{side}.artifacts need Argo; pass parameters, or share files through an emptyDir volume"
            )
    if template.get("daemon") is True:
        raise Refused(f"{place}.daemon needs Argo; remove it to run here")


def check_step(step: Mapping[str, Any], place: str) -> None:
    """Refuse what a step or task cannot have here."""
    _without(step, _STEP, place)
    if not text(step.get("name")):
        raise Refused(f"{place}: a step has no name; give one")
    if sequence(at(step, "arguments", "artifacts")):
        raise Refused(
            f"{place}.arguments.artifacts need Argo; pass parameters, or share files through an emptyDir volume"
        )


def _without(fields: Mapping[str, Any], foreign: tuple[str, ...], place: str) -> None:
    for field in foreign:
        if fields.get(field) is not None:
            raise Refused(f"{place}.{field} needs Argo Workflows on a cluster; remove it to run here")


def leaf_parts(template: Mapping[str, Any], fill: Callable[..., Text]) -> Node:
    """A container or script template as a node without a name; `fill` replaces its tags."""
    script = template.get("script") is not None
    kind = "script" if script else "container"
    container, name = mapping(template.get(kind)), text(template.get("name"))
    command = sequence(container.get("command"))
    if not command:
        raise Refused(
            f"templates[{name}].{kind} has no command: the image's own entrypoint is unknown here; give command"
        )
    if sequence(container.get("envFrom")):
        raise Refused(f"templates[{name}].{kind}.envFrom needs a cluster; use env to run here")
    outputs = dict(_outputs(template, name))
    places: dict[str, File | Folder] = {path: Folder(volume) for path, volume in _folders(container, template, name)}
    places |= {path: File("", output) for output, (path, _) in outputs.items()}
    words = [*command, *sequence(container.get("args"))]
    argv = [g.mapped(fill(one, where=kind), places) for one in words]
    if script:
        argv.append((Source(),))
    return Node(
        name="",
        argv=tuple(argv),
        env={key: g.mapped(value, places) for key, value in _env(container, name, fill).items()},
        directory=text(container.get("workingDir")),
        script=g.mapped(fill(container.get("source") or "", where="script.source"), places) if script else (),
        outputs={output: default for output, (_, default) in outputs.items()},
        retries=int(number(at(template, "retryStrategy", "limit"), f"templates[{name}].retryStrategy.limit")),
        deadline=number(template.get("activeDeadlineSeconds"), f"templates[{name}].activeDeadlineSeconds"),
        labels={key: str(value) for key, value in mapping(at(template, "metadata", "labels")).items()},
        resources=dict(mapping(container.get("resources"))),
    )


def _env(container: Mapping[str, Any], name: str, fill: Callable[..., Text]) -> dict[str, Text]:
    env: dict[str, Text] = {}
    for one in sequence(container.get("env")):
        variable = text(at(one, "name"))
        if at(one, "valueFrom") is not None:
            raise Refused(
                f"templates[{name}]: env {variable} has valueFrom, which needs a cluster; give value to run here"
            )
        env[variable] = fill(at(one, "value") or "", where=f"env.{variable}")
    return env


def _folders(container: Mapping[str, Any], template: Mapping[str, Any], name: str) -> Iterator[tuple[str, str]]:
    """Mount points of emptyDir volumes with their names; other volumes are refused."""
    empty = {text(at(one, "name")) for one in sequence(template.get("volumes")) if at(one, "emptyDir") is not None}
    for mount in sequence(container.get("volumeMounts")):
        volume, path = text(at(mount, "name")), text(at(mount, "mountPath"))
        if volume not in empty:
            raise Refused(
                f"templates[{name}]: volume {short(volume)} at {path} needs a cluster; use an emptyDir instead"
            )
        yield path, volume


def _outputs(template: Mapping[str, Any], name: str) -> Iterator[tuple[str, tuple[str, str | None]]]:
    """Output parameters of a leaf: name, path and what counts where nothing was written."""
    for one in sequence(at(template, "outputs", "parameters")):
        output, path, default = (
            text(at(one, "name")),
            text(at(one, "valueFrom", "path")),
            at(one, "valueFrom", "default"),
        )
        if not path.startswith("/"):
            raise Refused(f"templates[{name}].outputs.{output}: give valueFrom.path, absolute; other sources need Argo")
        yield output, (path, None if default is None else str(default))


def number(value: object, place: str) -> float:
    """A whole number that may be written as text, 0 where there is none."""
    if value is None:
        return 0
    if isinstance(value, int | str) and not isinstance(value, bool) and str(value).isascii() and str(value).isdigit():
        return min(int(value), 10**9)
    raise Refused(f"{place} is {short(value)!r}; give a whole number to run here")
