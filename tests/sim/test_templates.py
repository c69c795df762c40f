"""Templates from ConfigMaps: a run keeps its own text, a changed one is a new run, and nothing is left behind."""

import yaml

from kagit.v1beta1 import sources
from tests.sim.executor_scripted import Script
from tests.sim.universe import Universe, manifest, with_config_map


def files(*, image: str = "a", **spec) -> dict:
    made = with_config_map(manifest("e", trials=4, parallel=1, **spec))
    held = made["experiments/e-template.yaml"]
    held["data"]["job.yaml"] = held["data"]["job.yaml"].replace("image: a", f"image: {image}")
    return made


def image(work) -> str:
    return work.manifest["spec"]["template"]["spec"]["containers"][0]["image"]


def universe(seen: list[str]) -> Universe:
    def script(work) -> Script:
        seen.append(image(work))
        return Script(seconds=1.0, output=b"loss=1\n")

    return Universe(script, slots=1)


def kept(of: Universe) -> dict[str, str]:
    return {
        one["metadata"]["name"]: one["data"]["template"] for one in of.objects("ConfigMap") if "template" in one["data"]
    }


def test_a_run_keeps_its_template_and_owns_it():
    of = universe(seen := [])
    of.push(files())
    of.settle()
    assert seen == ["a"] * 4
    assert of.status("e") == "Succeeded"
    (one,) = (one for one in of.objects("ConfigMap") if one["metadata"]["name"] == sources.name("e", 1))
    assert [owner["kind"] for owner in one["metadata"]["ownerReferences"]] == ["Experiment"]
    assert yaml.safe_load(one["data"]["template"])["kind"] == "Job"


def test_a_restart_goes_on_with_the_template_of_the_run_while_git_is_broken():
    of = universe(seen := [])
    of.push(files())
    for _ in range(8):
        of.step()
    assert 0 < len(seen) < 4
    of.push({"experiments/e-template.yaml": "a: ["})
    of.crashed()
    of.settle()
    assert seen == ["a"] * 4
    assert len(of.trials()) == 4
    assert any("config-map-missing" in said for said in of.said)


def test_a_changed_template_is_a_new_run_and_a_comment_is_none():
    of = universe(seen := [])
    of.push(files())
    of.settle()
    same = files()
    same["experiments/e-template.yaml"]["data"]["job.yaml"] += "# a comment\n"
    of.push(same)
    of.settle()
    assert len(seen) == 4
    of.push(files(image="b"))
    of.settle()
    assert seen == ["a"] * 4 + ["b"] * 4
    assert [yaml.safe_load(one)["spec"]["template"]["spec"]["containers"][0]["image"] for one in kept(of).values()] == [
        "a",
        "b",
    ]
    of.crashed()
    of.settle()
    assert len(seen) == 8


def test_nothing_is_left_of_a_deleted_experiment():
    of = universe([])
    of.push({**files(), "experiments/f.yaml": manifest("f", trials=1)})
    of.settle()
    for one in of.objects("ConfigMap"):  # as a crash may leave it
        of.cluster.patch(
            kind="ConfigMap",
            namespace="default",
            name=one["metadata"]["name"],
            body={"metadata": {"ownerReferences": None}},
        )
    meta = {"name": "theirs", "namespace": "default", "labels": {"katib.kubeflow.org/experiment": "e"}}
    of.cluster.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"theirs": "x"}})
    assert kept(of)
    of.push({"experiments/e.yaml": None, "experiments/e-template.yaml": None})
    of.settle()
    assert kept(of) == {}
    assert {one["metadata"]["name"] for one in of.objects("ConfigMap")} == {"theirs", "kagit-runs"}
    assert {one["metadata"]["name"] for one in of.objects("Suggestion")} <= {"f"}


def test_somebody_elses_config_map_is_never_overwritten():
    of = universe(seen := [])
    theirs = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": sources.name("e", 1), "namespace": "default"},
        "data": {"a": "b"},
    }
    of.cluster.create(theirs)
    of.push(files())
    of.settle()
    assert seen == []
    assert of.cluster.get(kind="ConfigMap", namespace="default", name=sources.name("e", 1))["data"] == {"a": "b"}
    assert any("e-1-template is somebody else's" in said for said in of.said)


def test_a_text_that_was_lost_is_written_again():
    of = universe(seen := [])
    of.push(files())
    for _ in range(8):
        of.step()
    of.cluster.delete(kind="ConfigMap", namespace="default", name=sources.name("e", 1))
    of.crashed()
    of.settle()
    assert [one[1] for one in of.trials().values()] == ["Succeeded"] * 4
    assert set(seen) == {"a"}
    assert list(kept(of)) == [sources.name("e", 1)]
