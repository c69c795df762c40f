"""`kagit reconcile`: from a push to a report commit, once and as a loop, with good and bad repositories."""

import re
import signal
from pathlib import Path

import pytest

from tests.cli.http_origin import serving
from tests.cli.support import (
    LOSS,
    Origin,
    background,
    eventually,
    git,
    kagit,
    lines,
    manifest,
    none_left,
    sh,
)

A, B = "experiments/a.yaml", "experiments/b.yaml"


def test_a_push_ends_in_a_commit_with_a_report(cli, origin: Origin):
    commit = origin.push({A: manifest("a", LOSS, trials=3)})
    done = cli("reconcile", "--repo", origin.url, "--once")
    assert done.code == 0
    assert f"reports: reports/ on branch main of {origin.bare}" in done.out
    assert "kagit: report default/a: Succeeded, 3 trials" in origin.log()
    assert [one["status"] for one in origin.trials("a")] == ["Succeeded"] * 3
    assert commit in origin.read("reports/default/a/README.md")
    assert "a" in origin.read("reports/README.md")


def test_once_more_does_nothing(cli, origin: Origin):
    origin.push({A: manifest("a", LOSS)})
    assert cli("reconcile", "--repo", origin.url, "--once").code == 0
    tip = origin.tip()
    done = cli("reconcile", "--repo", origin.url, "--once")
    assert done.code == 0
    assert origin.tip() == tip
    assert len(origin.trials("a")) == 2


def test_a_lost_state_directory_is_a_new_run_that_overwrites_the_report(cli, origin: Origin):
    origin.push({A: manifest("a", LOSS)})
    assert cli("reconcile", "--repo", origin.url, "--once", "--state", "one").code == 0
    first = origin.trials("a")
    assert cli("reconcile", "--repo", origin.url, "--once", "--state", "two").code == 0
    assert [one["rate"] for one in origin.trials("a")] == [one["rate"] for one in first]


def test_without_push_the_repository_is_not_written(cli, origin: Origin, here: Path):
    tip = origin.push({A: manifest("a", LOSS)})
    done = cli("reconcile", "--repo", origin.url, "--once", "--no-push", "--state", "st")
    assert done.code == 0
    assert origin.tip() == tip
    assert (here / "st" / "reports" / "default" / "a" / "README.md").exists()
    assert f"reports: {here / 'st' / 'reports'}" in done.out


def test_reports_go_to_the_branch_and_folder_that_the_repository_names(cli, origin: Origin):
    tip = origin.push(
        {A: manifest("a", LOSS), ".kagit.yaml": "reports: {path: out/tuning, branch: kagit-reports}\nnamespace: team\n"}
    )
    done = cli("reconcile", "--repo", origin.url, "--once")
    assert done.code == 0
    assert origin.tip() == tip
    assert "out/tuning/team/a/trials.csv" in origin.files("out", "kagit-reports")
    assert "on branch kagit-reports" in done.out


def test_one_bad_file_stops_nothing_else_and_ends_with_1(cli, origin: Origin):
    origin.push({A: manifest("a", LOSS), B: manifest("b", LOSS, trials=0), "experiments/c.yaml": "{]\n"})
    done = cli("reconcile", "--repo", origin.url, "--once")
    assert done.code == 1
    assert re.search(r"^experiments/b\.yaml:\d+:\d+: .*maxTrialCount.* \[", done.err, re.MULTILINE)
    assert re.search(r"^experiments/c\.yaml:1:\d+: ", done.err, re.MULTILINE)
    assert [one["status"] for one in origin.trials("a")] == ["Succeeded"] * 2
    assert "reports/default/b/README.md" not in origin.files()


def test_a_failed_experiment_ends_with_1_and_is_reported(cli, origin: Origin):
    origin.push({A: manifest("a", sh("exit 3"), maxFailedTrialCount=0), B: manifest("b", LOSS)})
    done = cli("reconcile", "--repo", origin.url, "--once")
    assert done.code == 1
    assert "Failed" in origin.read("reports/default/a/README.md")
    assert [one["status"] for one in origin.trials("b")] == ["Succeeded"] * 2


def test_a_repository_without_experiments_is_soon_done(cli, origin: Origin):
    tip = origin.push({"README.md": "hello\n"})
    done = cli("reconcile", "--repo", origin.url, "--once")
    assert done.code == 0
    assert origin.tip() == tip


