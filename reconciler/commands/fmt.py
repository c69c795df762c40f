"""`kagit fmt`: manifests in normal form. A file is replaced as a whole or stays as it is."""

import argparse
import contextlib
import os
import stat
import sys
import tempfile
from pathlib import Path

from kagit.findings import Finding, has_errors
from repo_layout import lint, normalise, read, search

STDIN = Path("-")
_WRITABLE = 0o222


def run(args: argparse.Namespace) -> int:
    """Write what is not in normal form; 1 when a file is refused, or with --check when one would change."""
    findings: list[Finding] = []
    paths: list[Path] = args.paths
    changed = _stdin(args, findings) if STDIN in paths else 0
    files = search.files([path for path in paths if path != STDIN], findings)
    for file in files:
        data = search.content(file.path, findings)
        if data is not None:
            changed += _file(file.path, data, args, findings)
    text = lint.format(sorted(set(findings)))
    if text:
        print(text, file=sys.stderr)
    return 1 if has_errors(tuple(findings)) or (args.check and changed) else 0


def _stdin(args: argparse.Namespace, findings: list[Finding]) -> int:
    data = sys.stdin.buffer.read(read.MAX_BYTES + 1)
    new = normalise.file("stdin", data)
    findings.extend(new.findings)
    if args.diff:
        _diff("stdin", data, new.data)
    elif not args.check and not has_errors(new.findings):
        sys.stdout.buffer.write(new.data)
        sys.stdout.buffer.flush()
    return int(new.data != data)


def _file(path: Path, data: bytes, args: argparse.Namespace, findings: list[Finding]) -> int:
    shown = search.shown(path)
    new = normalise.file(shown, data)
    findings.extend(new.findings)
    if new.data == data:
        return 0
    if args.diff:
        _diff(shown, data, new.data)
    elif args.check:
        print(f"would change {shown}")
    else:
        problem = _write(path, data, new.data)
        if problem:
            findings.append(search.finding(path, problem, "unwritable"))
            return 0
        print(f"formatted {shown}")
    return 1


def _write(path: Path, old: bytes, new: bytes) -> str:
    """Put the new bytes in the place of the old ones; what is wrong comes back, and then nothing has changed."""
    temporary = ""
    try:
        status = path.lstat()
        mode = stat.S_IMODE(status.st_mode)
        if not mode & _WRITABLE or not os.access(path, os.W_OK):
            return "the file is read-only and was left as it is; correct its permissions"
        handle, temporary = tempfile.mkstemp(prefix=".kagit-fmt-", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(new)
            file.flush()
            with contextlib.suppress(PermissionError):  # who may write need not be who may give away
                os.fchown(handle, status.st_uid, status.st_gid)
            os.fchmod(handle, mode)
            os.fsync(handle)
        if path.is_symlink() or path.read_bytes() != old:
            return "somebody else changed the file meanwhile, and it was left as it is; run kagit fmt again"
        Path(temporary).replace(path)
        temporary = ""
    except OSError as error:
        return f"cannot be written and was left as it is ({error.strerror}); make room, or correct the permissions"
    finally:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
    return ""


def _diff(name: str, old: bytes, new: bytes) -> None:
    import difflib

    before, after = (data.decode(errors="replace").split("\n") for data in (old, new))
    for line in difflib.unified_diff(before, after, f"{name} (as it is)", f"{name} (in normal form)", lineterm=""):
        print("".join(char if char.isprintable() or char == "\t" else repr(char)[1:-1] for char in line))
