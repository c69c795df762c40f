"""`kagit init`: a repository to start from."""

import argparse
from pathlib import Path

from kagit.errors import Refused, Unavailable
from repo_layout import scaffold


def run(args: argparse.Namespace) -> int:
    """Write the scaffold; files that are there already are never touched."""
    directory: Path = args.directory
    files = scaffold.files(directory.absolute().name)
    there = [path for path in files if (directory / path).exists()]
    if there:
        raise Refused(f"{directory / there[0]} is there already; give an empty directory")
    try:
        for path, data in files.items():
            (directory / path).parent.mkdir(parents=True, exist_ok=True)
            (directory / path).write_bytes(data)
            print(directory / path)
    except OSError as error:
        raise Unavailable(f"{error.filename}: {error.strerror}; choose a directory that can be written") from error
    print(f"\nnext: cd {directory} && kagit validate . && kagit run experiments/hello.yaml")
    return 0
