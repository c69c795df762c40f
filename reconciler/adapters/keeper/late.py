"""Texts that hold what an earlier pod has left, and conditions that say whether a pod runs at all.

Between two U+0001 stands what is meant: `L` and `X` with `pod/output` the text that a pod has left (`L` without its
last line end), `F` the path of that file, `D` with a name the path of a shared directory, and `S` with a pod the path
of its script.
"""

import os
import re

from reconciler.adapters.keeper.journal import Record

LARGEST = 256 << 10
"""Bytes of an output: it becomes a part of a command line."""
STDOUT, SCRIPT = ".stdout", ".script"
_MARK = re.compile("\1([LXFDS])([^\1]*)\1")
_COMPARED = re.compile(r"\s*(.*?)\s*(==|!=|<=|>=|<|>)\s*(.*?)\s*", re.DOTALL)


def path(base: str, name: str) -> str:
    """Where `pod/output` stands below the scratch directory."""
    return f"{base}/steps/{name}"


def filled(text: str, base: str) -> str:
    """The text with what the marks mean, which is not looked at again; FileNotFoundError where it is missing."""
    return _MARK.sub(lambda found: _meaning(found[1], found[2], base), text) if "\1" in text else text


def _meaning(kind: str, name: str, base: str) -> str:
    match kind:
        case "D":
            return f"{base}/shared/{name}"
        case "S":
            return path(base, f"{name}/{SCRIPT}")
        case "F":
            return path(base, name)
        case _:
            with open(path(base, name), "rb") as file:  # noqa: PTH123 - pathlib costs start-up time
                text = os.fsdecode(file.read(LARGEST))
            return text.removesuffix("\n") if kind == "L" else text


def lacks(text: str, base: str) -> bool:
    """Whether a text needs what no pod has left, because it was passed over."""
    names = [found[2] for found in _MARK.finditer(text) if found[1] in "LX"] if "\1" in text else []
    return not all(os.path.isfile(path(base, name)) for name in names)  # noqa: PTH113 - see above


def holds(test: Record, base: str) -> bool:
    """Whether a condition is met: a text is (not) among values, or a comparison holds; ValueError if it is none."""
    text = filled(test["text"], base)
    if test["values"] is None:
        return compare(text)
    return (text in [filled(value, base) for value in test["values"]]) is not test["negated"]


def compare(text: str) -> bool:
    """Argo's `when`: comparisons joined by && and ||, numbers where both sides are; ValueError if it is none."""
    return any(all(_term(term) for term in part.split("&&")) for part in text.split("||"))


def _term(text: str) -> bool:
    word = text.strip()
    if word in {"true", "false"}:
        return word == "true"
    found = _COMPARED.fullmatch(text)
    if found is None:
        raise ValueError(word)
    left, operator, right = found[1].strip("'\""), found[2], found[3].strip("'\"")
    try:
        order = (float(left) > float(right)) - (float(left) < float(right))
    except ValueError:
        order = (left > right) - (left < right)
    return {"==": order == 0, "!=": order != 0, "<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[
        operator
    ]


def keep(outputs: Record, base: str, pod: str) -> str:
    """See that a pod which has succeeded has left its outputs, or their defaults; what is wrong otherwise."""
    for name, default in outputs.items():
        place = path(base, f"{pod}/{name}")
        try:
            size = os.stat(place).st_size if os.path.isfile(place) else -1  # noqa: PTH113, PTH116 - see above
        except OSError:
            size = -1
        if size > LARGEST:
            return f"its output {name} has {size:,} bytes; leave at most {LARGEST:,}, and share files through a volume"
        if size < 0 and default is None:
            return f"it has left no output {name}; write it to the path that its manifest gives"
        if size < 0:
            with open(place, "w", encoding="utf-8") as file:  # noqa: PTH123 - see above
                file.write(default)
    return ""
