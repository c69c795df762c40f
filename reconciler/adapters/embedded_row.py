"""One stored object and one change of it, as the file holds them."""

from dataclasses import dataclass
from typing import NamedTuple

from kagit.experiment import Json
from reconciler.adapters.json_text import dumps, loads


@dataclass(frozen=True, slots=True)
class Row:
    """One stored object; `main` is its JSON without status and resourceVersion."""

    id: int
    kind: str
    namespace: str
    name: str
    uid: str
    version: int
    main: str
    status: str | None
    managers: str | None

    def object(self) -> Json:
        """The object as the API shows it."""
        return whole(self.main, self.status, self.version)


class Change(NamedTuple):
    """One change of one object; `before` is set when its labels changed."""

    version: int
    type: str
    main: str
    status: str | None
    before: str | None


def whole(main: str, status: str | None, version: int) -> Json:
    """An object put together from its stored parts."""
    body: Json = loads(main)
    body["metadata"]["resourceVersion"] = str(version)
    if status is not None:
        body["status"] = loads(status)
    return body


def split(body: Json) -> tuple[str, str | None]:
    """An object's stored parts."""
    metadata = {key: value for key, value in body["metadata"].items() if key != "resourceVersion"}
    main = {**body, "metadata": metadata}
    status = main.pop("status", None)
    return dumps(main), None if status is None else dumps(status)
