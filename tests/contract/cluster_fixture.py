"""The fixture of the Cluster contract; a plugin for pytest, so that several test files share it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.cluster_world import WORLDS, World, install_kinds, open_world


@pytest.fixture(scope="session")
def _our_kinds() -> Iterator[None]:
    remove = install_kinds()
    yield
    remove()


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest, tmp_path: Path, _our_kinds: None) -> Iterator[World]:
    """The embedded engine always; the cluster of KAGIT_E2E_KUBECONFIG where that is set."""
    yield from open_world(request.param, tmp_path)
