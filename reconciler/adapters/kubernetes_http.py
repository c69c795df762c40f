"""HTTP to a Kubernetes API server: who we are, when to try again, what an answer means.

The one door to the `kubernetes` package, which reads kubeconfigs and knows every way to log in, and to urllib3, which
carries plain dicts several times faster than that package's models.
"""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast

from kagit.errors import AlreadyExists, Conflict, Expired, KagitError, NotFound, Refused, Unavailable
from kagit.experiment import Json
from reconciler.adapters.json_text import Value, dumps, loads

_TRIES, _TRIES_UNANSWERED = 10, 3
_CONNECT_SECONDS, _READ_SECONDS = 10.0, 60.0
_SILENCE_SECONDS = 90.0
"""A watch that says nothing for so long is taken for dead: bookmarks come about every minute."""
_TOO_MANY, _SERVER_ERROR, _BAD = 429, 500, 400
_KEEPALIVE = [
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *((socket.IPPROTO_TCP, getattr(socket, name), value) for name, value in
      (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)) if hasattr(socket, name)),
]  # fmt: skip


class Answer(Protocol):
    """What urllib3 answers, as far as it is used here."""

    status: int
    headers: Any
    stream: Callable[[int], Iterator[bytes]]
    close: Callable[[], None]

    @property
    def data(self) -> bytes:
        """The whole body."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One question. `repeatable`: asking again after a lost answer does no harm."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    body: object = None
    content_type: str = "application/json"
    repeatable: bool = True

    def __str__(self) -> str:
        """How messages name it."""
        return f"{self.method} {self.path}"


class ApiServer:
    """A connection to one API server; safe to use from several threads."""

    def __init__(
        self,
        *,
        base: str,
        pool: Value,
        login: Callable[[], Mapping[str, str]],
        pause: Callable[[float], object] | None = None,
    ) -> None:
        self._base, self._pool, self._login = base.rstrip("/"), pool, login
        self._closed = threading.Event()
        self.pause = pause or self._closed.wait

    @classmethod
    def connect(
        cls, *, kubeconfig: Path | None, context: str = "", pause: Callable[[float], object] | None = None
    ) -> "ApiServer":
        """The server of a kubeconfig, or the one around this pod where none is given."""
        from kubernetes import client, config

        package: Value = config
        settings = client.Configuration()
        try:
            if kubeconfig is None:
                package.load_incluster_config(client_configuration=settings)
            else:
                package.load_kube_config(
                    config_file=str(kubeconfig), context=context or None, client_configuration=settings
                )
        except (package.ConfigException, OSError, ValueError) as error:
            raise Refused(f"{kubeconfig or 'service account'}: {error}; give a kubeconfig that works") from error
        return cls(base=settings.host, pool=_pool(settings), login=lambda: _login(settings), pause=pause)

    def close(self) -> None:
        """Close connections and wake who waits to try again."""
        self._closed.set()
        self._pool.clear()

    def send(self, request: Request) -> Json:
        """The answer, after as many tries as make sense."""
        return _body(request, self._answer(request, None))

    def lines(self, request: Request) -> Iterator[bytes]:
        """The lines of a streamed answer until it ends or breaks off; errors as in `send` before the first."""
        from urllib3.exceptions import HTTPError

        answer = self._answer(request, _SILENCE_SECONDS)
        rest = b""
        try:
            with suppress(HTTPError):  # a stream that breaks off has ended; whoever watches goes on from the last line
                for chunk in answer.stream(1 << 16):
                    *complete, rest = (rest + chunk).split(b"\n")
                    yield from complete
        finally:
            answer.close()

    def _answer(self, request: Request, silence: float | None) -> Answer:
        unanswered = 0
        for attempt in range(_TRIES):
            wait = min(0.1 * 2**attempt, 5.0)
            try:
                answer = self._once(request, silence)
            except Unavailable:
                unanswered += 1
                if not request.repeatable or unanswered == _TRIES_UNANSWERED or self._closed.is_set():
                    raise
            else:
                if answer.status < _BAD:
                    return answer
                error = _error(request, answer.status, answer.data)
                if not _may_repeat(request, answer) or attempt == _TRIES - 1 or self._closed.is_set():
                    raise error
                wait = max(wait, _seconds(answer.headers.get("Retry-After", "")))
            self.pause(wait)
        raise Unavailable(f"{request}: no answer")

    def _once(self, request: Request, silence: float | None) -> Answer:
        from urllib3 import Timeout
        from urllib3.exceptions import HTTPError

        headers = {"Accept": "application/json", **self._login()}
        if request.body is not None:
            headers["Content-Type"] = request.content_type
        try:
            answer: Answer = self._pool.request(
                request.method,
                self._base + request.path,
                fields=dict(request.query) if request.method == "GET" else None,
                body=None if request.body is None else dumps(request.body).encode(),
                headers=headers,
                preload_content=silence is None,
                timeout=Timeout(connect=_CONNECT_SECONDS, read=silence or _READ_SECONDS),
                redirect=False,
            )
        except HTTPError as error:
            raise Unavailable(f"{request}: {error}; is the API server at {self._base} running?") from error
        return answer


def status_error(request: Request, status: Json) -> KagitError:
    """The error that a Status object means."""
    code, reason = int(status.get("code") or _SERVER_ERROR), status.get("reason", "")
    message = f"{request}: {status.get('message') or reason or code}"
    if code == 409 and reason == "AlreadyExists":  # noqa: PLR2004 - HTTP's own numbers, here and below
        return AlreadyExists(message)
    kinds: Mapping[int, type[KagitError]] = {404: NotFound, 409: Conflict, 410: Expired}
    if code in kinds:
        return kinds[code](message)
    if code == _TOO_MANY or (code >= _SERVER_ERROR and "request is too large" not in message):
        return Unavailable(f"{message} (HTTP {code}); try again later")
    return Refused(f"{message} (HTTP {code})")


def _error(request: Request, code: int, data: bytes) -> KagitError:
    try:
        status = loads(data)
    except ValueError:
        status = {"message": data.decode(errors="replace").strip()}
    if not isinstance(status, dict):
        status = {"message": str(status)}
    return status_error(request, {**status, "code": code})


def _may_repeat(request: Request, answer: Answer) -> bool:
    """As client-go: only where the server names a time. What was throttled was never begun."""
    if "Retry-After" not in answer.headers:
        return False
    return answer.status == _TOO_MANY or (answer.status >= _SERVER_ERROR and request.repeatable)


def _seconds(text: str) -> float:
    return min(float(text), 60.0) if text.isdecimal() else 0.0


def _body(request: Request, answer: Answer) -> Json:
    try:
        body = loads(answer.data)
    except ValueError as error:
        raise Unavailable(f"{request}: the answer is not JSON: {answer.data[:80]!r}") from error
    return cast("Json", body) if isinstance(body, dict) else {}


def _login(settings: Value) -> Mapping[str, str]:
    """The headers that say who we are; tokens are refreshed on the way."""
    return {entry["key"]: entry["value"] for entry in settings.auth_settings().values() if entry.get("value")}


def _pool(settings: Value) -> Value:
    import urllib3
    from urllib3.connection import HTTPConnection

    usual: Value = HTTPConnection.default_socket_options

    options: dict[str, Any] = {
        "maxsize": 16,
        "retries": False,
        "socket_options": [*usual, *_KEEPALIVE],
        "cert_reqs": "CERT_REQUIRED" if settings.verify_ssl else "CERT_NONE",
        "ca_certs": settings.ssl_ca_cert,
        "cert_file": settings.cert_file,
        "key_file": settings.key_file,
    }
    if getattr(settings, "tls_server_name", None):
        options |= {"server_hostname": settings.tls_server_name, "assert_hostname": settings.tls_server_name}
    if settings.proxy:
        return urllib3.ProxyManager(settings.proxy, proxy_headers=settings.proxy_headers, **options)
    return urllib3.PoolManager(**options)
