"""Commands in this process, which saves their imports: each call is what the console script would do."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.cli import main
from tests.cli.support import Origin


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def cli(here: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Runs one command in `here`."""
    assert Path.cwd() == here

    def run(*args: object) -> Done:
        capfd.readouterr()
        try:
            code = main([str(one) for one in args])
        except SystemExit as error:
            code = int(error.code or 0)
        said = capfd.readouterr()
        return Done(code, said.out, said.err)

    return run


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin(tmp_path)
