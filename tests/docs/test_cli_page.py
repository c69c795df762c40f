"""docs/reference/cli.md and the lists of docs/algorithms.md are what their generator writes."""

import subprocess
import sys
from pathlib import Path

import pytest

from algorithms import catalog

ROOT = Path(__file__).resolve().parents[2]
PAGES = {"page": ROOT / "docs/reference/cli.md", "algorithms": ROOT / "docs/algorithms.md"}
WRITER = ROOT / "docs/reference/generate.py"


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("environment", [{}, {"COLUMNS": "40", "KAGIT_STATE": "elsewhere", "FORCE_COLOR": "1"}])
def test_the_page_is_as_generated_wherever_that_is_done(environment, page, monkeypatch) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    code = "import runpy, sys; sys.stdout.buffer.write(runpy.run_path(sys.argv[1])[sys.argv[2]]().encode())"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, str(WRITER), page],
        capture_output=True,
        check=True,
        cwd=ROOT,
        encoding="utf-8",
    )
    assert done.stdout == PAGES[page].read_text(encoding="utf-8"), "run: .venv/bin/python -P docs/reference/generate.py"


def test_the_algorithm_on_the_page_is_the_one_that_runs() -> None:
    example = (ROOT / "examples/algorithm/hill_climber.py").read_text(encoding="utf-8")
    assert f"```python\n{example}```" in PAGES["algorithms"].read_text(encoding="utf-8")
    assert len([line for line in example.splitlines() if line.strip()]) <= 32


def test_every_algorithm_and_each_of_its_settings_is_on_the_page() -> None:
    page = PAGES["algorithms"].read_text(encoding="utf-8")
    for one in map(catalog.named, catalog.names()):
        section = page.partition(f"\n### {one.name}\n")[2].partition("\n#")[0]
        assert all(f"| `{setting.name}` |" in section for setting in one.settings), one.name
        assert section.strip().split("\n")[0]
