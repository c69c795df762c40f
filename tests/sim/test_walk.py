"""The main job in simulated time, without disturbance."""

from kagit.errors import Unavailable
from tests.sim.executor_scripted import Script
from tests.sim.universe import Universe, argument, manifest, square


def test_a_push_ends_in_a_committed_report():
    universe = Universe(square)
    universe.push({"experiments/a.yaml": manifest("a"), "experiments/b.yaml": manifest("b", trials=3)})
    universe.settle()
    assert universe.status("a") == "Succeeded"
    assert len(universe.trials()) == 7
    assert "reports/default/a/README.md" in universe.reports()
    assert len(universe.machine.starts) == len(set(universe.machine.starts)) == 7


def test_our_own_commit_leads_to_an_empty_plan():
    universe = Universe(square)
    universe.push({"experiments/a.yaml": manifest("a")})
    universe.settle()
    tip, calls = universe.remote.refs["refs/heads/main"], len(universe.machine.starts)
    for _ in range(40):
        universe.step()
    assert universe.remote.refs["refs/heads/main"] == tip
    assert len(universe.machine.starts) == calls


def test_a_raised_budget_extends_a_running_experiment():
    universe = Universe(square)
    universe.push({"experiments/a.yaml": manifest("a", trials=3)})
    for _ in range(6):
        universe.step()
    universe.push({"experiments/a.yaml": manifest("a", trials=6)})
    universe.settle()
    assert len(universe.trials()) == 6
    assert all(name.startswith("a-1-") for name in universe.trials())


def test_auto_chooses_anew_when_a_budget_is_raised_with_and_without_a_restart():
    found = []
    for crashes in (False, True):
        universe = Universe(square)
        universe.push({"experiments/a.yaml": manifest("a", trials=2, algorithm="auto")})
        while len(universe.trials()) < 2:
            universe.step()
        universe.push({"experiments/a.yaml": manifest("a", trials=4, algorithm="auto")})
        if crashes:
            universe.crashed()
        universe.settle()
        found.append(universe.trials())
    assert found[0] == found[1]
    notes = {one["metadata"]["name"]: one["metadata"]["annotations"] for one in universe.objects("Trial")}
    engines = [notes[name]["kagit.dev/engine"].partition(") ")[0] for name in sorted(notes)]
    assert engines[:2] == ["auto (sobol: 2 trials, all at once"] * 2
    assert all(one.endswith(": 1 parameter, 4 trials") for one in engines[2:])


def test_any_other_change_starts_a_new_run_and_keeps_the_old_one():
    universe = Universe(square)
    universe.push({"experiments/a.yaml": manifest("a", trials=2)})
    universe.settle()
    changed = manifest("a", trials=2)
    changed["spec"]["parameters"][0]["feasibleSpace"]["max"] = "0.5"
    universe.push({"experiments/a.yaml": changed})
    universe.settle()
    assert sorted(universe.trials()) == ["a-1-0000", "a-1-0001", "a-2-0000", "a-2-0001"]


def test_a_restart_needs_a_resume_policy():
    universe = Universe(square)
    universe.push({"experiments/a.yaml": manifest("a", trials=2, resumePolicy="LongRunning")})
    universe.settle()
    universe.push({"experiments/a.yaml": manifest("a", trials=4, resumePolicy="LongRunning")})
    universe.settle()
    assert len(universe.trials()) == 4
    types = [c["type"] for c in universe.objects("Experiment")[0]["status"]["conditions"]]
    assert types == ["Created", "Restarting", "Running", "Succeeded"]


def test_a_restart_keeps_the_time_of_its_end_until_the_next_one():
    universe = Universe(square)
    universe.push({"experiments/a.yaml": manifest("a", trials=2, resumePolicy="FromVolume")})
    universe.settle()
    before = universe.objects("Experiment")[0]["status"]
    universe.push({"experiments/a.yaml": manifest("a", trials=3, resumePolicy="FromVolume")})
    while universe.status("a") != "Running":
        universe.step()
    during = universe.objects("Experiment")[0]["status"]
    assert (during["startTime"], during["completionTime"]) == (before["startTime"], before["completionTime"])
    universe.settle()
    after = universe.objects("Experiment")[0]["status"]
    assert after["startTime"] == before["startTime"] < before["completionTime"] < after["completionTime"]


def test_an_algorithm_knows_its_history_after_a_restart_by_another_process():
    """The points are those of a run that had the whole budget from the beginning."""
    spec = {
        "resumePolicy": "LongRunning",
        "algorithm": {
            "algorithmName": "tpe",
            "algorithmSettings": [{"name": "n_startup_trials", "value": "2"}],
        },
    }
    whole = Universe(square)
    whole.push({"experiments/a.yaml": manifest("a", trials=6, parallel=1, **spec)})
    whole.settle()
    halves = Universe(square)
    halves.push({"experiments/a.yaml": manifest("a", trials=3, parallel=1, **spec)})
    halves.settle()
    halves.crashed()
    halves.push({"experiments/a.yaml": manifest("a", trials=6, parallel=1, **spec)})
    halves.settle()
    assert halves.trials() == whole.trials()


def test_a_removed_manifest_deletes_and_a_new_one_never_reuses_names():
    universe = Universe(square)
    universe.push({"experiments/a.yaml": manifest("a", trials=2)})
    universe.settle()
    universe.push({"experiments/a.yaml": None})
    universe.settle()
    assert universe.objects("Experiment") == []
    universe.push({"experiments/a.yaml": manifest("a", trials=2)})
    universe.settle()
    names = [one["metadata"]["name"] for one in universe.objects("Trial") if "run" in str(one)]
    assert {"a-2-0000", "a-2-0001"} <= set(names)
    assert len(universe.machine.starts) == len(set(universe.machine.starts)) == 4


