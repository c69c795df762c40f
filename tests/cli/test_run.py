"""`kagit run`: one experiment here and now, again, interrupted, changed, and what its report says."""

import json
import re
import signal
from pathlib import Path

import yaml

from tests.cli.support import (
    LOSS,
    background,
    eventually,
    git,
    kagit,
    lines,
    manifest,
    none_left,
    rows,
    sh,
)


def test_a_run_ends_with_a_table_and_a_report(cli, here: Path):
    (here / "a.yaml").write_text(manifest("a", LOSS, trials=3))
    done = cli("run", "a.yaml", "--report", "out")
    assert done.code == 0
    table, _, where = done.out.partition("\n\n")
    assert table.split("\n")[0].split() == [
        "EXPERIMENT",
        "STATUS",
        "TRIALS",
        "FAILED",
        "BEST",
        "TRIAL",
        "BEST",
        "PARAMETERS",
    ]
    assert table.split("\n")[1].split()[:4] == ["default/a", "Succeeded", "3", "0"]
    assert where == f"report: {Path('out/index.html')}\n"
    found = rows((here / "out" / "trials.csv").read_text())
    assert [one["status"] for one in found] == ["Succeeded"] * 3
    assert all(one["loss"] == one["rate"] for one in found)
    best = min(found, key=lambda one: float(one["loss"]))
    assert best["rate"] in (here / "out" / "best.yaml").read_text()
    assert best["trial"] in (here / "out" / "README.md").read_text()


def test_the_report_stands_in_the_state_directory_by_default(cli, here: Path):
    (here / "a.yaml").write_text(manifest("a", LOSS))
    done = cli("run", "a.yaml", "--state", "st")
    assert done.code == 0
    assert (here / "st" / "reports" / "default" / "a" / "README.md").exists()
    assert str(here / "st" / "reports" / "default" / "a" / "index.html") in done.out


def test_a_second_run_is_run_2_and_is_compared_with_the_first(cli, here: Path):
    (here / "a.yaml").write_text(manifest("a", LOSS))
    assert cli("run", "a.yaml", "--report", "out").code == 0
    first = {one["trial"]: one["rate"] for one in rows((here / "out" / "trials.csv").read_text())}
    assert cli("run", "a.yaml", "--report", "out").code == 0
    second = {one["trial"]: one["rate"] for one in rows((here / "out" / "trials.csv").read_text())}
    assert list(first) == ["a-1-0000", "a-1-0001"]
    assert list(second) == ["a-2-0000", "a-2-0001"]
    assert not set(first.values()) & set(second.values())
    assert cli("get", "trials", "--output", "json").out.count('"kind": "Trial"') == 4


def test_a_changed_manifest_is_a_new_run_and_a_larger_budget_after_the_end_too(cli, here: Path):
    (here / "a.yaml").write_text(manifest("a", LOSS))
    assert cli("run", "a.yaml", "--report", "out").code == 0
    (here / "a.yaml").write_text(manifest("a", sh("echo loss=1"), trials=3))
    assert cli("run", "a.yaml", "--report", "out").code == 0
    assert [one["trial"] for one in rows((here / "out" / "trials.csv").read_text())] == [
        "a-2-0000",
        "a-2-0001",
        "a-2-0002",
    ]


def test_an_interrupted_run_goes_on_where_it_was(here: Path):
    script = (
        'echo "$KATIB_TRIAL_NAME" >> "$LEDGER"; while [ ! -e "$GO" ]; do sleep 0.02; done; '
        'echo loss=1; echo "done $KATIB_TRIAL_NAME" >> "$LEDGER"'
    )
    ledger, go = here / "ledger", here / "go"
    env = {"LEDGER": str(ledger), "GO": str(go)}
    (here / "a.yaml").write_text(manifest("a", sh(script), trials=3, parallel=2))
    with background("run", "a.yaml", cwd=here, **env) as process:
        eventually(lambda: len(lines(ledger)) == 2, "two trials run")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
    none_left(here)
    go.touch()
    done = kagit("run", "a.yaml", "--report", "out", cwd=here, **env)
    assert done.returncode == 0, done.stderr
    assert [one["trial"] for one in rows((here / "out" / "trials.csv").read_text())] == [
        "a-1-0000",
        "a-1-0001",
        "a-1-0002",
    ]
    assert sorted(line for line in lines(ledger) if line.startswith("done")) == [
        "done a-1-0000",
        "done a-1-0001",
        "done a-1-0002",
    ]


def test_an_experiment_that_fails_ends_with_1_and_its_log_is_in_the_report(cli, here: Path):
    (here / "a.yaml").write_text(
        manifest("a", sh("echo the data set is gone >&2; exit 3"), trials=2, maxFailedTrialCount=0)
    )
    done = cli("run", "a.yaml", "--report", "out")
    assert done.code == 1
    assert "Failed" in done.out
    assert "the data set is gone" in (here / "out" / "README.md").read_text()


