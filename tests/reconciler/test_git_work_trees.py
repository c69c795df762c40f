"""GitRepo with a local work tree as its remote, and what `kagit run` says about the caller's directory."""

import subprocess
from pathlib import Path

import pytest

from kagit.errors import Refused
from kagit.filetree import FileTree
from reconciler.adapters.repo_git import GitRepo, state_of


def git(directory: Path, *arguments: str, stdin: bytes = b"") -> str:
    done = subprocess.run(["git", "-C", str(directory), *arguments], input=stdin, check=True, capture_output=True)
    return done.stdout.decode().strip()


def commit(repo: GitRepo, branch: str, files: dict[str, bytes]) -> str:
    parent = repo.fetch(branch)
    made = repo.commit(parent=parent, files=FileTree(files), replace=[], message="m", time=1)
    repo.push(branch=branch, commit=made, expected=parent)
    return made


def work_tree(tmp_path: Path, branch: str = "main") -> Path:
    tree = tmp_path / "work tree"
    subprocess.run(["git", "init", "--quiet", f"--initial-branch={branch}", str(tree)], check=True)
    (tree / "train.py").write_text("print(1)\n")
    git(tree, "add", "train.py")
    git(tree, "commit", "--quiet", "-m", "first")
    return tree


def test_a_clean_work_tree_on_the_branch_follows_the_push(tmp_path):
    tree = work_tree(tmp_path)
    made = commit(GitRepo(str(tree), tmp_path / "m.git"), "main", {"reports/index.html": b"<p>"})
    assert git(tree, "rev-parse", "HEAD") == made
    assert (tree / "reports/index.html").read_bytes() == b"<p>"
    assert state_of(tree) == (made, True)


def test_a_work_tree_with_changes_elsewhere_keeps_them(tmp_path):
    tree = work_tree(tmp_path)
    (tree / "train.py").write_text("print(2)\n")
    (tree / "notes").write_text("mine")
    made = commit(GitRepo(str(tree), tmp_path / "m.git"), "main", {"reports/a": b"1"})
    assert git(tree, "rev-parse", "HEAD") == made
    assert (tree / "train.py").read_text() == "print(2)\n"
    assert (tree / "notes").read_text() == "mine"
    assert git(tree, "status", "--porcelain").splitlines() == ["M train.py", "?? notes"]


@pytest.mark.parametrize("staged", [False, True])
def test_a_work_tree_with_changes_in_the_same_files_is_a_refusal_that_names_the_way_out(tmp_path, staged):
    tree = work_tree(tmp_path)
    repo = GitRepo(str(tree), tmp_path / "m.git")
    first = commit(repo, "main", {"reports/a": b"1"})
    (tree / "reports/a").write_text("by hand")
    if staged:
        git(tree, "add", "reports/a")
    with pytest.raises(Refused, match=r"uncommitted changes.*--no-push"):
        commit(repo, "main", {"reports/a": b"2"})
    assert (tree / "reports/a").read_text() == "by hand"
    assert git(tree, "rev-parse", "HEAD") == first


def test_an_untracked_file_in_the_way_is_a_refusal_and_stays(tmp_path):
    tree = work_tree(tmp_path)
    (tree / "reports").mkdir()
    (tree / "reports/a").write_text("mine")
    with pytest.raises(Refused, match="--no-push"):
        commit(GitRepo(str(tree), tmp_path / "m.git"), "main", {"reports/a": b"1"})
    assert (tree / "reports/a").read_text() == "mine"


def test_another_branch_of_a_work_tree_takes_any_push(tmp_path):
    tree = work_tree(tmp_path)
    (tree / "train.py").write_text("dirty")
    commit(GitRepo(str(tree), tmp_path / "m.git"), "results", {"reports/a": b"1"})
    assert not (tree / "reports").exists()


def test_the_work_trees_own_hooks_still_have_their_say(tmp_path):
    tree = work_tree(tmp_path)
    hook = tree / ".git/hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(Refused, match="pre-receive hook declined"):
        commit(GitRepo(str(tree), tmp_path / "m.git"), "main", {"reports/a": b"1"})


def test_state_of_a_directory(tmp_path):
    assert state_of(tmp_path) == ("", None)
    assert state_of(tmp_path / "missing") == ("", None)
    tree = work_tree(tmp_path)
    head = git(tree, "rev-parse", "HEAD")
    assert state_of(tree) == (head, True)
    (tree / "train.py").write_text("print(3)\n")
    assert state_of(tree) == (head, False)
    marker = tmp_path / "ran"
    git(tree, "config", "core.fsmonitor", f"touch {marker}; false")
    assert state_of(tree) == (head, False)
    assert not marker.exists()
