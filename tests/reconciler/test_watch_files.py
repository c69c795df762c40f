"""A moved branch wakes the loop; reading, and files that are not committed, do not."""

import subprocess
import threading
from pathlib import Path

import pytest
from watchdog.observers import Observer

from kagit.filetree import FileTree
from reconciler.adapters.repo_git import GitRepo
from reconciler.adapters.watch_files import git_directory, watch

PATIENCE = 20.0


class Bell:
    """Counts rings and lets a test wait for the next one."""

    def __init__(self) -> None:
        self.rings = 0
        self.change = threading.Condition()

    def ring(self) -> None:
        with self.change:
            self.rings += 1
            self.change.notify_all()

    def heard(self, more_than: int = 0) -> bool:
        with self.change:
            return self.change.wait_for(lambda: self.rings > more_than, PATIENCE)


@pytest.fixture
def bell():
    return Bell()


def git(directory: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(directory), *arguments], check=True, capture_output=True)


def bare(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "--quiet", "--bare", str(tmp_path / "r.git")], check=True)
    return tmp_path / "r.git"


def test_a_push_to_a_bare_repository_rings(tmp_path, bell):
    remote = bare(tmp_path)
    repo = GitRepo(str(remote), tmp_path / "m.git")
    seen = watch(remote, bell.ring, delay=0.01)
    assert seen.message == ""
    try:
        made = repo.commit(parent="", files=FileTree({"a": b""}), replace=[], message="m", time=1)
        repo.push(branch="main", commit=made, expected="")
        assert bell.heard()
    finally:
        seen.close()


def test_a_commit_in_a_work_tree_rings_and_an_edit_does_not(tmp_path, bell):
    tree = tmp_path / "tree"
    subprocess.run(["git", "init", "--quiet", str(tree)], check=True)
    seen = watch(tree, bell.ring, delay=0.01)
    try:
        (tree / "a").write_text("1")
        git(tree, "add", "a")
        git(tree, "status")
        git(tree, "ls-files")
        before = bell.rings
        git(tree, "commit", "--quiet", "-m", "m")
        assert bell.heard(before)
        assert before == 0
    finally:
        seen.close()


def test_a_directory_without_git_rings_for_any_file(tmp_path, bell):
    (tmp_path / "deep").mkdir()
    seen = watch(tmp_path, bell.ring, delay=0.01)
    try:
        (tmp_path / "deep" / "x.yaml").write_text("1")
        assert bell.heard()
    finally:
        seen.close()


def test_many_changes_ring_seldom_and_nothing_is_left_after_the_end(tmp_path, bell):
    before = set(threading.enumerate())
    seen = watch(tmp_path, bell.ring, delay=0.5)
    for n in range(200):
        (tmp_path / str(n)).touch()
    assert bell.heard()
    assert bell.rings < 200
    seen.close()
    left = [thread for thread in threading.enumerate() if thread not in before]
    for thread in left:
        thread.join(PATIENCE)  # a cancelled timer ends at once
    assert not any(thread.is_alive() for thread in left)


def test_where_nothing_can_be_watched_it_says_so(tmp_path, bell, monkeypatch):
    def full(_: object) -> None:
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr(Observer, "start", full)
    seen = watch(tmp_path, bell.ring)
    assert "inotify watch limit reached" in seen.message
    assert "next interval" in seen.message
    seen.close()


def test_a_missing_directory_is_told_too(tmp_path, bell):
    seen = watch(tmp_path / "missing", bell.ring)
    assert "is not watched" in seen.message
    seen.close()


def test_where_branches_are_kept(tmp_path):
    tree = tmp_path / "tree"
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(tree)], check=True)
    git(tree, "commit", "--quiet", "--allow-empty", "-m", "m")
    git(tree, "worktree", "add", "--quiet", str(tmp_path / "linked"))
    remote = bare(tmp_path)
    assert git_directory(remote) == remote
    assert git_directory(tree) == tree / ".git"
    found = git_directory(tmp_path / "linked")
    assert found is not None
    assert found.resolve() == (tree / ".git").resolve()
    assert git_directory(tmp_path) is None
