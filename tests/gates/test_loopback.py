"""The guard in tests/conftest.py: no test gets beyond loopback, and none sees the machine's own settings."""

import os
import socket
import subprocess

import pytest

pytestmark = pytest.mark.skipif("KAGIT_E2E_KUBECONFIG" in os.environ, reason="the guard is off for a cluster of yours")


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "example.org"])
def test_a_connection_to_elsewhere_fails_the_test(host: str) -> None:
    with pytest.raises(pytest.fail.Exception, match="loopback only"):
        socket.create_connection((host, 80), timeout=0.1)


def test_an_address_needs_no_lookup_to_be_refused() -> None:
    with socket.socket() as plain, pytest.raises(pytest.fail.Exception, match="loopback only"):
        plain.connect(("192.0.2.1", 80))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_is_open(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert socket.getaddrinfo(host, server.getsockname()[1])
        assert client.getpeername() == server.getsockname()


def test_git_sees_no_settings_of_this_machine() -> None:
    command = ["git", "config", "--system", "--list"]
    assert subprocess.run(command, capture_output=True, text=True, check=False).stdout == ""
    command[2] = "--global"
    assert subprocess.run(command, capture_output=True, text=True, check=False).stdout == ""