def test_the_report_says_at_which_commit_and_whether_it_was_clean(cli, here: Path):
    git(here, "init", "-q", ".")
    (here / "a.yaml").write_text(manifest("a", LOSS))
    (here / ".gitignore").write_text("out\n")
    git(here, "add", "-A")
    git(here, "commit", "-q", "-m", "a")
    commit = git(here, "rev-parse", "HEAD").strip()
    assert cli("run", "a.yaml", "--report", "out").code == 0
    clean = (here / "out" / "README.md").read_text()
    assert commit in clean
    (here / "a.yaml").write_text(manifest("a", LOSS) + "\n# a note\n")
    assert cli("run", "a.yaml", "--report", "out").code == 0
    dirty = (here / "out" / "README.md").read_text()
    assert "held changes that no commit has" in dirty
    assert "held changes that no commit has" not in clean


def test_the_state_directory_is_private_and_ignored_by_git(cli, here: Path):
    git(here, "init", "-q", ".")
    (here / "a.yaml").write_text(manifest("a", LOSS))
    assert cli("run", "a.yaml").code == 0
    assert ((here / ".kagit").stat().st_mode & 0o777) == 0o700
    assert git(here, "status", "--porcelain") == "?? a.yaml\n"


def test_trials_run_in_the_callers_directory(cli, here: Path):
    (here / "train.sh").write_text("echo loss=0.25\n")
    (here / "a.yaml").write_text(manifest("a", ["sh", "train.sh"], trials=1))
    assert cli("run", "a.yaml", "--report", "out").code == 0
    assert rows((here / "out" / "trials.csv").read_text())[0]["loss"] == "0.25"


def test_a_trial_has_a_private_directory_and_its_artifacts_are_kept(cli, here: Path):
    script = (
        'echo "$KATIB_TRIAL_NAME $KAGIT_TRIAL_DIR $TMPDIR" >> "$PWD/ledger"; '
        'mkdir -p "$KAGIT_TRIAL_DIR/artifacts/sub"; cd "$KAGIT_TRIAL_DIR/artifacts"; '
        "printf model > sub/model.bin; echo loss=1"
    )
    (here / "a.yaml").write_text(manifest("a", sh(script)))
    assert cli("run", "a.yaml", "--report", "out").code == 0
    told = [line.split() for line in lines(here / "ledger")]
    assert len({words[1] for words in told}) == 2
    assert all(words[1] == words[2] and words[1].startswith(str(here / ".kagit")) for words in told)
    sha = "9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4"
    report = (here / "out" / "README.md").read_text()
    page = (here / "out" / "index.html").read_text()
    for text in (report, page):
        assert "sub/model.bin" in text
        assert sha[:12] in text
    described = cli("describe", "trial", "a-1-0000")
    assert f"5 bytes, sha256 {sha}" in re.sub(r" +", " ", described.out)
    kept = list((here / ".kagit").rglob("model.bin"))
    assert [path.read_text() for path in kept] == ["model", "model"]


def test_images_are_ignored_and_the_report_says_so(cli, here: Path):
    (here / "a.yaml").write_text(manifest("a", LOSS, container={"image": "example.org/team/train:7"}))
    assert cli("run", "a.yaml", "--report", "out").code == 0
    assert "example.org/team/train:7" in (here / "out" / "README.md").read_text()


def test_what_cannot_be_run_is_refused_before_anything_starts(cli, here: Path):
    (here / "two.yaml").write_text(manifest("a", LOSS) + "---\n" + manifest("b", LOSS))
    for path, said in (
        ("missing.yaml", "missing.yaml: No such file or directory; give the path"),
        (".", "Is a directory"),
        ("two.yaml", "declares 2 experiments"),
    ):
        done = cli("run", path)
        assert done.code == 1
        assert said in done.err
    assert not (here / ".kagit").exists()


def test_the_best_point_is_a_manifest_that_says_where_it_came_from(cli, here: Path):
    (here / "a.yaml").write_text(manifest("a", LOSS, trials=3))
    assert cli("run", "a.yaml", "--report", "out").code == 0
    best = yaml.safe_load((here / "out" / "best.yaml").read_text())
    told = json.dumps(best, default=str)
    assert "rate" in told
    assert "loss" in told


def test_a_report_that_cannot_be_written_says_so_and_nothing_is_lost(cli, here: Path):
    (here / "a.yaml").write_text(manifest("a", LOSS))
    (here / "taken").write_text("")
    done = cli("run", "a.yaml", "--report", "taken")
    assert done.code == 1
    assert "give another place with --report" in done.err
    assert cli("get", "experiments").out.splitlines()[1].split()[2] == "Succeeded"


def test_every_reading_is_kept_and_not_only_the_last(cli, here: Path):
    (here / "a.yaml").write_text(manifest("a", sh("echo loss=3; echo loss=2; echo loss=1")))
    assert cli("run", "a.yaml").code == 0
    found = json.loads(cli("query", "SELECT trial, step, value FROM readings ORDER BY ALL", "-o", "json").out)
    assert [one["value"] for one in found] == [3.0, 2.0, 1.0] * 2
