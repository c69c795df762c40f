"""GitRepo on real repositories: security rows of gitops.md section 5, crashes, local work trees, limits."""

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kagit.errors import Conflict, NotFound, Refused, Unavailable
from kagit.filetree import FileTree
from reconciler.adapters import git_command
from reconciler.adapters.repo_git import GitRepo, Limits


def git(directory: Path, *arguments: str, stdin: bytes = b"") -> str:
    done = subprocess.run(["git", "-C", str(directory), *arguments], input=stdin, check=True, capture_output=True)
    return done.stdout.decode().strip()


@pytest.fixture
def remote(tmp_path):
    """A bare repository with one commit on main."""
    bare = tmp_path / "remote.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(bare)], check=True)
    commit(GitRepo(str(bare), tmp_path / "seed.git"), "main", {"experiments/a.yaml": b"a\n"})
    return bare


@pytest.fixture
def repo(remote, tmp_path):
    return GitRepo(str(remote), tmp_path / "state" / "mirror.git")


def commit(repo: GitRepo, branch: str, files: dict[str, bytes]) -> str:
    parent = repo.fetch(branch)
    made = repo.commit(parent=parent, files=FileTree(files), replace=[], message="m", time=1)
    repo.push(branch=branch, commit=made, expected=parent)
    return made


def raw_tree(bare: Path, branch: str, entries: list[tuple[str, str, bytes]]) -> str:
    """Commit a tree that no honest git would write: names are taken as they are."""
    body = b""
    for mode, name, data in entries:
        oid = git(bare, "hash-object", "-w", "--stdin", stdin=data)
        body += f"{mode} {name}\0".encode() + bytes.fromhex(oid)
    tree = git(bare, "hash-object", "-t", "tree", "-w", "--stdin", "--literally", stdin=body)
    made = git(bare, "commit-tree", tree, "-m", "hostile")
    git(bare, "update-ref", f"refs/heads/{branch}", made)
    return made


# ------------------------------------------------------------------------------------------------ rows of section 5


