"""What is shipped: our rooms and nothing else, with the data files inside, and nothing of the machine that built it."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = {"kagit", "algorithms", "reports", "repo_layout", "reconciler"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source distribution, built as an installer would."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-P", "-m", "hatchling", "build", "-d", str(folder), "-t", "sdist", "-t", "wheel"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder


def wheel_names(built: Path) -> list[str]:
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        return wheel.namelist()


def test_every_top_level_name_of_the_wheel_is_ours(built: Path) -> None:
    tops = {name.split("/")[0] for name in wheel_names(built)}
    assert {top for top in tops if not top.endswith(".dist-info")} == ROOMS
    assert [top for top in tops if top.endswith(".dist-info") and not top.startswith("kagit-")] == []


def test_the_wheel_holds_every_file_of_the_rooms(built: Path) -> None:
    inside = {name for name in wheel_names(built) if name.split("/")[0] in ROOMS}
    files = {path.relative_to(ROOT).as_posix() for room in ROOMS for path in (ROOT / room).rglob("*") if path.is_file()}
    assert inside == {name for name in files if "__pycache__" not in name}
    assert {Path(name).suffix for name in inside} > {".py", ".css"}


def test_the_wheel_has_the_command_and_the_licence(built: Path) -> None:
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        text = {Path(name).name: wheel.read(name).decode() for name in wheel.namelist() if ".dist-info/" in name}
    assert "kagit = reconciler.cli:main" in text["entry_points.txt"]
    assert "Apache License" in text["LICENSE"]
    assert "License-Expression: Apache-2.0" in text["METADATA"]


@pytest.mark.parametrize("place", [str(ROOT), str(Path.home())])
def test_the_source_distribution_names_no_place_of_this_machine(built: Path, place: str) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        members = [member for member in archive.getmembers() if member.isfile()]
        texts = {member.name: archive.extractfile(member) for member in members}
        found = [name for name, file in texts.items() if file is not None and f"{place}/".encode() in file.read()]
    assert len(members) > len(ROOMS)
    assert found == []
