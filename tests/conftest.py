"""What holds for every test: no network beyond loopback, and nothing of the machine's own settings."""

import ipaddress
import os
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import pytest

E2E_CLUSTER = "KAGIT_E2E_KUBECONFIG"
"""With this set the tests may reach the cluster it names, wherever that is."""

_PROXY = "http://127.0.0.1:9"
_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "A. Tester",
    "GIT_AUTHOR_EMAIL": "tester@example.org",
    "GIT_COMMITTER_NAME": "A. Tester",
    "GIT_COMMITTER_EMAIL": "tester@example.org",
    "NO_COLOR": "1",
}
# Child processes are not guarded by the patch of `socket`; a proxy on the discard port stops their HTTP.
_CHILD_NETWORK = {
    **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), _PROXY),
    **dict.fromkeys(("no_proxy", "NO_PROXY"), "localhost,127.0.0.1,::1"),
}
_COUNTED = {
    "runs": "simulated runs with crashes and faults",
    "inputs": "mutated manifests read and formatted without a crash",
}
_UNWANTED = ("KAGIT_", "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "FORCE_COLOR", "CUDA_VISIBLE_DEVICES")

# A script that starts us with & leaves these ignored, which children inherit; they are to be interrupted all the same.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)

hypothesis.settings.register_profile(
    "default",
    deadline=None,  # two busy cores are no place for time limits on one example
    derandomize=bool(os.environ.get("CI")),
    print_blob=True,
)
hypothesis.settings.register_profile("thorough", parent=hypothesis.settings.get_profile("default"), max_examples=2000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def _is_loopback(host: object) -> bool:
    name = host.decode() if isinstance(host, bytes) else str(host)
    if name in {"", "localhost", "None"}:
        return True
    try:
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback or name in {"0.0.0.0", "::"}
    except ValueError:
        return False


def _refuse_others(host: object) -> None:
    if not _is_loopback(host):
        pytest.fail(f"a test reached for {host!r}; tests use loopback only")


def _guarded(real: Callable[..., Any]) -> Callable[..., Any]:
    def connect(self: socket.socket, address: Any) -> Any:
        if self.family in {socket.AF_INET, socket.AF_INET6}:
            _refuse_others(address[0])
        return real(self, address)

    return connect


def _guard_sockets(patch: pytest.MonkeyPatch) -> None:
    for name in ("connect", "connect_ex"):
        patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
    look_up = socket.getaddrinfo

    def getaddrinfo(host: Any, *rest: Any, **named: Any) -> Any:
        _refuse_others(host)
        return look_up(host, *rest, **named)

    patch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.fixture(autouse=True, scope="session")
def _own_world() -> Iterator[None]:
    environment = dict(_ENVIRONMENT)
    with pytest.MonkeyPatch.context() as patch:
        if E2E_CLUSTER not in os.environ:
            environment |= _CHILD_NETWORK
            _guard_sockets(patch)
        for name in [name for name in os.environ if name.startswith(_UNWANTED) and name != E2E_CLUSTER]:
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)
        yield


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How often simulations and fuzzing ran: a number nobody sees is a number nobody misses."""
    # a test's properties are on the report of its teardown, too
    reports = [one for found in terminalreporter.stats.values() for one in found if getattr(one, "when", "") == "call"]
    counts = [found for report in reports for found in getattr(report, "user_properties", ())]
    for counted, what in _COUNTED.items():
        found = [value for name, value in counts if name == counted]
        if found:
            terminalreporter.write_line(f"{sum(found)} {what}")
