"""Writes a commit's files below a directory so that nothing can land outside of it; whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath

from kagit.errors import Refused, Unavailable
from kagit.filetree import check_path

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)


def write_export(directory: Path, files: Iterable[tuple[str, str, bytes]]) -> None:
    """Write (path, mode, bytes) as read-only files; a directory that is not empty is taken for done.

    Names that Git or a file system could mistake, links that leave the directory and submodules are left out.
    """
    if directory.exists() and any(directory.iterdir()):
        return
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        for old in directory.parent.glob(f"{directory.name}.partial-*"):
            shutil.rmtree(old)
        partial = Path(tempfile.mkdtemp(prefix=f"{directory.name}.partial-", dir=directory.parent))
        try:
            _fill(partial, files)
            partial.chmod(0o755)
            partial.rename(directory)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    except OSError as error:
        raise Unavailable(f"{directory}: the commit's files cannot be written: {error.strerror or error}") from error


def _fill(root: Path, files: Iterable[tuple[str, str, bytes]]) -> None:
    made: set[str] = {""}
    links: list[tuple[str, str]] = []
    for path, mode, data in files:
        if not _is_plain(path):
            continue
        if mode == "120000":
            target = data.decode("utf-8", "surrogateescape")
            if stays_inside(path, target):
                links.append((path, target))
            continue
        _make_folder(root, str(PurePosixPath(path).parent), made)
        _write(root / path, data, 0o555 if mode == "100755" else 0o444)
    for path, target in links:  # after the files, so that no file is ever written through a link
        _make_folder(root, str(PurePosixPath(path).parent), made)
        with suppress(FileExistsError):
            (root / path).symlink_to(target)


def _is_plain(path: str) -> bool:
    try:
        check_path(path)
    except Refused:
        return False
    return True


def stays_inside(path: str, target: str) -> bool:
    """Whether a link at `path` stays below the root: relative, and `..` only at its beginning and not too often.

    With `..` at the beginning only, it never climbs out of another link, so that a chain of links stays inside too.
    """
    parts = PurePosixPath(target).parts
    if not target or "\0" in target or target.startswith("/"):
        return False
    up = 0
    while up < len(parts) and parts[up] == "..":
        up += 1
    return ".." not in parts[up:] and up <= path.count("/")


def _make_folder(root: Path, folder: str, made: set[str]) -> None:
    if folder in {"", "."} or folder in made:
        return
    _make_folder(root, str(PurePosixPath(folder).parent), made)
    try:
        (root / folder).mkdir()
    except FileExistsError:
        raise Refused(f"{folder}: is in the commit both as a file and as a folder; rename one of them") from None
    made.add(folder)


def _write(path: Path, data: bytes, mode: int) -> None:
    try:
        handle = os.open(path, _NEW, mode)
    except (FileExistsError, IsADirectoryError):
        raise Refused(f"{path.name}: is in the commit twice for this file system; rename one of them") from None
    with os.fdopen(handle, "wb") as file:
        os.fchmod(handle, mode)
        file.write(data)
