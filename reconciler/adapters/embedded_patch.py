"""Merge patch (RFC 7386) and JSON patch (RFC 6902). Neither changes its arguments; results share what is unchanged.

Where the API server is laxer than RFC 6902, so are we: an absent key reads as null, `replace` adds it, and negative
places count from the end of a list.
"""

from collections.abc import Sequence
from typing import Any, cast

from kagit.errors import Refused
from kagit.experiment import Json
from reconciler.adapters.json_text import Value


def same(left: object, right: object) -> bool:
    """Whether two JSON values are equal, true and 1 being different."""
    if left is right:
        return True
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        a, b = cast("Json", left), cast("Json", right)
        return a.keys() == b.keys() and all(same(value, b[key]) for key, value in a.items())
    if isinstance(left, list):
        return _same_lists(cast("Sequence[Any]", left), cast("Sequence[Any]", right))
    return left == right


def _same_lists(left: Sequence[Any], right: Sequence[Any]) -> bool:
    return len(left) == len(right) and all(map(same, left, right))


def fresh(value: Value) -> Value:
    """A copy that shares nothing with the original."""
    if isinstance(value, dict):
        return {key: fresh(item) for key, item in cast("Json", value).items()}
    if isinstance(value, list | tuple):
        return [fresh(item) for item in cast("Sequence[Any]", value)]
    return value


def merge(target: object, patch: Value) -> Value:
    """The target with a merge patch applied: null removes, maps are merged, anything else replaces.

    What is taken from the patch is not copied: the result is written out as text and changed no more.
    """
    if not isinstance(patch, dict):
        return patch
    result: Json = dict(cast("Json", target)) if isinstance(target, dict) else {}
    for key, value in cast("Json", patch).items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def json_patch(document: Json, operations: Sequence[Json]) -> Json:
    """The document after all operations; Refused at the first that cannot be done or whose test fails."""
    root: Value = document
    for number, operation in enumerate(operations):
        try:
            root = _operate(root, operation)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise Refused(f"JSON patch operation {number} {operation!r} cannot be done: {error}") from error
    if not isinstance(root, dict):
        raise Refused("JSON patch: the result is not an object")
    return cast("Json", root)


def _operate(root: object, operation: Json) -> Value:
    op, path = operation["op"], _parts(operation["path"])
    if op == "test":
        if not same(_at(root, path), operation.get("value")):
            msg = f"test failed at {operation['path']}"
            raise ValueError(msg)
        return root
    if op == "remove":
        return _remove(root, path)
    if op in {"add", "replace"}:
        return _put(root, path, fresh(operation.get("value")), must_exist=op == "replace")
    source = _parts(operation["from"])
    value = _at(root, source)
    if op == "move":
        return _put(_remove(root, source), path, value, must_exist=False)
    if op == "copy":
        return _put(root, path, fresh(value), must_exist=False)
    msg = f"op is {op!r}; give add, remove, replace, move, copy or test"
    raise ValueError(msg)


def _parts(pointer: str) -> tuple[str, ...]:
    if pointer == "":
        return ()
    if not pointer.startswith("/"):
        msg = f"path {pointer!r} does not begin with /"
        raise ValueError(msg)
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/"))


def _index(part: str, size: int) -> int:
    place = int(part)
    if not -size <= place < size:
        msg = f"{part!r} is not a place in a list of {size}"
        raise IndexError(msg)
    return place % size


def _child(node: Value, part: str) -> Value:
    if isinstance(node, dict):
        return cast("Json", node).get(part)
    items = _list(node, part)
    return items[_index(part, len(items))]


def _at(node: Value, path: tuple[str, ...]) -> Value:
    for part in path:
        node = _child(node, part)
    return node


def _list(node: Value, part: str) -> Sequence[Any]:
    if not isinstance(node, list):
        msg = f"there is nothing that could hold {part!r}"
        raise TypeError(msg)
    return cast("Sequence[Any]", node)


def _put(node: Value, path: tuple[str, ...], value: object, *, must_exist: bool) -> Value:
    if not path:
        return value
    part, rest = path[0], path[1:]
    new = _put(_child(node, part), rest, value, must_exist=must_exist) if rest else value
    if isinstance(node, dict):
        return {**cast("Json", node), part: new}
    items = list(_list(node, part))
    if rest or must_exist:
        items[_index(part, len(items))] = new
    else:
        items.insert(len(items) if part == "-" else _index(part, len(items) + 1), new)
    return items


def _remove(node: Value, path: tuple[str, ...]) -> Value:
    if not path:
        msg = "the whole object cannot be removed"
        raise ValueError(msg)
    part, rest = path[0], path[1:]
    if isinstance(node, dict):
        result = dict(cast("Json", node))
        below = result.pop(part)
        return {**result, part: _remove(below, rest)} if rest else result
    items = list(_list(node, part))
    place = _index(part, len(items))
    items[place : place + 1] = [_remove(items[place], rest)] if rest else []
    return items
