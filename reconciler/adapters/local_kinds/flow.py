"""Argo's Workflow and Tekton's PipelineRun: every step is a pod of one container (`adapters/workflows`)."""

from collections.abc import Mapping
from typing import Any

from kagit.errors import Refused
from kagit.experiment import Json
from reconciler.adapters.keeper import late
from reconciler.adapters.local_kinds.members import Group, Member
from reconciler.adapters.workflows import argo, tekton
from reconciler.adapters.workflows import graph as g
from reconciler.adapters.workflows.graph import File, Folder, Graph, Late, Node, Source, Test, Text


def workflow(manifest: Mapping[str, Any]) -> Group:
    """A Workflow's steps."""
    return _group(argo.graph(dict(manifest)))


def pipeline(manifest: Mapping[str, Any]) -> Group:
    """A PipelineRun's steps."""
    return _group(tekton.graph(dict(manifest)))


def _group(graph: Graph) -> Group:
    parts = [part for node in graph.nodes for text in node.texts for part in text]
    read = {part.node for part in parts if isinstance(part, Late) and part.output == g.STDOUT}
    return Group(
        members=tuple(_member(node, captured=node.name in read) for node in graph.nodes),
        budgets={node.name: node.retries for node in graph.nodes if node.retries},
        deadline=graph.deadline,
        parallel=graph.width,
        steps=True,
    )


def _member(node: Node, *, captured: bool) -> Member:
    container = {
        "name": node.container,
        "command": [_written(text, node) for text in node.argv],
        "env": [{"name": name, "value": _written(text, node)} for name, text in node.env.items()],
        "workingDir": node.directory,
        "resources": node.resources,
    }
    shares = {part.name for text in node.texts for part in text if isinstance(part, Folder)}
    return Member(
        name=node.name,
        shown=f"step {node.name}",
        role="Step",
        at=f"step {node.name}",
        template={"metadata": {"labels": dict(node.labels)}, "spec": {"containers": [container]}},
        retry="pod" if node.retries else "never",
        budget=node.name if node.retries else "",
        deadline=node.deadline,
        after=node.after,
        tests=tuple(_test(test, node) for test in node.tests),
        outputs=dict(node.outputs) | ({g.STDOUT: None} if captured else {}),
        captured=captured,
        script=_written(node.script, node),
        shares=tuple(sorted(shares)),
        forgiven=node.forgiven,
        final=node.always,
    )


def _test(test: Test, node: Node) -> Json:
    values = None if test.values is None else [_written(text, node) for text in test.values]
    plain = g.plain(test.text)
    if values is None and plain is not None:
        try:
            late.compare(plain)
        except ValueError:
            raise Refused(
                f"step {node.name}: when {plain!r} cannot be read here; compare with ==, !=, < or >"
            ) from None
    return {"text": _written(test.text, node), "values": values, "negated": test.negated}


def _written(text: Text, node: Node) -> str:
    return "".join(part if isinstance(part, str) else _mark(part, node) for part in text)


def _mark(part: Late | File | Folder | Source, node: Node) -> str:
    match part:
        case Late():
            meant = f"{'X' if part.exact else 'L'}{part.node}/{part.output}"
        case File():
            meant = f"F{part.node or node.name}/{part.output}"
        case Folder():
            meant = f"D{part.name}"
        case Source():
            meant = f"S{node.name}"
    return f"{g.MARK}{meant}{g.MARK}"
