"""`kagit plan`: every word with its reason and exit code, against the state directory and against a base branch."""

import json
import re

import pytest
import yaml

from tests.cli.support import LOSS, Origin, manifest, sh

A = "experiments/a.yaml"


@pytest.fixture
def plan(cli, origin: Origin):
    """Plans for the repository, and gives back the exit code and `word` and `reason` of each experiment."""

    def run(*args: str):
        done = cli("plan", "--repo", origin.url, "--output", "json", *args)
        assert done.err == ""
        found = json.loads(done.out)
        return done.code, {one["experiment"]: (one["action"], one["reason"]) for one in found["plan"]}

    return run


@pytest.fixture
def done(cli, origin: Origin):
    """The state after experiment `a` has run to its end, with a limit of two trials."""

    def run(**spec):
        origin.push({A: manifest("a", LOSS, **spec)})
        assert cli("reconcile", "--repo", origin.url, "--once").code == 0

    return run


def test_a_new_experiment_is_created(plan, origin: Origin):
    origin.push({A: manifest("a", LOSS)})
    assert plan() == (2, {"default/a": ("create", "a new experiment")})


def test_nothing_changes_without_a_change_not_even_after_our_own_commit(plan, done, origin: Origin):
    done()
    assert plan() == (0, {"default/a": ("nothing", "its spec has not changed")})
    origin.push({"README.md": "hello\n"})
    assert plan()[0] == 0


def test_more_trials_restart_what_has_ended(plan, done, origin: Origin):
    done(resumePolicy="LongRunning")
    origin.push({A: manifest("a", LOSS, trials=5, maxFailedTrialCount=2, resumePolicy="LongRunning")})
    code, found = plan()
    assert (code, found["default/a"]) == (2, ("restart", "maxTrialCount 2 → 5"))


def test_more_trials_are_refused_where_the_resume_policy_is_never(plan, done, origin: Origin):
    done()
    origin.push({A: manifest("a", LOSS, trials=5, maxFailedTrialCount=2)})
    code, found = plan()
    assert (code, found["default/a"][0]) == (1, "refuse")
    assert "set resumePolicy to LongRunning" in found["default/a"][1]


def test_another_space_is_a_new_run(plan, done, origin: Origin):
    done()
    origin.push({A: manifest("a", sh("echo loss=1"))})
    assert plan() == (2, {"default/a": ("new run", "its spec changed; run 1 is kept for comparison")})


def test_the_annotation_refuses_a_new_run(plan, done, origin: Origin):
    done()
    body = yaml.safe_load(manifest("a", sh("echo loss=1")))
    body["metadata"]["annotations"] = {"kagit.dev/on-spec-change": "refuse"}
    origin.push({A: yaml.safe_dump(body)})
    code, found = plan()
    assert (code, found["default/a"][0]) == (1, "refuse")
    assert "remove the annotation" in found["default/a"][1]


def test_a_manifest_that_is_gone_deletes(plan, done, origin: Origin):
    done()
    origin.push({A: None})
    assert plan() == (2, {"default/a": ("delete", "its manifest is gone from the repository")})


def test_a_broken_manifest_is_refused_with_its_place(plan, done, origin: Origin):
    done()
    origin.push({A: manifest("a", LOSS, trials=0)})
    code, found = plan()
    assert (code, found["default/a"][0]) == (1, "refuse")
    assert found["default/a"][1].startswith(f"{A}:")


def test_a_manifest_that_cannot_even_be_read_is_refused_and_not_deleted(plan, done, origin: Origin):
    done()
    origin.push({A: "{]\n"})
    code, found = plan()
    assert (code, found["default/a"][0]) == (1, "refuse")


def test_what_auto_stands_for_is_said(cli, plan, origin: Origin):
    auto = {"algorithm": {"algorithmName": "auto"}, "resumePolicy": "LongRunning"}
    origin.push({A: manifest("a", LOSS, **auto)})
    word, reason = plan()[1]["default/a"]
    assert (word, reason.partition(") ")[0]) == ("create", "a new experiment; auto (sobol: 2 trials, all at once")
    assert cli("reconcile", "--repo", origin.url, "--once").code == 0
    described = cli("describe", "experiment", "a").out
    assert re.search(r"^Picked: +auto \(sobol: 2 trials, all at once\) scipy [0-9.]+$", described, re.MULTILINE)
    assert "auto (sobol: 2 trials, all at once) scipy" in cli("describe", "trial", "a-1-0001").out
    assert "auto (sobol: 2 trials, all at once) scipy" in origin.read("reports/default/a/README.md")
    origin.push({A: manifest("a", LOSS, trials=9, **auto)})
    word, reason = plan()[1]["default/a"]
    assert (word, reason.partition(": 1 parameter, 9 trials) ")[0].partition("auto (")[0]) == (
        "restart",
        "maxTrialCount 2 → 9, maxFailedTrialCount 2 → 9; ",
    )