def test_a_local_work_tree_is_followed_and_stays_clean(cli, here: Path):
    work = here / "work"
    git(here, "init", "-q", "-b", "main", str(work))
    (work / "experiments").mkdir()
    (work / "experiments" / "a.yaml").write_text(manifest("a", LOSS))
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", "a")
    done = cli("reconcile", "--repo", "work", "--once")
    assert done.code == 0, done.err
    assert git(work, "status", "--porcelain") == ""
    assert (work / "reports" / "default" / "a" / "README.md").exists()
    assert git(work, "log", "--format=%s").splitlines()[-1] == "a"


def test_uncommitted_work_is_never_overwritten(cli, here: Path):
    work = here / "work"
    git(here, "init", "-q", "-b", "main", str(work))
    (work / "experiments").mkdir()
    (work / "experiments" / "a.yaml").write_text(manifest("a", LOSS))
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", "a")
    (work / "notes.txt").write_text("mine\n")
    (work / "experiments" / "a.yaml").write_text("not yet ready\n")
    done = cli("reconcile", "--repo", "work", "--once", "--no-push")
    assert done.code == 0, done.err
    assert (work / "notes.txt").read_text() == "mine\n"
    assert (work / "experiments" / "a.yaml").read_text() == "not yet ready\n"


SLOW = 'echo "$KATIB_TRIAL_NAME" >> "$LEDGER"; while [ ! -e "$GO" ]; do sleep 0.02; done; echo loss=$RATE'


def test_a_push_while_it_runs_is_seen_at_once(here: Path, origin: Origin):
    ledger, go = here / "ledger", here / "go"
    origin.push({A: manifest("a", sh(SLOW), trials=2)})
    env = {"LEDGER": str(ledger), "GO": str(go)}
    with background("reconcile", "--repo", origin.url, "--interval", "1h", "--slots", "4", cwd=here, **env) as process:
        eventually(lambda: len(lines(ledger)) == 2, "both trials run")
        origin.push({B: manifest("b", sh(SLOW), trials=2)})
        eventually(lambda: len(lines(ledger)) == 4, "the trials of the push run")
        go.touch()
        eventually(
            lambda: {"reports/default/a/best.yaml", "reports/default/b/best.yaml"} <= origin.files().keys(), "reports"
        )
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 130
    none_left(here)
    assert sorted(lines(ledger)) == ["a-1-0000", "a-1-0001", "b-1-0000", "b-1-0001"]


def test_the_code_of_the_commit_that_started_the_run_is_used(here: Path, origin: Origin):
    ledger, go = here / "ledger", here / "go"
    train = 'echo "$KATIB_TRIAL_NAME {}" >> "$LEDGER"; while [ ! -e "$GO" ]; do sleep 0.02; done; echo loss={}\n'
    one, two = train.format("one", 1), train.format("two", 2)
    first = origin.push({A: manifest("a", ["sh", "train.sh"], trials=3, parallel=1), "train.sh": one})
    env = {"LEDGER": str(ledger), "GO": str(go)}
    with background("reconcile", "--repo", origin.url, "--once", cwd=here, **env) as process:
        eventually(lambda: len(lines(ledger)) == 1, "the first trial runs")
        eventually(lambda: len(origin.log()) > 1, "a report is committed while trials run")
        origin.push({"train.sh": two, B: manifest("b", ["sh", "train.sh"], trials=1)})
        go.touch()
        assert process.wait(timeout=60) == 0, (here / "err.txt").read_text()
    assert [float(one["loss"]) for one in origin.trials("a")] == [1] * 3
    assert [line for line in lines(ledger) if line.startswith("a")] == [f"a-1-000{index} one" for index in range(3)]
    assert first in origin.read("reports/default/a/README.md")
    # what came later is a run of the later commit, in this process or in the next
    done = kagit("reconcile", "--repo", origin.url, "--once", cwd=here, **env)
    assert done.returncode == 0, done.stderr
    assert [float(one["loss"]) for one in origin.trials("b")] == [2]


def test_artifacts_are_listed_in_the_report(cli, origin: Origin):
    script = 'mkdir -p "$KAGIT_TRIAL_DIR/artifacts"; printf model > "$KAGIT_TRIAL_DIR/artifacts/model.bin"; echo loss=1'
    origin.push({A: manifest("a", sh(script), trials=1)})
    assert cli("reconcile", "--repo", origin.url, "--once").code == 0
    for name in ("README.md", "index.html"):
        text = origin.read(f"reports/default/a/{name}")
        assert "model.bin" in text
        assert "5 B" in text
        assert "9372c470eead" in text


