"""The real adapter against a scripted server on loopback: faults that a healthy cluster does not show."""

import http.server
import json
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import urllib3

from kagit.errors import AlreadyExists, Expired, Refused, Unavailable
from kagit.experiment import Json
from reconciler.adapters.cluster_kubernetes import KubernetesCluster
from reconciler.adapters.kubernetes_http import ApiServer

TRIAL: Json = {"apiVersion": "kubeflow.org/v1beta1", "kind": "Trial", "metadata": {"name": "a", "namespace": "n"}}
GONE = (410, {}, {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"})
BUSY = (429, {"Retry-After": "3"}, {"kind": "Status", "code": 429, "reason": "TooManyRequests", "message": "busy"})
BROKEN = (500, {}, {"kind": "Status", "code": 500, "message": "a webhook failed"})
AWAY = (503, {"Retry-After": "1"}, {"kind": "Status", "code": 503, "message": "starting"})
OK = (200, {}, TRIAL)


def page(*found: str, version: str = "9", token: str = "") -> tuple[int, Json, Json]:
    items = [{"metadata": {"name": name}} for name in found]
    return 200, {}, {"metadata": {"resourceVersion": version, "continue": token}, "items": items}


def event(type_: str, name: str, version: int) -> Json:
    return {"type": type_, "object": {"metadata": {"name": name, "resourceVersion": str(version)}}}


TORN = [event("ADDED", "b", 9), b'{"type":"ADDED","obj']


class Script(http.server.BaseHTTPRequestHandler):
    """Answers every request with the next line of the script, and remembers what was asked."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        self.server.asked.append((self.command, self.path, body))
        status, headers, content = self.server.script.pop(0)
        lines = content if isinstance(content, list) else [content]
        data = b"".join(json.dumps(line).encode() + b"\n" if isinstance(line, dict) else line for line in lines)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        if content is TORN:
            self.close_connection = True
        else:
            self.wfile.write(b"0\r\n\r\n")

    do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815 - the names that http.server calls

    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""


class Lab:
    """A scripted server and a client of it; `pauses` are the waits between its tries."""

    def __init__(self) -> None:
        self.server: Any = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Script)
        self.server.script, self.server.asked = [], []
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        self.pauses: list[float] = []
        base = f"http://127.0.0.1:{self.server.server_port}"
        pool = urllib3.PoolManager(retries=False)
        api = ApiServer(base=base, pool=pool, login=lambda: {"authorization": "Bearer x"}, pause=self.pauses.append)
        self.cluster = KubernetesCluster(api, clock=time.time)

    def plays(self, *script: Any) -> KubernetesCluster:
        self.server.script[:] = script
        return self.cluster

    @property
    def asked(self) -> list[tuple[str, str]]:
        return [(method, urlsplit(path).path.rpartition("/")[2]) for method, path, _ in self.server.asked]

    def queries(self) -> list[dict[str, list[str]]]:
        return [parse_qs(urlsplit(path).query) for _, path, _ in self.server.asked]


@pytest.fixture
def lab() -> Iterator[Lab]:
    opened = Lab()
    yield opened
    opened.cluster.close()
    opened.server.shutdown()
    opened.server.server_close()
    opened.thread.join()


def get(cluster: KubernetesCluster) -> Json:
    return cluster.get(kind="Trial", namespace="n", name="a")


def test_a_list_is_read_page_by_page(lab: Lab):
    listing = lab.plays(page("a", "b", token="more"), page("c")).list(kind="Trial", namespace="n")
    assert [body["metadata"]["name"] for body in listing.items] == ["a", "b", "c"]
    assert listing.items[0]["kind"] == "Trial"
    assert [query.get("continue") for query in lab.queries()] == [None, ["more"]]
    assert lab.queries()[0]["limit"] == ["500"]


def test_a_list_whose_version_is_forgotten_starts_over(lab: Lab):
    listing = lab.plays(page("a", token="more"), GONE, page("a", "b")).list(kind="Trial")
    assert [body["metadata"]["name"] for body in listing.items] == ["a", "b"]
    with pytest.raises(Unavailable):
        lab.plays(GONE, GONE, GONE).list(kind="Trial")


def test_throttling_is_waited_out_as_long_as_the_server_says(lab: Lab):
    assert get(lab.plays(BUSY, BUSY, OK)) == TRIAL
    assert lab.pauses == [3.0, 3.0]


def test_after_ten_tries_it_is_unavailable(lab: Lab):
    with pytest.raises(Unavailable, match="busy"):
        get(lab.plays(*[BUSY] * 11))
    assert len(lab.server.script) == 1


def test_a_server_error_is_tried_again_only_if_the_server_says_when(lab: Lab):
    assert get(lab.plays(AWAY, OK)) == TRIAL
    with pytest.raises(Unavailable, match="a webhook failed"):
        get(lab.plays(BROKEN, OK))


def test_a_new_object_is_sent_again_only_under_a_name_of_its_own(lab: Lab):
    assert lab.plays(AWAY, OK).create(TRIAL) == TRIAL
    nameless = {**TRIAL, "metadata": {"generateName": "a-", "namespace": "n"}}
    with pytest.raises(Unavailable):
        lab.plays(AWAY, OK).create(nameless)
    assert lab.plays(BUSY, OK).create(nameless) == TRIAL


def test_a_json_patch_that_may_have_happened_is_not_sent_again(lab: Lab):
    place = {"kind": "Trial", "namespace": "n", "name": "a"}
    assert lab.plays(AWAY, OK).patch(**place, body={"spec": {}}) == TRIAL
    with pytest.raises(Unavailable):
        lab.plays(AWAY, OK).patch(**place, body=[{"op": "add", "path": "/spec/list/-", "value": 1}], form="json")


def test_both_meanings_of_409(lab: Lab):
    taken = (409, {}, {"kind": "Status", "code": 409, "reason": "AlreadyExists", "message": "taken"})
    with pytest.raises(AlreadyExists):
        lab.plays(taken).create(TRIAL)


def test_an_answer_that_is_no_json_is_unavailable(lab: Lab):
    with pytest.raises(Unavailable, match="not JSON"):
        get(lab.plays((200, {}, [b"<html>a proxy</html>"])))
    with pytest.raises(Refused, match="a proxy"):
        get(lab.plays((403, {}, [b"<html>a proxy</html>"])))


def test_a_server_that_is_not_there_is_unavailable():
    pool = urllib3.PoolManager(retries=False)
    pauses: list[float] = []
    nowhere = KubernetesCluster(
        ApiServer(base="http://127.0.0.1:1", pool=pool, login=dict, pause=pauses.append), clock=time.time
    )
    with pytest.raises(Unavailable, match=r"is the API server at http://127\.0\.0\.1:1 running"):
        get(nowhere)
    assert len(pauses) == 2
    nowhere.close()


def test_a_watch_goes_on_from_the_last_version_it_saw(lab: Lab):
    first = (200, {}, [event("ADDED", "a", 5), event("BOOKMARK", "", 8)])
    torn = (200, {}, TORN)
    last = (200, {}, [event("DELETED", "a", 12)])
    seen = []
    for told in lab.plays(first, torn, last).watch(kind="Trial", since="4", timeout=600):
        seen.append((told.type, told.object["metadata"]["resourceVersion"]))
        if told.type == "DELETED":
            break
    assert seen == [("ADDED", "5"), ("BOOKMARK", "8"), ("ADDED", "9"), ("DELETED", "12")]
    assert [query["resourceVersion"] for query in lab.queries()] == [["4"], ["8"], ["9"]]
    assert {query["allowWatchBookmarks"][0] for query in lab.queries()} == {"true"}
    assert lab.pauses == [1.0, 1.0]


@pytest.mark.parametrize("gone", [GONE, (200, {}, [{"type": "ERROR", "object": GONE[2]}])], ids=["status", "event"])
def test_410_is_expired_however_it_is_told(lab: Lab, gone: Any):
    with pytest.raises(Expired):
        list(lab.plays(gone).watch(kind="Trial", since="4", timeout=60))


def test_another_error_in_a_stream_is_unavailable(lab: Lab):
    with pytest.raises(Unavailable):
        list(lab.plays((200, {}, [{"type": "ERROR", "object": BROKEN[2]}])).watch(kind="Trial", since="4", timeout=60))


def test_every_request_says_who_we_are_and_names_are_quoted(lab: Lab):
    lab.plays(OK).get(kind="Trial", namespace="n", name="a/../b?c")
    assert lab.server.asked[0][1] == "/apis/kubeflow.org/v1beta1/namespaces/n/trials/a%2F..%2Fb%3Fc"


def test_deletion_carries_its_conditions(lab: Lab):
    lab.plays(OK).delete(kind="Trial", namespace="n", name="a", uid="u", propagation="Foreground")
    assert lab.server.asked[0][2] == {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "propagationPolicy": "Foreground",
        "preconditions": {"uid": "u"},
    }
