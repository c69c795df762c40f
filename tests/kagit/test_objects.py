"""Words into Katib's objects and back, without loss."""

from dataclasses import replace
from pathlib import Path

import yaml
from hypothesis import given
from hypothesis import strategies as st

from kagit import names
from kagit.objective import Metric
from kagit.suggestion import Suggestion
from kagit.trial import Artifact, Comparison, EarlyStoppingRule, Limit, Phase, Trial
from kagit.v1beta1 import answers, manifest, objects, pieces

BASE = yaml.safe_load((Path(__file__).parents[1] / "cases" / "katib" / "base.yaml").read_text())
EXPERIMENT = manifest.experiment(BASE)[0]
OWNER = {"apiVersion": names.API_VERSION, "kind": "Experiment", "metadata": {"name": "fake", "uid": "u-1"}}
NOW = "2030-01-02T03:04:05Z"
OVER = [phase for phase in Phase if phase not in {Phase.CREATED, Phase.RUNNING}]

words = st.text(max_size=20)
numbers = st.sampled_from(["0.1", "-3", "1e-9", "unavailable", "nan"])
metrics = st.builds(Metric, name=st.text(min_size=1, max_size=5), min=numbers, max=numbers, latest=numbers)
artifacts = st.builds(Artifact, path=words, size=st.integers(0, 2**40), digest=words)
rules = st.builds(
    EarlyStoppingRule,
    metric=words,
    value=numbers,
    comparison=st.sampled_from(Comparison),
    start_step=st.integers(0, 2**31 - 1),
    later=st.lists(st.builds(Limit, step=st.integers(0, 2**31 - 1), value=numbers), max_size=2).map(tuple),
    patience=st.integers(0, 9),
)
common = {
    "name": st.just("fake-2-0007"),
    "run": st.just(2),
    "index": st.just(7),
    "point": st.fixed_dictionaries({"lr": words, "momentum": words}),
    "attempt": st.integers(1, 9),
    "lost": st.integers(0, 9),
    "rules": st.lists(rules, max_size=2).map(tuple),
    "observation": st.lists(metrics, max_size=3).map(tuple),
    "artifacts": st.lists(artifacts, max_size=2).map(tuple),
}
waiting = st.builds(Trial, **common, message=words)
running = st.builds(Trial, **common, phase=st.just(Phase.RUNNING), started=st.just(NOW))
over = st.builds(
    Trial,
    **common,
    phase=st.sampled_from(OVER),
    reason=words,
    message=words,
    started=st.just(NOW),
    finished=st.just("2030-01-02T04:00:00Z"),
)


def body(trial):
    suggestion = Suggestion(index=trial.index, point=trial.point, seed=5, history_digest="abc", engine="random 1")
    run_spec = {"kind": "Job", "metadata": {"name": trial.name}}
    created = objects.trial_body(
        EXPERIMENT,
        suggestion,
        name=trial.name,
        run=trial.run,
        run_spec=run_spec,
        owned_by=OWNER,
        rules=trial.rules,
    )
    return created | {"status": objects.trial_status(trial, now=NOW)}


@given(waiting | running | over)
def test_a_trial_comes_back_as_it_was(trial):
    assert objects.trial(body(trial)) == trial


def test_a_trial_carries_what_katib_clients_read():
    trial = Trial(name="fake-2-0007", run=2, index=7, point={"lr": "3", "momentum": "0.95"})
    made = body(trial)
    assert made["metadata"]["labels"]["katib.kubeflow.org/experiment"] == "fake"
    assert made["metadata"]["annotations"]["kagit.dev/seed"] == "5"
    assert made["spec"]["parameterAssignments"] == [{"name": "lr", "value": "3"}, {"name": "momentum", "value": "0.95"}]
    assert made["spec"]["objective"]["metricStrategies"] == [{"name": "testme", "value": "max"}]
    assert made["spec"]["objective"]["goal"] == 0.11
    assert made["spec"]["primaryContainerName"] == "training-container"
    assert made["spec"]["successCondition"] == EXPERIMENT.template.success_condition
    assert made["spec"]["failureCondition"] == EXPERIMENT.template.failure_condition
    assert made["spec"]["metricsCollector"] == {"collector": {"kind": "StdOut"}}
    assert made["spec"]["retainRun"] is False


def changed(**spec):
    return manifest.experiment({**BASE, "spec": BASE["spec"] | spec})[0]


def test_a_trial_carries_the_whole_collector_and_template():
    collector = {
        "collector": {"kind": "Custom", "customCollector": {"name": "c", "image": "i"}},
        "source": {"filter": {"metricsFormat": ["(a+)=([0-9]+)"]}},
    }
    labels = {"training.kubeflow.org/job-role": "master"}
    one = changed(
        metricsCollectorSpec=collector,
        trialTemplate=BASE["spec"]["trialTemplate"] | {"primaryPodLabels": labels, "retain": True},
    )
    suggestion = Suggestion(index=0, point={}, seed=1, history_digest="", engine="")
    spec = objects.trial_body(one, suggestion, name="t", run=1, run_spec={}, owned_by=OWNER)["spec"]
    assert spec["metricsCollector"] == collector
    assert spec["primaryPodLabels"] == labels
    assert spec["retainRun"] is True


def test_katib_copies_conditions_only_if_both_are_there():
    template = replace(EXPERIMENT.template, failure_condition="")
    suggestion = Suggestion(index=0, point={}, seed=1, history_digest="", engine="")
    one = replace(EXPERIMENT, template=template)
    spec = objects.trial_body(one, suggestion, name="t", run=1, run_spec={}, owned_by=OWNER)["spec"]
    assert not {"successCondition", "failureCondition"} & set(spec)