def test_a_remote_repository_may_not_run_commands_unless_that_is_allowed(here: Path, origin: Origin):
    ledger = here / "ledger"
    origin.push({A: manifest("a", sh('echo x >> "$LEDGER"; echo loss=1'))})
    git(origin.bare, "config", "http.receivepack", "true")
    with serving(here) as address:
        url = f"{address}/{origin.bare.name}"
        done = kagit("reconcile", "--repo", url, "--once", "--state", "st", cwd=here, LEDGER=str(ledger))
        assert done.returncode == 1
        assert "pass --allow-local-execution if whoever can push to it may do that" in done.stderr
        assert lines(ledger) == []
        arguments = ("reconcile", "--repo", url, "--once", "--state", "st", "--allow-local-execution")
        done = kagit(*arguments, cwd=here, LEDGER=str(ledger))
        assert done.returncode == 0, done.stderr
    assert lines(ledger) == ["x", "x"]
    assert [one["status"] for one in origin.trials("a")] == ["Succeeded"] * 2


def test_two_reconcilers_cannot_share_a_state_directory(cli, here: Path, origin: Origin):
    ledger, go = here / "ledger", here / "go"
    origin.push({A: manifest("a", sh(SLOW))})
    arguments = ("reconcile", "--repo", origin.url, "--once", "--state", "st")
    with background(*arguments, cwd=here, LEDGER=str(ledger), GO=str(go)) as process:
        eventually(lambda: len(lines(ledger)) == 2, "trials run")
        done = cli(*arguments)
        assert done.code == 1
        assert f"in use by another kagit (process {process.pid})" in done.err
        assert "--state" in done.err
        go.touch()
        assert process.wait(timeout=60) == 0


def test_two_experiments_of_one_name_in_two_namespaces_are_two(cli, origin: Origin):
    origin.push({A: manifest("a", LOSS, namespace="one"), B: manifest("a", LOSS, namespace="two")})
    done = cli("reconcile", "--repo", origin.url, "--once")
    assert done.code == 0, done.err
    one, two = origin.trials("a", "one"), origin.trials("a", "two")
    assert len(one) == len(two) == 2
    assert {row["rate"] for row in one}.isdisjoint(row["rate"] for row in two)
    listed = cli("get", "trials", "-n", "two").out.splitlines()
    assert [line.split()[:2] for line in listed[1:]] == [["two", "a-1-0000"], ["two", "a-1-0001"]]


def test_deleting_a_manifest_deletes_the_experiment_and_keeps_its_report(cli, origin: Origin):
    origin.push({A: manifest("a", LOSS), B: manifest("b", LOSS)})
    assert cli("reconcile", "--repo", origin.url, "--once").code == 0
    origin.push({B: None})
    assert cli("reconcile", "--repo", origin.url, "--once").code == 0
    assert [line.split()[1] for line in cli("get", "experiments").out.splitlines()[1:]] == ["a"]
    assert "reports/default/b/trials.csv" in origin.files()


def test_a_mass_deletion_needs_a_word(cli, origin: Origin):
    names = [f"experiments/e{number}.yaml" for number in range(3)]
    origin.push({name: manifest(name[12:14], LOSS, trials=1) for name in names})
    assert cli("reconcile", "--repo", origin.url, "--once").code == 0
    origin.push(dict.fromkeys(names))
    done = cli("reconcile", "--repo", origin.url, "--once")
    assert "3 of 3 experiments vanished from the repository at once; none is deleted" in done.err
    assert len(cli("get", "experiments").out.splitlines()) == 4
    assert cli("reconcile", "--repo", origin.url, "--once", "--allow-mass-deletion").code == 0
    assert len(cli("get", "experiments").out.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--interval", "soon"), "'soon' is not a time; write for example 500ms, 60s, 5m or 1h"),
        (("--slots", "-1"), "--slots is -1; give at least 1"),
        (("--gpus", "0,0"), "--gpus names a device twice"),
        (("--gpus", "a b"), "give device numbers or UUIDs"),
        (("--branch", "../x"), "../x"),
    ],
)
def test_options_that_mean_nothing_are_refused(cli, origin: Origin, arguments: tuple[str, ...], said: str):
    origin.push({"README.md": "hello\n"})
    done = cli("reconcile", "--repo", origin.url, "--once", *arguments)
    assert done.code == 1
    assert said in done.err


def test_the_environment_names_the_state_directory(here: Path, origin: Origin):
    origin.push({A: manifest("a", LOSS, trials=1)})
    done = kagit("reconcile", "--repo", origin.url, "--once", cwd=here, KAGIT_STATE=str(here / "elsewhere"))
    assert done.returncode == 0
    assert (here / "elsewhere" / "cluster.sqlite").exists()
    assert not (here / ".kagit").exists()