@pytest.mark.parametrize("name", [".git", ".GIT", "git~1", "..", ".", ".git ", "a\\b", ".g\u200cit"])
def test_row_4_hostile_names_in_a_tree_are_never_written(remote, repo, tmp_path, name):
    raw_tree(remote, "bad", [("100644", name, b"x"), ("100644", "zz", b"good")])
    target = tmp_path / "out" / "export"
    try:
        repo.export(repo.fetch("bad"), target)
    except Unavailable:
        return  # the transfer itself was refused by fsck
    assert [str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*")] == ["export", "export/zz"]


def test_row_4_a_link_and_a_folder_of_one_name_write_nothing_through_the_link(remote, repo, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    blob = git(remote, "hash-object", "-w", "--stdin", stdin=b"evil")
    inner = git(remote, "mktree", stdin=f"100644 blob {blob}\tx\n".encode())
    link = git(remote, "hash-object", "-w", "--stdin", stdin=str(outside).encode())
    body = b"120000 a\0" + bytes.fromhex(link) + b"40000 a\0" + bytes.fromhex(inner)
    tree = git(remote, "hash-object", "-t", "tree", "-w", "--stdin", "--literally", stdin=body)
    git(remote, "update-ref", "refs/heads/bad", git(remote, "commit-tree", tree, "-m", "m"))
    with contextlib.suppress(Unavailable, Refused):
        repo.export(repo.fetch("bad"), tmp_path / "export")
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("path", ["a", "reports/x"])
def test_row_1_a_commit_through_a_link_replaces_the_link(remote, repo, path):
    raw_tree(remote, "linked", [("120000", path.split("/")[0], b"/etc")])
    made = commit(repo, "linked", {path: b"1"})
    assert [(f.path, f.mode) for f in repo.tree(made).files] == [(path, "100644")]


def test_row_10_hooks_in_the_mirror_do_not_run(remote, tmp_path):
    mirror = tmp_path / "state" / "mirror.git"
    repo = GitRepo(str(remote), mirror)
    repo.fetch("main")
    marker = tmp_path / "ran"
    hooks = mirror / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("reference-transaction", "pre-push", "post-commit", "pre-auto-gc", "fsmonitor-watchman"):
        (hooks / name).write_text(f"#!/bin/sh\necho {name} >> {marker}\n")
        (hooks / name).chmod(0o755)
    git(mirror, "config", "core.fsmonitor", str(hooks / "fsmonitor-watchman"))
    git(mirror, "config", "core.sshCommand", f"touch {marker}")
    marker.unlink(missing_ok=True)
    again = GitRepo(str(remote), mirror)
    commit(again, "main", {"b": b"1"})
    assert not marker.exists()


def test_rows_6_and_10_nothing_of_the_users_settings_and_environment_reaches_git(remote, tmp_path, monkeypatch):
    marker = tmp_path / "ran"
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(f'[core]\n\tsshCommand = touch {marker}\n[alias]\n\tfetch = "!touch {marker}"\n')
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("GIT_CONFIG_GLOBAL", raising=False)
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nonexistent/index")
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", "/nonexistent/objects")
    monkeypatch.setenv("GIT_SSH_COMMAND", f"touch {marker}")
    monkeypatch.setenv("GIT_TRACE", str(marker))
    monkeypatch.setenv("SECRET_TOKEN", "canary")
    assert commit(GitRepo(str(remote), tmp_path / "state" / "m.git"), "main", {"b": b"1"})
    assert not marker.exists()
    shown = git_command.execute(["env"], env={"X": "1"}, cwd=tmp_path).out.decode()
    assert "canary" not in shown
    assert "GIT_DIR" not in shown
    assert "X=1" in shown


def test_row_13_no_credential_in_errors_or_process_arguments(tmp_path, monkeypatch):
    seen: list[list[str]] = []
    real = git_command.execute

    def spy(command, **settings):
        seen.append(command)
        return real(command, **settings)

    monkeypatch.setattr(git_command, "execute", spy)
    repo = GitRepo("http://robot:canary-s3cret@127.0.0.1:9/x.git", tmp_path / "m.git", timeout=20)
    with pytest.raises(Unavailable) as caught:
        repo.fetch("main")
    assert "canary" not in str(caught.value)
    assert "127.0.0.1:9/x.git" in str(caught.value)
    assert "canary" not in repr(seen)
    assert "canary" not in repr(vars(repo)["_remote"])
    assert "canary" not in repo.shown
    assert any("ls-remote" in command for command in seen)


def test_row_23_too_many_files_too_deep_and_too_large_are_refused_with_the_way_out(remote, tmp_path):
    files = {f"experiments/{n}.yaml": b"x" * n for n in range(5)} | {"1/2/3/4/deep": b""}
    made = commit(GitRepo(str(remote), tmp_path / "a.git"), "main", files)

    def limited(**limits: int) -> GitRepo:
        repo = GitRepo(str(remote), tmp_path / "b.git", limits=Limits(**limits))
        repo.fetch("main")
        return repo

    with pytest.raises(Refused, match="at most 3 are read; move"):
        limited(files=3).tree(made, "experiments")
    with pytest.raises(Refused, match="levels deep"):
        limited(depth=3).tree(made)
    few = limited(file_bytes=3, total_bytes=5, export_files=2, export_bytes=10)
    by_size = {f.size: f.id for f in few.tree(made, "experiments").files}
    with pytest.raises(Refused, match="at most 3 are read; split"):
        few.read([by_size[4]])
    with pytest.raises(Refused, match="at most 5"):
        few.read([by_size[3], by_size[2], by_size[1]])
    assert few.read([by_size[3]]) == {by_size[3]: b"xxx"}
    with pytest.raises(Refused, match="exported"):
        few.export(made, tmp_path / "export")
    assert not (tmp_path / "export").exists()


def test_row_24_a_transfer_that_is_too_large_is_ended(remote, tmp_path, monkeypatch):
    commit(GitRepo(str(remote), tmp_path / "a.git"), "main", {f"big{n}": os.urandom(1 << 20) for n in range(4)})
    monkeypatch.setattr(git_command, "_PULSE", 0.001)
    repo = GitRepo(str(remote), tmp_path / "b.git", limits=Limits(transfer_bytes=1000))
    with pytest.raises(Refused, match="more than 1000 bytes"):
        repo.fetch("main")
    assert not list((tmp_path / "b.git").rglob("tmp_*"))


# ---------------------------------------------------------------------------------------------------- the world fails


def test_an_unreachable_remote_is_unavailable_and_comes_back(remote, repo):
    hidden = remote.with_name("hidden.git")
    remote.rename(hidden)
    with pytest.raises(Unavailable, match=r"remote\.git cannot be read"):
        repo.fetch("main")
    hidden.rename(remote)
    assert repo.fetch("main")


def test_a_command_that_hangs_is_ended_with_all_its_children(tmp_path):
    script = "sleep 300 & echo $! > child; echo $$ > parent; wait"
    with pytest.raises(Unavailable, match="no answer within"):
        git_command.execute(["sh", "-c", script], env={}, cwd=tmp_path, timeout=0.5)
    for name in ("child", "parent"):
        state = Path("/proc") / (tmp_path / name).read_text().strip() / "stat"
        assert not state.exists() or state.read_text().split(") ")[1][0] == "Z"


def test_a_killed_fetch_is_cleaned_up(remote, tmp_path):
    mirror = tmp_path / "m.git"
    tip = GitRepo(str(remote), mirror).fetch("main")
    pack = mirror / "objects" / "pack"
    (pack / "tmp_pack_abc").write_bytes(b"half")
    (mirror / "packed-refs.lock").touch()
    (mirror / "config.lock").touch()
    (mirror / "refs/kagit/seen/heads/main.lock").touch()
    (mirror / "refs/kagit/seen/heads/main").unlink()
    again = GitRepo(str(remote), mirror)
    assert again.fetch("main") == tip
    assert commit(again, "main", {"b": b"1"})
    assert not list(mirror.rglob("*.lock"))
    assert not list(mirror.rglob("tmp_pack_*"))


def test_a_fetch_killed_in_the_middle_heals(remote, tmp_path):
    files = {f"big{n}": os.urandom(1 << 20) for n in range(3)}
    tip = commit(GitRepo(str(remote), tmp_path / "a.git"), "main", files)
    mirror = tmp_path / "state" / "m.git"
    code = "import sys, pathlib; from reconciler.adapters.repo_git import GitRepo;"
    code += "GitRepo(sys.argv[1], pathlib.Path(sys.argv[2])).fetch('main')"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(remote), str(mirror)], cwd=Path(git_command.__file__).parents[2]
    )
    while process.poll() is None and not list(mirror.glob("objects/pack/tmp_pack_*")):
        pass
    process.kill()
    process.wait()
    again = GitRepo(str(remote), mirror)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:  # the orphaned git may still hold a lock, which is told as Unavailable
        with contextlib.suppress(Unavailable):
            if again.fetch("main") == tip:
                break
    assert len(again.tree(tip).files) == 4
    assert len(again.read([f.id for f in again.tree(tip).files])) == 4