def test_a_change_outweighs_a_refusal_in_the_exit_code(plan, origin: Origin):
    origin.push({A: manifest("a", LOSS), "experiments/b.yaml": manifest("b", LOSS, trials=0)})
    code, found = plan()
    assert code == 2
    assert [word for word, _ in found.values()] == ["create", "refuse"]


def test_a_branch_is_compared_with_its_base(plan, origin: Origin):
    origin.push({A: manifest("a", LOSS, trials=4), "experiments/b.yaml": manifest("b", LOSS)})
    origin.push({A: manifest("a", LOSS, trials=9, maxFailedTrialCount=4), "experiments/b.yaml": None}, branch="feature")
    code, found = plan("--ref", "feature", "--base", "main")
    assert code == 2
    assert found == {
        "default/a": ("extend", "maxTrialCount 4 → 9"),
        "default/b": ("delete", "its manifest is gone from the repository"),
    }
    assert plan("--ref", "main", "--base", "main")[0] == 0


def test_a_vanished_folder_is_called_too_much_at_once(cli, origin: Origin):
    names = [f"experiments/e{number}.yaml" for number in range(4)]
    origin.push({name: manifest(name[12:14], LOSS) for name in names})
    origin.push(dict.fromkeys(names), branch="feature")
    done = cli("plan", "--repo", origin.url, "--ref", "feature", "--base", "main")
    assert "4 of 4 experiments vanished from the repository at once" in done.out
    assert "--allow-mass-deletion" in done.out


def test_what_does_not_fit_this_machine_is_refused(plan, origin: Origin):
    workflow = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "spec": {"onExit": "${trialParameters.rate}"}}
    body = json.loads(manifest("a", LOSS, trial_spec=workflow))
    body["spec"]["trialTemplate"] |= {"successCondition": "status.phase", "failureCondition": "status.phase"}
    origin.push({A: json.dumps(body)})
    code, found = plan()
    assert (code, found["default/a"][0]) == (1, "refuse")
    assert "Argo Workflows" in found["default/a"][1]


def test_a_plan_is_made_for_the_slots_that_the_reconciler_will_have(plan, origin: Origin):
    origin.push({A: manifest("a", LOSS, container={"resources": {"requests": {"cpu": "3"}}})})
    code, found = plan("--slots", "2")
    assert (code, found["default/a"][0]) == (1, "refuse")
    assert "raise --slots" in found["default/a"][1]
    assert plan("--slots", "3")[0] == 2


def test_the_table_has_a_mark_a_word_a_name_and_a_reason(cli, origin: Origin):
    origin.push({A: manifest("a", LOSS)})
    done = cli("plan", "--repo", origin.url)
    assert done.code == 2
    heading, line = done.out.splitlines()
    assert heading.split() == ["ACTION", "EXPERIMENT", "REASON"]
    assert line.split()[:3] == ["+", "create", "default/a"]


def test_yaml_says_the_same(cli, origin: Origin):
    origin.push({A: manifest("a", LOSS)})
    done = cli("plan", "--repo", origin.url, "--output", "yaml")
    assert yaml.safe_load(done.out)["plan"] == [
        {"action": "create", "experiment": "default/a", "reason": "a new experiment"}
    ]


@pytest.mark.parametrize("option", ["--ref", "--base"])
def test_a_branch_that_is_not_there_is_named(cli, origin: Origin, option: str):
    origin.push({A: manifest("a", LOSS)})
    done = cli("plan", "--repo", origin.url, option, "nowhere")
    assert done.code == 1
    assert "no branch 'nowhere'" in done.err
    assert f"give another {option}" in done.err


def test_a_plan_starts_nothing(cli, origin: Origin, here):
    origin.push({A: manifest("a", LOSS)})
    cli("plan", "--repo", origin.url)
    assert not (here / ".kagit" / "engine").exists()
    assert origin.log() == ["push"]
