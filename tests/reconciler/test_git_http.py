"""GitRepo against a small HTTP server on loopback: what is sent where, and what is not."""

import base64
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from kagit.errors import Refused, Unavailable
from reconciler.adapters.repo_git import GitRepo


class Server:
    """Answers every request with one status and notes what came."""

    def __init__(self) -> None:
        self.status = 200
        self.location = ""
        self.requests: list[tuple[str, str]] = []
        noted = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                noted.requests.append((self.path, self.headers.get("Authorization", "")))
                self.send_response(noted.status)
                if noted.location:
                    self.send_header("Location", noted.location)
                if noted.status == 401:
                    self.send_header("WWW-Authenticate", 'Basic realm="x"')
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"127.0.0.1:{self.http.server_address[1]}"
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self) -> None:
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


@pytest.fixture
def servers() -> Iterator[tuple[Server, Server]]:
    pair = Server(), Server()
    yield pair
    for server in pair:
        server.close()


def test_row_11_a_redirect_to_another_host_is_not_followed(servers, tmp_path):
    server, other = servers
    server.status, server.location = 302, f"http://{other.url}/x.git/info/refs?service=git-upload-pack"
    with pytest.raises(Unavailable, match="redirects are not followed"):
        GitRepo(f"http://robot:canary@{server.url}/x.git", tmp_path / "m.git").fetch("main")
    assert server.requests
    assert other.requests == []


def test_row_13_a_password_is_sent_to_its_host_and_never_told(servers, tmp_path):
    server, _ = servers
    server.status = 401
    with pytest.raises(Unavailable) as caught:
        GitRepo(f"http://robot:canary@{server.url}/x.git", tmp_path / "m.git").fetch("main")
    token = base64.b64encode(b"robot:canary").decode()
    assert server.requests[0] == ("/x.git/info/refs?service=git-upload-pack", f"Basic {token}")
    assert "canary" not in str(caught.value)
    assert token not in str(caught.value)


def test_without_credentials_nobody_is_asked_for_any(servers, tmp_path):
    server, _ = servers
    server.status = 401
    with pytest.raises(Unavailable, match="credential helper"):
        GitRepo(f"http://{server.url}/x.git", tmp_path / "m.git").fetch("main")
    assert all(not sent for _, sent in server.requests)


def test_a_named_credential_helper_is_used(servers, tmp_path):
    server, _ = servers
    server.status = 401
    helper = "!f() { echo username=me; echo password=pw; }; f"
    with pytest.raises(Unavailable):
        GitRepo(f"http://{server.url}/x.git", tmp_path / "m.git", credential_helper=helper).fetch("main")
    assert f"Basic {base64.b64encode(b'me:pw').decode()}" in [sent for _, sent in server.requests]


@pytest.mark.parametrize("proxy", ["socks5://x/-oProxyCommand=id", "http://h;id:1", "http://-x:1", "http://h:1/$(id)"])
def test_row_8_a_proxy_that_is_more_than_an_address_is_refused(tmp_path, monkeypatch, proxy):
    monkeypatch.setenv("https_proxy", proxy)
    with pytest.raises(Refused, match="https_proxy"):
        GitRepo("https://127.0.0.1:9/x", tmp_path / "m.git").fetch("main")


def test_row_8_ssh_is_called_with_fixed_options_and_keeps_the_agent(tmp_path, monkeypatch):
    called = tmp_path / "called"
    fake = tmp_path / "bin" / "ssh"
    fake.parent.mkdir()
    fake.write_text(
        f'#!/bin/sh\necho "$@" "agent=$SSH_AUTH_SOCK" "canary=$CANARY" >> {called}\n'
        "echo 'Host key verification failed.' >&2\nexit 255\n"
    )
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")
    monkeypatch.setenv("CANARY", "told")
    with pytest.raises(Unavailable, match="known_hosts"):
        GitRepo("ssh://git@127.0.0.1:9/x.git", tmp_path / "m.git").fetch("main")
    said = called.read_text()
    assert "-o BatchMode=yes -o StrictHostKeyChecking=yes" in said
    assert "agent=/run/agent" in said
    assert "told" not in said
