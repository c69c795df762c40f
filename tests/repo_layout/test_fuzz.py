"""Manifests with bytes flipped, lines cut and nasty tokens put in: read and formatted without a crash.

What is formatted means the same, and formatting it again changes nothing. Grown from Katib's examples where they are at
hand (KAGIT_CORPUS, or beside the project), from the project's own everywhere. KAGIT_FUZZ says how many inputs.
"""

import os
import random
from pathlib import Path

import pytest

from reconciler.core.problem import issues
from repo_layout import normalise, read

ROOT = Path(__file__).parents[2]
CORPUS = Path(os.environ.get("KAGIT_CORPUS") or ROOT.parent / "shared" / "corpus")
FOLDERS = [ROOT / "examples", ROOT / "repo_layout" / "template" / "experiments", CORPUS]
FILES = [
    ROOT / "tests" / "cases" / "katib" / "base.yaml",
    *(one for at in FOLDERS for one in sorted(at.rglob("*.yaml"))),
]
SEEDS = [data for path in FILES if len(data := path.read_bytes()) < 20_000]
INPUTS = int(os.environ.get("KAGIT_FUZZ") or 2400)
SHARDS = 6
TOKENS = [
    *(b": ", b"- ", b"-\n", b"? ", b"# c\n", b" # c", b"\n# c\n", b"\n\n", b"\r\n", b"\r", b"\t", b"  ", b"    ", b" "),
    *(
        b"&a ",
        b"*a",
        b"<<: *a\n",
        b"!!str ",
        b"!x ",
        b"|\n",
        b"|2-\n",
        b">+\n",
        b"'",
        b'"',
        b"{",
        b"}",
        b"[",
        b"]",
        b", ",
    ),
    *(
        b"---\n",
        b"--- # c\n",
        b"...\n",
        b"%YAML 1.1\n---\n",
        b"\xef\xbb\xbf",
        b"\xe2\x80\xa8",
        b"\xc2\x85",
        b"\xff",
        b"\0",
    ),
    *(
        b"1e3",
        b"012",
        b"0o7",
        b"y",
        b"on",
        b"~",
        b"=",
        b"1:30",
        b".inf",
        b"1_0",
        b"0.1",
        b"9" * 40,
        b"../",
        b"\xed\xa0\x80",
    ),
    *(
        b"\nspec:\n",
        b"\nkind: Experiment\n",
        b"\nkind: List\nitems:\n- ",
        b"apiVersion: kubeflow.org/v1beta1\n",
        b"${",
        b"\\",
    ),
]


def mutated(seed):
    """A manifest after some accidents; the same for the same seed."""
    chance = random.Random(seed)
    data = bytearray(chance.choice(SEEDS))
    for _ in range(chance.choice([1, 1, 1, 2, 3, 8])):
        accident = chance.choice([flip, delete, duplicate, splice, truncate, insert, insert, insert])
        accident(chance, data)
    return bytes(data)


def flip(chance, data):
    if data:
        data[chance.randrange(len(data))] = chance.choice([chance.randrange(256), *b" \n:#-'\"[]{}"])


def delete(chance, data):
    start = chance.randint(0, len(data))
    del data[start : start + chance.choice([1, 2, 10, 200])]


def duplicate(chance, data):
    start = chance.randint(0, len(data))
    part = data[start : start + chance.choice([1, 5, 50, 300])]
    data[start:start] = part


def splice(chance, data):
    other = chance.choice(SEEDS)
    start = chance.randint(0, len(other))
    at = chance.randint(0, len(data))
    data[at:at] = other[start : start + chance.choice([5, 50, 500])]


def truncate(chance, data):
    del data[chance.randint(0, len(data)) :]


def insert(chance, data):
    lines = [0, *(i + 1 for i, byte in enumerate(data) if byte == 10)]
    at = chance.choice([chance.randint(0, len(data)), chance.choice(lines), max(0, chance.choice(lines) - 1)])
    data[at:at] = chance.choice(TOKENS)


def check(data):
    """Read and format; whether there was something to format."""
    found = read.file("a.yaml", data, extra=issues)
    assert found.findings or found.experiments or data
    new = normalise.file("a.yaml", data)
    if any(finding.severity == "error" for finding in new.findings):
        assert new.data == data
    assert "fmt-meaning" not in [finding.slug for finding in new.findings]
    if new.data == data:
        return False
    assert len(read.file("a.yaml", new.data).experiments) >= len(found.experiments)
    again = normalise.file("a.yaml", new.data)
    assert again.data == new.data
    return True


@pytest.mark.parametrize("shard", range(SHARDS))
def test_accidents_never_crash_reading_or_formatting(shard, record_property):
    formatted = 0
    for number in range(shard, INPUTS, SHARDS):
        seed = f"accident {number}"
        try:
            formatted += check(mutated(seed))
        except Exception as error:
            raise AssertionError(f"mutated({seed!r}) is answered with {error!r}") from error
    record_property("inputs", INPUTS // SHARDS)
    assert formatted > INPUTS // SHARDS // 10