def test_a_git_that_is_too_old_for_the_precautions_is_refused(remote, tmp_path, monkeypatch):
    real = git_command.execute

    def old(command, **settings):
        done = real(command, **settings)
        return done._replace(out=b"git version 2.30.9") if command[-1] == "version" else done

    monkeypatch.setattr(git_command, "execute", old)
    with pytest.raises(Refused, match=r"at least git 2\.31"):
        GitRepo(str(remote), tmp_path / "m.git").fetch("main")


@pytest.mark.parametrize("harm", ["HEAD", "objects", "config", "refs"])
def test_a_broken_mirror_is_made_anew(remote, tmp_path, harm):
    mirror = tmp_path / "m.git"
    tip = GitRepo(str(remote), mirror).fetch("main")
    if (mirror / harm).is_dir():
        (mirror / harm).rename(tmp_path / "away")
    else:
        (mirror / harm).write_bytes(b"\0garbage")
    repo = GitRepo(str(remote), mirror)
    assert repo.fetch("main") == tip
    assert [f.path for f in repo.tree(tip).files] == ["experiments/a.yaml"]


def test_a_mirror_that_is_a_file_is_made_anew(remote, tmp_path):
    (tmp_path / "m.git").write_text("no repository")
    assert GitRepo(str(remote), tmp_path / "m.git").fetch("main")


