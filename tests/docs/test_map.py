"""ARCHITECTURE.md names every file of the rooms, and none that is not there."""

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("kagit", "algorithms", "reports", "repo_layout", "reconciler")
MAP = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
FOLDERS = sorted(
    {file.parent for room in ROOMS for file in (ROOT / room).rglob("*.py") if "__pycache__" not in file.parts}
)
SECTION = re.compile(r"^### `([\w/]+)/`\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
SECTIONS = dict(SECTION.findall(MAP))


def patterns(folder: str) -> set[str]:
    """Names of Python files in the section of a folder, `embedded_*.py` for a group."""
    return set(re.findall(r"`([\w*]+\.py)`", SECTIONS.get(folder, "")))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.relative_to(ROOT).as_posix())
def test_every_file_is_on_the_map_and_every_name_on_it_is_a_file(folder: Path) -> None:
    name = folder.relative_to(ROOT).as_posix()
    assert name in SECTIONS, f"ARCHITECTURE.md has no section about {name}/"
    files = {file.name for file in folder.glob("*.py")} - {"__init__.py"}
    known = patterns(name)
    missing = {file for file in files if not any(fnmatch(file, pattern) for pattern in known)}
    assert not missing, f"ARCHITECTURE.md does not say what {name}/ has these for: {sorted(missing)}"
    elsewhere = {file.name for other in FOLDERS for file in other.glob("*.py")}
    stale = {pattern for pattern in known if not any(fnmatch(file, pattern) for file in files | elsewhere)}
    assert not stale, f"ARCHITECTURE.md names files that are not there: {sorted(stale)}"


def test_no_section_is_about_a_folder_that_is_gone() -> None:
    gone = {name for name in SECTIONS if not (ROOT / name / "__init__.py").is_file()}
    assert not gone


def test_every_room_states_what_is_absent() -> None:
    for name, text in SECTIONS.items():
        assert "Absent" in text or name.endswith("/checks") or name == "reconciler/commands", name


def test_every_decision_is_listed() -> None:
    pages = {page.name for page in (ROOT / "docs/adr").glob("[0-9]*.md")}
    listed = set(re.findall(r"\((\d{4}-[\w-]+\.md)\)", (ROOT / "docs/adr/README.md").read_text(encoding="utf-8")))
    assert pages == listed
    assert all(re.match(r"# \d+\. ", (ROOT / "docs/adr" / name).read_text(encoding="utf-8")) for name in pages)