def test_mass_deletion_is_refused():
    universe = Universe(square)
    files = {f"experiments/{n}.yaml": manifest(n, trials=1, parallel=1) for n in "abcd"}
    universe.push(files)
    universe.settle()
    universe.push(dict.fromkeys(files))
    universe.settle()
    assert len(universe.objects("Experiment")) == 4
    assert any("vanished" in line for line in universe.said)


def test_a_broken_file_neither_stops_others_nor_deletes_its_own():
    universe = Universe(square)
    universe.push({"experiments/a.yaml": manifest("a", trials=2), "experiments/b.yaml": manifest("b", trials=2)})
    universe.settle()
    universe.push({"experiments/a.yaml": "spec: [", "experiments/c.yaml": manifest("c", trials=1, parallel=1)})
    universe.settle()
    assert sorted(one["metadata"]["name"] for one in universe.objects("Experiment")) == ["a", "b", "c"]
    assert universe.status("c") == "Succeeded"


def test_goal_stops_what_runs():
    def script(work):
        return Script(seconds=1.0 if argument(work) > 0 else 50.0, output=b"loss=0.01\n")

    universe = Universe(script, slots=4)
    body = manifest("a", trials=20, parallel=4)
    body["spec"]["objective"]["goal"] = 0.1
    universe.push({"experiments/a.yaml": body})
    universe.settle()
    last = universe.objects("Experiment")[0]["status"]["conditions"][-1]
    assert last["reason"] == "ExperimentGoalReached"
    assert universe.machine.running() == []
    phases = {phase for _, phase, _, _ in universe.trials().values()}
    assert phases == {"Succeeded", "Killed"}


def test_failures_fail_the_experiment_and_no_metric_counts_as_one():
    def script(work):
        return Script(exit_code=1, reason="Error", message="it broke") if argument(work) > 0 else Script(output=b"hi\n")

    universe = Universe(script)
    universe.push({"experiments/a.yaml": manifest("a", trials=20, maxFailedTrialCount=5)})
    universe.settle()
    status = universe.objects("Experiment")[0]["status"]
    assert status["conditions"][-1]["type"] == "Failed"
    assert status["trialsFailed"] + status["trialMetricsUnavailable"] >= 5
    assert status["trialsFailed"]
    assert status["trialMetricsUnavailable"]


def test_a_grid_ends_when_it_is_exhausted():
    universe = Universe(square)
    body = manifest("a", trials=50, algorithm="grid")
    body["spec"]["parameters"][0]["feasibleSpace"] = {"min": "-1", "max": "1", "step": "0.5"}
    universe.push({"experiments/a.yaml": body})
    universe.settle()
    assert len(universe.trials()) == 5
    last = universe.objects("Experiment")[0]["status"]["conditions"][-1]
    assert last["reason"] == "ExperimentSuggestionEndReached"


def test_a_moved_branch_is_met_by_building_again():
    universe = Universe(square)
    universe.push({"experiments/a.yaml": manifest("a")})

    def foreign() -> None:
        universe.push({"notes.txt": f"{universe.clock.now()}"})

    moved = 0
    for _ in range(400):
        if universe.follower is not None and universe.follower.repo._real.__class__.__name__ == "RepoMemory":
            real = universe.follower.repo._real
            if not hasattr(real, "moved"):
                commit = real.commit

                def racing(commit=commit, **kwargs):
                    made = commit(**kwargs)
                    if moved < 3:  # noqa: B023 - the count of that moment is meant
                        foreign()
                    return made

                real.commit, real.moved = racing, True
        before = universe.remote.refs["refs/heads/main"]
        if universe.step():
            break
        moved += universe.remote.refs["refs/heads/main"] != before
    assert moved >= 3
    assert universe.status("a") == "Succeeded"
    assert "reports/default/a/best.yaml" in universe.reports()


def test_an_unreachable_repository_after_a_restart_deletes_nothing():
    universe = Universe(square)
    universe.push({"experiments/a.yaml": manifest("a")})
    for _ in range(6):
        universe.step()
    universe.crashed()
    universe.begin()
    real = universe.follower.repo._real
    real.fetch = unreachable
    for _ in range(10):
        universe.step()
    assert len(universe.objects("Experiment")) == 1
    del real.fetch
    universe.settle()
    assert universe.status("a") == "Succeeded"
    assert all(name.startswith("a-1-") for name in universe.trials())


def unreachable(branch):
    raise Unavailable(f"no route to host while asking for {branch}")


def told(universe: Universe) -> list[str]:
    """Why nothing happens, as the object says it."""
    return universe.objects("Experiment")[0]["status"]["waiting"]


def test_the_status_says_why_nothing_happens():
    universe = Universe(lambda _: Script(seconds=60.0), slots=1)
    universe.push({"experiments/a.yaml": manifest("a", trials=3)})
    for _ in range(12):
        universe.step()
    assert told(universe) == ["WaitingForSlot(position 1)"]
    universe.push({"experiments/a.yaml": "spec: [\n"})
    for _ in range(12):
        universe.step()
    assert told(universe)[0].startswith("Refused(experiments/a.yaml:1:8: not YAML")
    assert told(universe)[-1] == "ManifestHasErrors(1)"
    universe.crashed()
    universe.push({"experiments/a.yaml": manifest("a", trials=3)})
    universe.settle()
    assert told(universe) == []
