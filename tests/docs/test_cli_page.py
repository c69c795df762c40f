"""docs/reference/cli.md is what its generator writes."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/reference/cli.md"
WRITER = ROOT / "docs/reference/generate.py"


@pytest.mark.parametrize("environment", [{}, {"COLUMNS": "40", "KAGIT_STATE": "elsewhere", "FORCE_COLOR": "1"}])
def test_the_page_is_as_generated_wherever_that_is_done(environment, monkeypatch) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    code = "import runpy, sys; sys.stdout.buffer.write(runpy.run_path(sys.argv[1])['page']().encode())"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, str(WRITER)], capture_output=True, check=True, cwd=ROOT, encoding="utf-8"
    )
    assert done.stdout == PAGE.read_text(encoding="utf-8"), "run: .venv/bin/python -P docs/reference/generate.py"
