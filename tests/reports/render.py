"""Write the reports of every case below a directory: `python render.py DIRECTORY`; test_gold.py runs it."""

import sys
from pathlib import Path

import cases

from reports import site


def write(out):
    trees = {name: site.build(make()) for name, make in cases.EXPERIMENTS.items()}
    trees |= {name: site.build_index(make()) for name, make in cases.INDEXES.items()}
    for name, tree in trees.items():
        for path, data in tree.items():
            file = out / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
    digests = "".join(f"{name} {site.digest(make())}\n" for name, make in cases.EXPERIMENTS.items())
    (out / "digests.txt").write_text(digests, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
