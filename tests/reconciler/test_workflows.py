"""Workflows and PipelineRuns as graphs of processes: cases in tests/cases/workflows."""

from pathlib import Path

import pytest
import yaml

from kagit.errors import Refused
from reconciler.adapters.workflows import argo, graph, tekton
from reconciler.adapters.workflows.graph import File, Folder, Late, Source

CASES = Path(__file__).parents[1] / "cases" / "workflows"
KINDS = {
    "argo": ("argoproj.io/v1alpha1", "Workflow", argo.graph),
    "tekton": ("tekton.dev/v1", "PipelineRun", tekton.graph),
}


def each():
    for path in sorted(CASES.glob("*.yaml")):
        for case in yaml.safe_load(path.read_text()):
            yield pytest.param(path.stem, case, id=f"{path.stem}: {case['name']}")


def shown(text):
    def part(one):
        match one:
            case Late():
                return f"<{one.node}/{one.output}>"
            case File():
                return f"[{one.node}/{one.output}]"
            case Folder():
                return f"{{{one.name}}}"
            case Source():
                return "(script)"
            case _:
                return one

    return "".join(part(one) for one in text)


def condition(one):
    if one.values is None:
        return shown(one.text)
    return f"{shown(one.text)}{' not' if one.negated else ''} in {' '.join(shown(value) for value in one.values)}"


@pytest.mark.parametrize(("kind", "case"), list(each()))
def test_what_a_manifest_means(kind, case):
    version, name, make = KINDS[kind]
    body = {
        "apiVersion": version,
        "kind": name,
        "metadata": {"name": "trial-1", "namespace": "team"},
        "spec": case["spec"],
    }
    if "refused" in case:
        with pytest.raises(Refused) as refusal:
            make(body)
        assert case["refused"] in str(refusal.value)
        return
    found = make(body)
    nodes = {one.name: one for one in found.nodes}
    assert {name: " ".join(map(shown, one.argv)) for name, one in nodes.items()} == case["nodes"]
    assert found.deadline == case.get("deadline", 0)
    for node, after in case.get("after", {}).items():
        assert set(nodes[node].after) == set(after)
    for node, script in case.get("scripts", {}).items():
        assert shown(nodes[node].script) == script
    for node, outputs in case.get("outputs", {}).items():
        assert nodes[node].outputs == outputs
    for node, more in case.get("more", {}).items():
        tests = [condition(one) for one in nodes[node].tests]
        assert {key: tests if key == "tests" else getattr(nodes[node], key) for key in more} == more


def test_an_order_always_begins_with_what_is_waited_for():
    for kind, case in (param.values for param in each()):
        if "nodes" in case:
            body = {"metadata": {"name": "trial-1"}, "spec": case["spec"]}
            seen: set[str] = set()
            for one in KINDS[kind][2](body).nodes:
                assert seen.issuperset(one.after)
                seen.add(one.name)


@pytest.mark.parametrize(
    ("after", "width"), [({"a": [], "b": ["a"], "c": ["b"]}, 1), ({"a": [], "b": ["a"], "c": ["a"]}, 2)]
)
def test_as_many_run_at_once_as_stand_side_by_side(after, width):
    nodes = [graph.Node(name=name, argv=(), after=tuple(names)) for name, names in after.items()]
    assert graph.Graph(nodes=graph.ordered(nodes)).width == width


@pytest.mark.parametrize("name", ["", "../x", "a/b", "-x", ".stdout", "a" * 201, "a b"])
def test_names_that_could_leave_their_directory_are_refused(name):
    with pytest.raises(Refused, match="cannot be a file name"):
        graph.ordered([graph.Node(name=name, argv=())])
    with pytest.raises(Refused, match="cannot be a file name"):
        graph.ordered([graph.Node(name="a", argv=(), outputs={name: None})])


def test_no_text_can_pretend_to_be_a_late_one():
    with pytest.raises(Refused, match="U\\+0001; remove it"):
        argo.graph({"spec": {"entrypoint": "m", "templates": [{"name": "m", "container": {"command": ["\1Lm/x\1"]}}]}})