def test_lost_objects_are_noticed_and_fetched_again(remote, tmp_path):
    mirror = tmp_path / "m.git"
    repo = GitRepo(str(remote), mirror)
    tip = commit(repo, "main", {"b": b"b\n"})
    lost = repo.tree(tip, "b").files[0].id
    for path in mirror.glob("objects/[0-9a-f][0-9a-f]/*"):
        if path.parent.name + path.name == lost:
            path.unlink()
    with pytest.raises(Unavailable, match="look again"):
        repo.read([lost])
    assert repo.fetch("main") == tip
    assert repo.read([lost]) == {lost: b"b\n"}


def test_a_half_export_is_never_taken_for_whole(repo, tmp_path, monkeypatch):
    tip = repo.fetch("main")
    left = tmp_path / "export.partial-old"
    left.mkdir()
    (left / "half").touch()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(Unavailable, match="No space left"):
            repo.export(tip, tmp_path / "export")
    assert not (tmp_path / "export").exists()
    repo.export(tip, tmp_path / "export")
    assert (tmp_path / "export/experiments/a.yaml").read_bytes() == b"a\n"
    assert not list(tmp_path.glob("export.partial-*"))


def test_an_unwritable_state_directory_is_unavailable(remote, tmp_path):
    (tmp_path / "state").write_text("a file")
    with pytest.raises(Unavailable, match="mirror cannot be written"):
        GitRepo(str(remote), tmp_path / "state" / "m.git").fetch("main")


def test_a_hook_of_the_remote_that_says_no_is_a_refusal_with_its_reason(remote, repo):
    hook = remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho protected branch >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(Refused, match=r"pre-receive hook declined.*protected branch"):
        commit(repo, "main", {"b": b"1"})


def test_the_branch_that_moves_between_asking_and_fetching_is_answered_as_fetched(remote, tmp_path, monkeypatch):
    other = GitRepo(str(remote), tmp_path / "other.git")
    repo = GitRepo(str(remote), tmp_path / "m.git")
    real = GitRepo._transfer
    moved: list[str] = []

    def slow(self, ref, seen):
        if self is repo and not moved:
            moved.append(commit(other, "main", {"late": b"1"}))
        real(self, ref, seen)

    monkeypatch.setattr(GitRepo, "_transfer", slow)
    assert repo.fetch("main") == moved[0]
    assert len(repo.tree(moved[0]).files) == 2


# ---------------------------------------------------------------------------------------------------- other promises


def test_default_branch_and_tags(remote, repo):
    assert repo.default_branch() == "main"
    tip = repo.fetch("main")
    git(remote, "tag", "-a", "v1", "-m", "release", tip)
    assert repo.fetch("refs/tags/v1") == tip
    with pytest.raises(NotFound):
        repo.tree("4" * 40)


def test_two_mirrors_and_a_lost_race(remote, tmp_path):
    one, two = (GitRepo(str(remote), tmp_path / f"{n}.git") for n in "12")
    parent = two.fetch("main")
    late = two.commit(parent=parent, files=FileTree({"x": b"2"}), replace=[], message="m", time=1)
    commit(one, "main", {"x": b"1"})
    with pytest.raises(Conflict):
        two.push(branch="main", commit=late, expected=parent)


def test_importing_the_adapters_is_cheap():
    code = "import sys, reconciler.adapters.repo_git, reconciler.adapters.repo_memory, reconciler.adapters.watch_files;"
    code += "sys.exit(bool({'git', 'watchdog'} & set(sys.modules)))"
    root = Path(git_command.__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


def test_a_commit_into_many_files_reads_only_the_folders_that_change(remote, tmp_path):
    repo = GitRepo(str(remote), tmp_path / "m.git")
    many = {f"manifests/{n:05}.yaml": str(n).encode() for n in range(10_000)}
    parent = commit(repo, "main", many)
    made = commit(repo, "main", {"reports/index.html": b"1"})
    listed = repo.tree(made, "manifests")
    assert listed == repo.tree(parent, "manifests")
    assert len(listed.files) == 10_000
    assert len(repo.read([f.id for f in listed.files])) == 10_000
    with pytest.raises(Refused, match="at most 10000"):
        repo.tree(made)
