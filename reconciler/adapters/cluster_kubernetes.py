"""The Cluster port against a real Kubernetes API server, on plain dicts."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Literal, cast
from urllib.parse import quote, urlencode

from kagit.errors import Expired, NotFound, Refused, Unavailable
from kagit.experiment import Json
from reconciler import kinds as known
from reconciler.adapters.json_text import Value, loads
from reconciler.adapters.kubernetes_http import ApiServer, Request, status_error
from reconciler.kinds import KINDS, Kind
from reconciler.ports import Event, Listing, PatchForm

_PAGE = 500
_RESTARTS = 3
_LONGEST_WATCH = 300
_BACKLOG_SECONDS = 1.0
_CONTENT_TYPES: Mapping[PatchForm, str] = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "apply": "application/apply-patch+yaml",
}


class KubernetesCluster:
    """Objects of a real cluster; `clock` is used for time limits only."""

    def __init__(self, server: ApiServer, *, clock: Callable[[], float], kinds: Mapping[str, Kind] = KINDS) -> None:
        self._server, self._clock, self._kinds = server, clock, kinds

    @classmethod
    def connect(
        cls,
        *,
        clock: Callable[[], float],
        kubeconfig: Path | None = None,
        context: str = "",
        kinds: Mapping[str, Kind] = KINDS,
        pause: Callable[[float], object] | None = None,
    ) -> "KubernetesCluster":
        """The cluster of a kubeconfig, or the one around this pod; `pause` waits before another try."""
        server = ApiServer.connect(kubeconfig=kubeconfig, context=context, pause=pause)
        return cls(server, clock=clock, kinds=kinds)

    def close(self) -> None:
        """Close connections; watches end."""
        self._server.close()

    # ------------------------------------------------------------------------------------------------------ reading

    def batch(self) -> AbstractContextManager[None]:
        """Nothing is held back: an API server makes every write durable at once."""
        return nullcontext()

    def list(self, *, kind: str, namespace: str = "", selector: str = "", fields: str = "") -> Listing:
        """All objects of a kind by namespace and name, page by page, and the version to watch from."""
        found = known.named(kind, self._kinds)
        query = {"limit": str(_PAGE), **_given(labelSelector=selector, fieldSelector=fields)}
        for _ in range(_RESTARTS):
            try:
                return self._pages(found, _collection(found, namespace), query)
            except Expired:
                continue  # the pages' version was forgotten between two of them
        raise Unavailable(f"list {kind}: the server forgets faster than pages can be read; try again later")

    def _pages(self, kind: Kind, path: str, query: Mapping[str, str]) -> Listing:
        items: list[Json] = []
        token = ""
        while True:
            page = self._server.send(Request(method="GET", path=path, query={**query, **_given(**{"continue": token})}))
            items += (_plain(item, kind) for item in page.get("items") or ())
            token = page["metadata"].get("continue", "")
            if not token:
                return Listing(items, page["metadata"]["resourceVersion"])

    def get(self, *, kind: str, namespace: str, name: str) -> Json:
        """One object; NotFound if there is none."""
        found = known.named(kind, self._kinds)
        return _plain(self._server.send(Request(method="GET", path=_item(found, namespace, name))), found)

    def watch(
        self, *, kind: str, since: str, namespace: str = "", selector: str = "", timeout: float = 0.0
    ) -> Iterator[Event]:
        """Changes after version `since`, bookmarks included; taken up again where a stream ends early.

        With `timeout` 0 the stream is left at the version that the server had at the call, or after a second where
        no change of this kind has that version.
        """
        found = known.named(kind, self._kinds)
        path = _collection(found, namespace)
        query = {"watch": "true", "allowWatchBookmarks": "true", **_given(labelSelector=selector)}
        seen = known.version(since)
        until = 0 if timeout else self._version(path)
        if until and seen >= until:
            return
        deadline = self._clock() + (timeout or _BACKLOG_SECONDS)
        while (left := deadline - self._clock()) > 0:
            seconds = str(min(math.ceil(left), _LONGEST_WATCH))
            request = Request(
                method="GET", path=path, query={**query, "timeoutSeconds": seconds, "resourceVersion": str(seen)}
            )
            for event in self._events(request, found):
                seen = int(event.object["metadata"]["resourceVersion"])
                yield event
                if until and seen >= until:
                    return
            ended_after = left - (deadline - self._clock())
            if ended_after < 1 and left > 1:
                self._server.pause(1.0)  # a server that ends every stream at once is not asked in a tight loop

    def _events(self, request: Request, kind: Kind) -> Iterator[Event]:
        for line in self._server.lines(request):
            event = loads(line)
            if event["type"] == "ERROR":
                raise status_error(request, event["object"])
            yield Event(event["type"], _plain(event["object"], kind))

    def _version(self, path: str) -> int:
        """The cluster's newest version."""
        page = self._server.send(Request(method="GET", path=path, query={"limit": "1"}))
        return int(page["metadata"]["resourceVersion"])

    # ------------------------------------------------------------------------------------------------------ writing

    def create(self, body: Json) -> Json:
        """Store a new object; status is ignored where it is a subresource."""
        kind = known.of(body, self._kinds)
        metadata = known.metadata_of(body)
        if kind.namespaced and not metadata.get("namespace"):
            raise Refused(
                f"{kind.name} {metadata.get('name', '')!r}: metadata.namespace is missing; name the namespace"
            )
        if metadata.get("resourceVersion"):  # the server calls this an error of its own (HTTP 500)
            raise Refused(
                f"{kind.name} {metadata.get('name', '')!r}: a new object has no resourceVersion; leave it out"
            )
        request = Request(
            method="POST",
            path=_with_query(_collection(kind, metadata.get("namespace", "")), fieldManager="kagit"),
            body=body,
            repeatable=bool(metadata.get("name")),
        )
        return _plain(self._server.send(request), kind)

    def patch(
        self,
        *,
        kind: str,
        namespace: str,
        name: str,
        body: Json | Sequence[Json],
        form: PatchForm = "merge",
        subresource: Literal["", "status"] = "",
        manager: str = "kagit",
    ) -> Json:
        """Change an object; nothing is written where nothing changes."""
        found = known.named(kind, self._kinds)
        _check_lock(body)
        path = _item(found, namespace, name) + (f"/{subresource}" if subresource else "")
        options = {"fieldManager": manager, **({"force": "true"} if form == "apply" else {})}
        request = Request(
            method="PATCH",
            path=_with_query(path, **options),
            body=_named(cast("Json", body), name) if form == "apply" else body,
            content_type=_CONTENT_TYPES[form],
            repeatable=form != "json",
        )
        return _plain(self._server.send(request), found)

    def delete(self, *, kind: str, namespace: str, name: str, uid: str = "", propagation: str = "Background") -> None:
        """Delete an object and, by `propagation`, what it owns."""
        found = known.named(kind, self._kinds)
        options: Json = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        if uid:
            options["preconditions"] = {"uid": uid}
        self._server.send(Request(method="DELETE", path=_item(found, namespace, name), body=options))


