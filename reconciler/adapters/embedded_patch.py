"""Merge patch (RFC 7386) and JSON patch (RFC 6902). Neither changes its arguments; results share what is unchanged."""

from collections.abc import Sequence
from typing import Any, cast

from kagit.errors import Refused
from kagit.experiment import Json


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
        x, y = cast("list[Any]", left), cast("list[Any]", right)
        return len(x) == len(y) and all(map(same, x, y))
    return left == right


def fresh(value: Any) -> Any:
    """A copy that shares nothing with the original."""
    if isinstance(value, dict):
        return {key: fresh(item) for key, item in cast("Json", value).items()}
    if isinstance(value, list | tuple):
        return [fresh(item) for item in cast("list[Any]", value)]
    return value


def merge(target: object, patch: Any) -> Any:
    """The target with a merge patch applied: null removes, maps are merged, anything else replaces."""
    if not isinstance(patch, dict):
        return fresh(patch)
    result: Json = dict(cast("Json", target)) if isinstance(target, dict) else {}
    for key, value in cast("Json", patch).items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def json_patch(document: Json, operations: Sequence[Json]) -> Json:
    """The document after all operations; Refused at the first that cannot be done or whose test fails."""
    root: Any = document
    for number, operation in enumerate(operations):
        try:
            root = _operate(root, operation)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise Refused(f"JSON patch operation {number} {operation!r} cannot be done: {error}") from error
    if not isinstance(root, dict):
        raise Refused("JSON patch: the result is not an object")
    return cast("Json", root)


def _operate(root: object, operation: Json) -> Any:
    op, path = operation["op"], _parts(operation["path"])
    if op == "test":
        if not same(_at(root, path), operation["value"]):
            msg = f"test failed at {operation['path']}"
            raise ValueError(msg)
        return root
    if op == "remove":
        return _remove(root, path)
    if op in {"add", "replace"}:
        return _put(root, path, fresh(operation["value"]), must_exist=op == "replace")
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
    if not part.isdigit() or (len(part) > 1 and part[0] == "0") or int(part) >= size:
        msg = f"{part!r} is not a place in a list of {size}"
        raise IndexError(msg)
    return int(part)


def _child(node: Any, part: str) -> Any:
    if isinstance(node, list):
        items = cast("list[Any]", node)
        return items[_index(part, len(items))]
    if isinstance(node, dict):
        return cast("Json", node)[part]
    msg = f"nothing below {part!r}"
    raise TypeError(msg)


def _at(node: Any, path: tuple[str, ...]) -> Any:
    for part in path:
        node = _child(node, part)
    return node


def _copied(node: Any) -> Any:
    return list(cast("list[Any]", node)) if isinstance(node, list) else dict(cast("Json", node))


def _put(node: Any, path: tuple[str, ...], value: object, *, must_exist: bool) -> Any:
    if not path:
        return value
    part, rest = path[0], path[1:]
    if rest:
        new = _put(_child(node, part), rest, value, must_exist=must_exist)
    else:
        new = value
        if must_exist:
            _child(node, part)
    result = _copied(node)
    if not isinstance(result, list):
        result[part] = new
    elif rest or must_exist:
        result[_index(part, len(cast("list[Any]", result)))] = new
    else:
        items = cast("list[Any]", result)
        items.insert(len(items) if part == "-" else _index(part, len(items) + 1), new)
    return result


def _remove(node: Any, path: tuple[str, ...]) -> Any:
    if not path:
        msg = "the whole object cannot be removed"
        raise ValueError(msg)
    part, rest = path[0], path[1:]
    below = _child(node, part)
    result = _copied(node)
    key = _index(part, len(result)) if isinstance(result, list) else part
    if rest:
        result[key] = _remove(below, rest)
    else:
        del result[key]
    return result