def test_a_trial_keeps_what_its_point_was_made_of():
    suggestion = Suggestion(
        index=9,
        point={"lr": "1"},
        seed=1,
        history_digest="d",
        engine="e",
        running=(2, 5, 6, 7),
        labels={
            "pbt.suggestion.katib.kubeflow.org/generation": "1",
            "team": "other",
            "katib.kubeflow.org/experiment": "x",
        },
        parent=4,
    )
    one = replace(EXPERIMENT, labels={"team": "vision"})
    made = objects.trial_body(one, suggestion, name="t", run=1, run_spec={}, owned_by=OWNER)
    assert made["metadata"]["annotations"]["kagit.dev/running"] == "2,5-7"
    lineage = {"kagit.dev/parent": "fake-1-0004", "pbt.suggestion.katib.kubeflow.org/parent": "fake-1-0004"}
    assert made["spec"]["labels"] == suggestion.labels
    assert lineage.items() <= made["metadata"]["labels"].items()
    other = replace(suggestion, labels={})
    alone = objects.trial_body(one, other, name="t", run=1, run_spec={}, owned_by=OWNER)
    assert "labels" not in alone["spec"]
    assert alone["metadata"]["labels"]["kagit.dev/parent"] == "fake-1-0004"
    assert made["metadata"]["labels"]["pbt.suggestion.katib.kubeflow.org/generation"] == "1"
    assert made["metadata"]["labels"]["katib.kubeflow.org/experiment"] == one.name
    assert objects.trial(made).parent == 4


@given(st.sets(st.integers(0, 40)))
def test_numbers_come_back(numbers):
    ordered = tuple(sorted(numbers))
    assert pieces.numbers_in(pieces.numbers_out(ordered)) == ordered


@given(waiting | running | over)
def test_a_trial_that_is_written_again_is_the_same_object(trial):
    once = body(trial)
    again = once | {"status": objects.trial_status(objects.trial(once), now=NOW)}
    assert again == once


def test_whose_result_a_trial_took_stands_in_its_annotation():
    made = body(Trial(name="fake-2-0007", run=2, index=7, point={"lr": "3", "momentum": "0.95"}))
    assert objects.trial(made).result_of == ""
    made["metadata"]["annotations"]["kagit.dev/result-of"] = "fake-2-0003"
    assert objects.trial(made).result_of == "fake-2-0003"


def test_a_trial_is_created_when_its_object_was_made():
    trial = Trial(name="t", run=1, index=0, point={}, phase=Phase.RUNNING, started=NOW)
    made = objects.trial_status(trial, now=NOW, created="2030-01-01T00:00:00Z")["conditions"]
    assert [(one["type"], one["lastTransitionTime"]) for one in made] == [
        ("Created", "2030-01-01T00:00:00Z"),
        ("Running", NOW),
    ]


def test_a_suggestion_has_the_labels_of_its_experiment_but_not_those_of_gitops_tools():
    labels = {
        "team": "vision",
        "app.kubernetes.io/name": "mnist",
        "app.kubernetes.io/instance": "apps",
        "argocd.argoproj.io/instance": "apps",
        "kustomize.toolkit.fluxcd.io/name": "apps",
    }
    tracked = {"argocd.argoproj.io/tracking-id": "apps:kubeflow.org/Experiment:default/fake"}
    one = replace(EXPERIMENT, labels=labels, annotations=tracked)
    made = answers.body(one, requests=3, owned_by=OWNER)
    assert made["metadata"]["labels"] == {"team": "vision", "app.kubernetes.io/name": "mnist"}
    assert "annotations" not in made["metadata"]
    assert made["metadata"]["ownerReferences"][0]["controller"] is True
    assert made["spec"] == {
        "algorithm": BASE["spec"]["algorithm"],
        "earlyStopping": BASE["spec"]["earlyStopping"],
        "requests": 3,
        "resumePolicy": "Never",
    }


def test_suggestions_come_back_as_they_were():
    given_ = tuple(
        Suggestion(
            index=i,
            point={"lr": str(i)},
            seed=i * 7,
            history_digest="d",
            engine="e",
            running=tuple(range(i)),
            labels={"a": str(i)} if i else {},
            parent=i or None,
        )
        for i in range(3)
    )
    status = answers.status(given_, experiment="fake", run=1, asked=3, exhausted=False, now=NOW)
    assert answers.points({"status": status}) == given_
    assert [one["name"] for one in status["suggestions"]] == ["fake-1-0000", "fake-1-0001", "fake-1-0002"]


def test_experiment_status_counts_and_lists():
    trials = {
        f"t{i}": Trial(name=f"t{i}", run=1, index=i, point={"lr": "1"}, phase=phase) for i, phase in enumerate(Phase)
    }
    status = objects.experiment_status(conditions=(), started=NOW, completed="", trials=trials, best="t2")
    assert status["trials"] == len(Phase)
    assert status["trialMetricsUnavailable"] == 1
    assert status["succeededTrialList"] == ["t2"]
    assert status["currentOptimalTrial"]["bestTrialName"] == "t2"
    assert status["completionTime"] is None


def test_the_stored_experiment_means_the_same():
    stored = objects.experiment_body(EXPERIMENT, run=1, seed=3, commit="c", source="s", clean=None, earlier={})
    assert manifest.experiment(stored)[0].spec_digest == EXPERIMENT.spec_digest
    assert stored["spec"] == BASE["spec"], "defaults must not be persisted"
