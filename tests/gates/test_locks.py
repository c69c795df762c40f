"""The lock files pin everything by hash, fit pyproject.toml and say nothing of where they were made."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements-uv.lock", "requirements-demo.lock", "requirements-dev.lock")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def pins(lock: str) -> dict[str, set[str]]:
    """Versions by package name; a package may have one for each range of Python versions."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"(?m)^([A-Za-z0-9._-]+)==(\S+)", (ROOT / lock).read_text(encoding="utf-8")):
        found.setdefault(canonicalize_name(name), set()).add(version)
    return found


def wanted(*groups: str) -> list[Requirement]:
    """Runtime dependencies and those of the groups (or extras), without the includes."""
    texts = [*PROJECT["project"]["dependencies"]]
    named = PROJECT["dependency-groups"] | PROJECT["project"]["optional-dependencies"]
    texts += [text for group in groups for text in named[group] if isinstance(text, str)]
    return [Requirement(text) for text in texts]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_pins_and_hashes_and_nothing_else(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    pin = re.compile(r"[a-z0-9-]+==[^\s/]+( ; [^/\\]+)? \\")
    digest = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")
    assert pins(lock)
    assert [line for line in text.splitlines() if not pin.fullmatch(line) and not digest.fullmatch(line)] == []


@pytest.mark.parametrize(
    ("lock", "groups"),
    [("requirements-demo.lock", ("demo",)), ("requirements-dev.lock", ("demo", "test", "check", "cluster", "grpc"))],
)
def test_a_lock_fits_the_project(lock: str, groups: tuple[str, ...]) -> None:
    locked = pins(lock)
    for need in wanted(*groups):
        versions = locked.get(canonicalize_name(need.name), set())
        assert versions, f"{need.name} is not in {lock}: run make lock"
        fits = any if need.marker else all  # what is for some Pythons only has another version for the others
        assert fits(need.specifier.contains(version) for version in versions), (
            f"{need} is not what {lock} has: run make lock"
        )


def test_the_development_lock_repeats_the_pins_of_the_demo() -> None:
    development = pins("requirements-dev.lock")
    assert {name: development.get(name) for name in pins("requirements-demo.lock")} == pins("requirements-demo.lock")
