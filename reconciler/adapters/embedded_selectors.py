"""Label and field selectors in Kubernetes' syntax, parsed once into a test."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from kagit.errors import Refused

Labels: TypeAlias = Mapping[str, str]
Test: TypeAlias = Callable[[Labels], bool]

NAME_PART = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_LABEL = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
QUALIFIED = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*/)?{NAME_PART}")
VALUE = re.compile(rf"(?:{NAME_PART})?")
_REQUIREMENT = re.compile(
    r"\s*(?:(?P<absent>!)\s*(?P<no>[^\s,=!<>()]+)"
    r"|(?P<key>[^\s,=!<>()]+)(?:\s+(?P<set>in|notin)\s*\((?P<values>[^()]*)\)|\s*(?P<op>==|=|!=|<|>)\s*(?P<value>[^\s,=!<>()]*))?"
    r")\s*(?:,|$)"
)


def label_test(selector: str) -> Test:
    """A function that says whether labels match; Refused where the selector cannot be read."""
    tests: list[Test] = []
    at = 0
    while at < len(selector):
        match = _REQUIREMENT.match(selector, at)
        if match is None or (match.end() == len(selector) and selector.endswith(",")):
            raise Refused(f"label selector {selector!r}: cannot be read at {selector[at:]!r}; see `kubectl get --help`")
        tests.append(_requirement(match, selector))
        at = match.end()
    if len(tests) == 1:
        return tests[0]
    return lambda labels: all(test(labels) for test in tests)


def _requirement(match: re.Match[str], selector: str) -> Test:
    key = match["no"] or match["key"]
    values = [value.strip() for value in match["values"].split(",")] if match["set"] else [match["value"] or ""]
    if not QUALIFIED.fullmatch(key):
        raise Refused(f"label selector {selector!r}: {key!r} is not a label key")
    if match["op"] in {"<", ">"}:
        return _compare(key, match["op"], values[0])
    for value in values:
        if len(value) > 63 or not VALUE.fullmatch(value):  # noqa: PLR2004 - the limit of Kubernetes
            raise Refused(f"label selector {selector!r}: {value!r} is not a label value")
    if match["absent"]:
        return lambda labels: key not in labels
    if match["set"] is None and match["op"] is None:
        return lambda labels: key in labels
    if match["set"] == "notin" or match["op"] == "!=":
        return lambda labels: labels.get(key) not in values
    return lambda labels: labels.get(key) in values


def _compare(key: str, sign: str, value: str) -> Test:
    try:
        bound = int(value)
    except ValueError:
        raise Refused(f"label selector: {key}{sign}{value}: only whole numbers can be compared") from None

    def test(labels: Labels) -> bool:
        try:
            number = int(labels.get(key, ""))
        except ValueError:
            return False
        return number > bound if sign == ">" else number < bound

    return test


def field_test(selector: str) -> Callable[[str, str], bool]:
    """A function of (namespace, name); Refused for other fields than metadata.name and metadata.namespace."""
    tests: list[tuple[int, bool, str]] = []
    for part in selector.split(",") if selector else ():
        field, sign, value = _field(part)
        place = {"metadata.namespace": 0, "metadata.name": 1}.get(field)
        if place is None:
            raise Refused(f"field selector {part!r}: give metadata.name or metadata.namespace")
        tests.append((place, sign != "!=", value))

    def test(namespace: str, name: str) -> bool:
        return all(((namespace, name)[place] == value) is wanted for place, wanted, value in tests)

    return test


def _field(part: str) -> Sequence[str]:
    for sign in ("!=", "==", "="):
        field, found, value = part.partition(sign)
        if found:
            return field.strip(), sign, value.strip()
    raise Refused(f"field selector {part!r}: write it as metadata.name=NAME")
