"""The tables of fields as structural OpenAPI v3, for CRDs, and as JSON Schema (draft 2020-12), for editors."""

from collections.abc import Mapping
from typing import TypeAlias

from kagit.experiment import Json
from kagit.v1beta1.shape import Leaf, ListOf, MapOf, Record, Shape

DRAFT = "https://json-schema.org/draft/2020-12/schema"
Rules: TypeAlias = Mapping[str, list[Json]]
"""x-kubernetes-validations by the path of the schema that carries them, `spec.parameters[]` for items of a list."""

_TYPES = {"text": "string", "int": "integer", "number": "number", "bool": "boolean", "object": "object"}
_FREE = "x-kubernetes-preserve-unknown-fields"
_EITHER = "int-or-string"


def structural(shape: Shape, rules: Rules, *, at: str = "", limits: bool) -> Json:
    """What an API server holds objects to.

    Without `limits` only types and lengths are the schema's: what is missing, unknown or out of range is left to the
    rules, because a server that finds it by itself says so in its own words and then does not ask the rules at all.
    """
    own: Json
    match shape:
        case Leaf():
            own = _leaf(shape, rules, at=at, limits=limits)
        case ListOf():
            item = structural(shape.item, rules, at=f"{at}[]", limits=limits)
            own = {"type": "array", "items": _keyed(item, shape.key)}
            if shape.most:
                own["maxItems"] = shape.most
            if shape.key:
                own |= {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [shape.key]}
            else:
                own["x-kubernetes-list-type"] = "atomic"
        case MapOf():
            inner = structural(shape.item, rules, at=f"{at}{{}}", limits=limits)
            own = {"type": "object", "additionalProperties": inner}
        case Record():
            own = {"type": "object", "properties": _properties(shape.fields, rules, at=at, limits=limits)}
            if limits and shape.required:
                own["required"] = list(shape.required)
    return _described(shape) | own | _validations(rules, at)


def _described(shape: Shape) -> Json:
    one_of = shape.one_of if isinstance(shape, Leaf) else ()
    said = " ".join(part for part in (shape.doc, f"One of {', '.join(one_of)}." if one_of else "") if part)
    return {"description": said} if said else {}


def _leaf(leaf: Leaf, rules: Rules, *, at: str, limits: bool) -> Json:
    if leaf.format == _EITHER:
        return {"x-kubernetes-int-or-string": True}
    if leaf.kind == "any":
        return {_FREE: True}
    own: Json = {"type": _TYPES[leaf.kind]}
    if leaf.kind == "object":
        own[_FREE] = True
        if leaf.known:
            own["properties"] = _properties(leaf.known, rules, at=at, limits=limits)
    if leaf.format:
        own["format"] = leaf.format
    if leaf.nullable:
        own["nullable"] = True
    if leaf.longest:
        own["maxLength"] = leaf.longest
    return own | (_limits(leaf) if limits else {})


def _limits(leaf: Leaf) -> Json:
    own: Json = {}
    if leaf.one_of:
        own["enum"] = [str(word) for word in leaf.one_of]
    if leaf.least is not None:
        own["minLength" if leaf.kind == "text" else "minimum"] = leaf.least
    return own


def _properties(fields: Mapping[str, Shape], rules: Rules, *, at: str, limits: bool) -> Json:
    prefix = f"{at}." if at else ""
    return {key: structural(one, rules, at=f"{prefix}{key}", limits=limits) for key, one in fields.items()}


def _keyed(item: Json, key: str) -> Json:
    """A list that is merged by a key wants the key in every item."""
    required: list[str] = item.get("required", [])
    return item | {"required": [*required, key]} if key and key not in required else item


def _validations(rules: Rules, at: str) -> Json:
    return {"x-kubernetes-validations": rules[at]} if at in rules else {}


def json_schema(shape: Shape) -> Json:
    """What an editor holds a manifest to while it is typed; unknown fields are wrong there."""
    described = {"description": shape.doc} if shape.doc else {}
    match shape:
        case Leaf():
            return described | _json_leaf(shape)
        case ListOf():
            own: Json = {"type": "array", "items": json_schema(shape.item)}
            if shape.most:
                own["maxItems"] = shape.most
            return described | own
        case MapOf():
            return described | {"type": "object", "additionalProperties": json_schema(shape.item)}
        case Record():
            own = {"type": "object", "properties": {key: json_schema(one) for key, one in shape.fields.items()}}
            if shape.required:
                own["required"] = list(shape.required)
            return described | own | {"additionalProperties": False}


def _json_leaf(leaf: Leaf) -> Json:
    if leaf.format == _EITHER:
        return {"type": ["integer", "string"]}
    if leaf.kind == "any":
        return {}
    own: Json = {"type": [_TYPES[leaf.kind], "null"] if leaf.nullable else _TYPES[leaf.kind]}
    if leaf.known:
        own["properties"] = {key: json_schema(one) for key, one in leaf.known.items()}
    if leaf.format == "int32":
        own |= {"minimum": -(2**31), "maximum": 2**31 - 1}
    elif leaf.format:
        own["format"] = leaf.format
    if leaf.longest:
        own["maxLength"] = leaf.longest
    return own | _limits(leaf)
