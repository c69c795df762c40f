"""ConfigMaps that stand beside experiments, in files that nobody named on the command line."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from repo_layout import read

MOST = 500
"""Files of a folder that are looked into."""


def config_maps(parts: Sequence[read.Declared], known: Iterable[Path]) -> read.Declared:
    """Those in the folders of experiments that want one; `known` are the files that were read already."""
    folders = {Path(one.path).parent for part in parts for one in part.experiments if one.find is not None}
    if not folders:
        return read.Declared()
    seen = {path.resolve() for path in known}
    found = [read.file(str(path), data) for folder in sorted(folders) for path, data in _files(folder, seen)]
    return read.Declared(maps=tuple(one for part in found for one in part.maps))


def _files(folder: Path, seen: set[Path]) -> Iterator[tuple[Path, bytes]]:
    with suppress(OSError):  # what cannot be read holds nothing; that the ConfigMap is missing is said then
        for path in sorted(path for path in folder.iterdir() if path.name.endswith(read.SUFFIXES))[:MOST]:
            if not path.is_symlink() and path.is_file() and path.resolve() not in seen:
                with path.open("rb") as file:
                    data = file.read(read.MAX_BYTES + 1)
                if b"ConfigMap" in data:
                    yield path, data
