"""Repositories that cannot be read, files that are none, places that cannot be written."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.support import (
    LOSS,
    Origin,
    background,
    eventually,
    git,
    lines,
    manifest,
    none_left,
    sh,
)

A = "experiments/a.yaml"


@pytest.mark.parametrize("command", ["reconcile", "plan"])
@pytest.mark.parametrize("more", [(), ("main",)])
def test_a_repository_that_is_not_there(cli, here: Path, command: str, more: tuple[str, ...]):
    option = {"reconcile": "--branch", "plan": "--ref"}[command]
    done = cli(command, "--repo", here / "nowhere.git", *[word for name in more for word in (option, name)])
    assert done.code == 1
    assert "nowhere.git" in done.err
    assert "Traceback" not in done.err


def test_a_directory_that_is_no_repository(cli, here: Path):
    (here / "plain").mkdir()
    done = cli("reconcile", "--repo", "plain", "--once")
    assert done.code == 1
    assert "plain" in done.err
    assert re.search(r"git init|repository", done.err)


@pytest.mark.parametrize("url", ["ext::sh -c id", "ftp://127.0.0.1/x", "--upload-pack=id", "http://127.0.0.1:9/x.git"])
def test_an_address_that_is_none_or_does_not_answer(cli, url: str):
    done = cli("reconcile", f"--repo={url}", "--once", "--branch", "main")
    assert done.code == 1
    assert done.err.startswith("kagit reconcile: ")


def test_a_repository_without_a_commit(cli, origin: Origin):
    for arguments in (("reconcile", "--once"), ("plan",)):
        done = cli(*arguments, "--repo", origin.url)
        assert done.code == 1
        assert "push a commit" in done.err
    done = cli("reconcile", "--once", "--repo", origin.url, "--branch", "main")
    assert done.code == 1
    assert "branch 'main' has no commit yet; push one" in done.err


def test_a_repository_that_vanishes_while_it_is_followed_comes_back(here: Path, origin: Origin):
    ledger, go = here / "ledger", here / "go"
    slow = 'echo "$KATIB_TRIAL_NAME" >> "$LEDGER"; while [ ! -e "$GO" ]; do sleep 0.02; done; echo loss=1'
    origin.push({A: manifest("a", sh(slow))})
    arguments = ("reconcile", "--repo", origin.url, "--once", "--interval", "100ms")
    with background(*arguments, cwd=here, LEDGER=str(ledger), GO=str(go)) as process:
        eventually(lambda: len(lines(ledger)) == 2, "trials run")
        origin.bare.rename(here / "away.git")
        eventually(lambda: "trying again" in (here / "err.txt").read_text(), "it says so")
        (here / "away.git").rename(origin.bare)
        go.touch()
        assert process.wait(timeout=60) == 0, (here / "err.txt").read_text()
    assert sorted(lines(ledger)) == ["a-1-0000", "a-1-0001"]  # both run at once
    assert [one["status"] for one in origin.trials("a")] == ["Succeeded"] * 2


def test_files_that_are_no_manifests(cli, origin: Origin):
    origin.push({A: manifest("a", LOSS)})
    (origin.clone / "experiments" / "link.yaml").symlink_to("/etc/hostname")
    git(origin.clone, "add", "-A")
    files = {
        "experiments/empty.yaml": "",
        "experiments/huge.yaml": "# " + "x" * (3 << 20) + "\n",
        "experiments/binary.yaml": bytes(range(256)) * 8,
        "experiments/other.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
        "experiments/twin.yaml": manifest("twin", LOSS),
        "experiments/twin2.yaml": manifest("twin", sh("echo loss=1")),
        "experiments/climber.yaml": manifest("../climber", LOSS),
        "experiments/bomb.yaml": "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]\n",
        "experiments/notes.txt": "not a manifest\n",
    }
    for path, content in files.items():
        (origin.clone / path).write_bytes(content if isinstance(content, bytes) else content.encode())
    git(origin.clone, "add", "-A")
    git(origin.clone, "commit", "-q", "-m", "push")
    git(origin.clone, "push", "-q", "origin", "HEAD:main")
    done = cli("reconcile", "--repo", origin.url, "--once")
    assert done.code == 1
    for name in ("huge", "binary", "twin", "climber", "link", "bomb"):
        found = [line for line in done.err.splitlines() if line.startswith(f"experiments/{name}")]
        assert found, name
        assert re.search(r"\[[a-z-]+\]$", found[0]), found[0]
    assert "notes.txt" not in done.err
    assert [one["status"] for one in origin.trials("a")] == ["Succeeded"] * 2
    assert sorted({path.split("/")[2] for path in origin.files() if path.count("/") > 1}) == ["a", "twin"]


def test_a_state_directory_that_is_a_file(cli, here: Path, origin: Origin):
    origin.push({A: manifest("a", LOSS)})
    (here / "a.yaml").write_text(manifest("a", LOSS))
    (here / "taken").write_text("")
    for arguments in (("reconcile", "--repo", origin.url, "--once"), ("run", "a.yaml"), ("plan", "--repo", origin.url)):
        done = cli(*arguments, "--state", "taken")
        assert done.code == 1
        assert f"state directory {here / 'taken'} cannot be written" in done.err
        assert "--state" in done.err


@pytest.mark.parametrize("part", ["engine", "mirrors", "cluster.sqlite", "readings.duckdb", "exports", "lock"])
def test_a_part_of_the_state_directory_that_something_else_occupies(cli, here: Path, origin: Origin, part: str):
    origin.push({A: manifest("a", LOSS)})
    occupied = here / "st" / part
    occupied.parent.mkdir()
    if "." in part or part == "lock":
        occupied.mkdir()
    else:
        occupied.write_text("")
    done = cli("reconcile", "--repo", origin.url, "--once", "--state", "st")
    assert done.code == 1
    assert part in done.err
    occupied.rmdir() if occupied.is_dir() else occupied.unlink()
    done = cli("reconcile", "--repo", origin.url, "--once", "--state", "st")
    assert done.code == 0, done.err


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_state_directory_without_permission(cli, here: Path):
    (here / "a.yaml").write_text(manifest("a", LOSS))
    (here / "closed").mkdir(mode=0o500)
    done = cli("run", "a.yaml", "--state", "closed")
    assert done.code == 1
    assert "Permission denied" in done.err


def test_a_corrupted_store_is_named(cli, here: Path):
    (here / "a.yaml").write_text(manifest("a", LOSS))
    for name in ("cluster.sqlite", "readings.duckdb"):
        state = here / name.partition(".")[0]
        state.mkdir()
        (state / name).write_bytes(b"garbage " * 1000)
        done = cli("run", "a.yaml", "--state", state)
        assert done.code == 1
        assert name in done.err
        assert "Traceback" not in done.err


@pytest.mark.skipif(sys.platform != "linux", reason="limits another process")
def test_files_that_may_not_grow_end_in_a_message_and_nothing_is_lost(cli, here: Path, origin: Origin):
    origin.push({A: manifest("a", sh("seq -f loss=%g 20000; echo loss=$RATE"))})
    arguments = ("reconcile", "--repo", origin.url, "--once", "--state", "st")
    with background(*arguments, cwd=here) as process:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (300_000, 300_000))  # long before it writes anything
        eventually(lambda: "File too large; trying again" in (here / "err.txt").read_text(), "it says so")
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) in {1, 130}
    assert "Traceback" not in (here / "err.txt").read_text()
    done = cli(*arguments)
    assert done.code == 0, done.err
    assert [one["status"] for one in origin.trials("a")] == ["Succeeded"] * 2
    assert counted(cli) == [20001] * 2
    none_left(here)


def counted(cli) -> list[int]:
    """Readings of each trial's last attempt."""
    sql = "SELECT trial, attempt, count(*) AS n FROM readings GROUP BY ALL ORDER BY ALL"
    found = {one["trial"]: one["n"] for one in json.loads(cli("query", sql, "-o", "json", "--state", "st").out)}
    return list(found.values())


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounts a small disk")
def test_a_full_disk_is_waited_out_and_nothing_is_lost(cli, here: Path, origin: Origin):
    disk = here / "st"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(disk)], check=False).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        (disk / "ballast").write_bytes(bytes(36 << 20))
        origin.push({A: manifest("a", sh("seq -f loss=%g 60000; echo loss=$RATE"), trials=6)})
        with background("reconcile", "--repo", origin.url, "--once", "--state", "st", cwd=here) as process:
            said = here / "err.txt"
            eventually(lambda: "; trying again" in said.read_text() or process.poll() is not None, "the disk is full")
            assert process.poll() is None, said.read_text()
            (disk / "ballast").unlink()
            assert process.wait(timeout=60) == 0, said.read_text()
        assert "Traceback" not in said.read_text()
        assert [one["status"] for one in origin.trials("a")] == ["Succeeded"] * 6
        assert counted(cli) == [60001] * 6
        none_left(here)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounts a disk")
def test_a_disk_that_may_only_be_read(cli, here: Path, origin: Origin):
    origin.push({A: manifest("a", LOSS)})
    disk = here / "st"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,ro", "tmpfs", str(disk)], check=False).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        done = cli("reconcile", "--repo", origin.url, "--once", "--state", "st")
        assert done.code == 1
        assert "Read-only file system" in done.err
        assert "give another one with --state" in done.err
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