def _collection(kind: Kind, namespace: str) -> str:
    place = f"/namespaces/{quote(namespace, safe='')}" if kind.place(namespace) else ""
    return f"{kind.root}{place}/{kind.plural}"


def _item(kind: Kind, namespace: str, name: str) -> str:
    if name in {"", ".", ".."}:
        raise NotFound(f"{kind.name} {name!r} not found: no object has such a name")
    return f"{_collection(kind, namespace)}/{quote(name, safe='')}"


def _with_query(path: str, **options: str) -> str:
    return f"{path}?{urlencode(options)}"


def _given(**options: str) -> dict[str, str]:
    return {key: value for key, value in options.items() if value}


def _check_lock(body: object) -> None:
    """Refuse here what the server calls an error of its own (HTTP 500)."""
    wanted = known.metadata_of(cast("Json", body)).get("resourceVersion") if isinstance(body, dict) else None
    if wanted and not str(wanted).isdecimal():
        raise Refused(f"resourceVersion {wanted!r} is not a number; give the one of the object")


def _named(body: Json, name: str) -> Json:
    metadata = {key: value for key, value in known.metadata_of(body).items() if key != "managedFields"}
    return {**body, "metadata": {"name": name, **metadata}}


def _plain(body: Value, kind: Kind) -> Json:
    """An object with its kind, which lists leave out, and without managedFields, often half of it and never read."""
    body.setdefault("apiVersion", kind.api_version)
    body.setdefault("kind", kind.name)
    body["metadata"].pop("managedFields", None)
    return cast("Json", body)
