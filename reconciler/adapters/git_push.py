"""Moves a remote branch by compare-and-swap, and says what to do where the remote does not want it."""

import re
import shlex
from pathlib import Path

from kagit.errors import Conflict, Refused, Unavailable
from reconciler.adapters.git_command import Done, GitCommand

_MOVED = re.compile(
    r"stale info|fetch first|non-fast-forward|needs force|cannot lock ref|reference already exists|failed to update ref"
    r"|failed to lock|incorrect old value"
)
_DIRTY = re.compile(r"staged changes|push-to-checkout|working (tree|directory)", re.IGNORECASE)
_OWN_HOOKS = ("pre-receive", "update", "post-receive", "post-update", "push-to-checkout", "reference-transaction")
# Git's own rule for a pushed-to work tree wants all of it clean; this one, like `git switch`, only the files concerned.
_FOLLOW = """#!/bin/sh
git update-index -q --ignore-submodules --refresh >/dev/null 2>&1
head=$(git rev-parse -q --verify HEAD) || head=$(git hash-object -t tree /dev/null)
exec git read-tree -u -m "$head" "$1"
"""


def push(git: GitCommand, *, ref: str, commit: str, expected: str) -> None:
    """Move `ref` from `expected` ("" for: must not exist) to a descendant; Conflict if it is somewhere else by now.

    A local work tree that stands on the branch follows; Refused where that would overwrite uncommitted changes.
    """
    if expected and git.run("merge-base", "--is-ancestor", expected, commit).status != 0:
        raise Refused(f"{commit[:12]} does not continue {expected[:12]}; history is never rewritten, build on the tip")
    options = ["--porcelain", "--no-verify", "--no-recurse-submodules", f"--force-with-lease={ref}:{expected}"]
    if git.remote.local is not None:
        options.append(f"--receive-pack={_receiver(git, git.remote.local)}")
    done = git.run("push", *options, "--end-of-options", git.remote.address, f"{commit}:{ref}")
    if done.status != 0:
        raise _failure(git, done, ref)


def _receiver(git: GitCommand, target: Path) -> str:
    """What receives a push into a local directory: it lets a work tree follow, and keeps the owner's own hooks."""
    command = ["git", "-c", "receive.denyCurrentBranch=updateInstead"]
    found = git.ask(target, "rev-parse", "--git-path", "hooks")
    hooks = target / found.out.decode("utf-8", "surrogateescape").strip()
    if found.status == 0 and not any((hooks / name).exists() for name in _OWN_HOOKS):
        ours = git.directory / "follow"
        ours.mkdir(exist_ok=True)
        hook = ours / "push-to-checkout"
        if not hook.exists():
            hook.write_text(_FOLLOW, encoding="utf-8")
            hook.chmod(0o755)
        command += ["-c", f"core.hooksPath={ours}"]
    return shlex.join([*command, "receive-pack"])


def _failure(git: GitCommand, done: Done, ref: str) -> Exception:
    said = [line for line in done.out.decode("utf-8", "replace").splitlines() if line.startswith("!")]
    reason = git.remote.mask(said[0].split("\t")[-1]) if said else ""
    branch, shown = ref.removeprefix("refs/heads/"), git.remote.shown
    if _MOVED.search(reason):
        return Conflict(f"{shown}: branch {branch} has moved meanwhile; look again")
    if said and _DIRTY.search(reason):
        return Refused(
            f"{shown}: its work tree stands on {branch} and has uncommitted changes ({way_out(done.err)}); commit or"
            " stash them, or name another branch for reports, or use a bare repository, or give --no-push"
        )
    if said:
        return Refused(f"{shown}: the remote does not take the push to {branch}: {reason} {way_out(done.err)}".strip())
    return Unavailable(f"{shown}: cannot be pushed to: {way_out(done.err)}")


def way_out(said: str) -> str:
    """The last words of git, with what to do about them where that is known."""
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.startswith(_NOISE)]
    text = "; ".join(lines[-3:])[-600:] or "git gave no reason"
    hint = next((advice for sign, advice in _ADVICE if sign in said.lower()), "")
    return f"{text} ({hint})" if hint else text


_NOISE = ("hint:", "Please make sure", "and the repository exists", "To ", "error: failed to push some refs")
_ADVICE = (
    ("host key verification failed", "add the host's key to known_hosts: ssh-keyscan, compare, append"),
    ("permission denied (publickey", "load a key that the host knows into ssh-agent"),
    ("could not read username", "name a credential helper, or put a token into the URL"),
    ("authentication failed", "check the token or the credential helper"),
    ("returned error: 30", "redirects are not followed; give the address that the redirect leads to"),
    ("dubious ownership", "run kagit as the owner of that directory"),
    ("no space left", "free some space in the state directory"),
    ("could not read from remote repository", "check the address and that you may read it"),
)
