"""How a rule is said in CEL: what must hold, and the words when it does not, as Kubernetes wants them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kagit.experiment import Json

_SHOWN = 60
_REQUIRED = ("-missing", "-incomplete")
NUMBER = r"^[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE]([+]?([0-2]?[0-9]{1,2}|30[0-7])|-[0-9]{1,4}))?$"
"""Text that CEL takes for a number, and kagit too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule on the schema at a path; `slug` is that of `kagit validate`, and so are the words.

    `says` has a %s for each of the CEL expressions `of`; `field` is where the error stands, from the path on.
    """

    at: str = ""
    slug: str
    rule: str
    says: str
    of: tuple[str, ...] = ()
    field: str = ""

    def of_schema(self) -> Json:
        """The entry in x-kubernetes-validations."""
        missing = self.slug.endswith(_REQUIRED)
        entry = {"rule": self.rule, **_words(self), "reason": f"FieldValue{'Required' if missing else 'Invalid'}"}
        return entry | ({"fieldPath": self.field} if self.field else {})

    def of_policy(self) -> Json:
        """The entry in the validations of a ValidatingAdmissionPolicy."""
        words = _words(self)
        return {"expression": self.rule, **words, "reason": "Invalid"}

    @property
    def pattern(self) -> re.Pattern[str]:
        """What a message of this rule looks like, whatever the values are."""
        return re.compile("(?s:.*)".join(map(re.escape, self.says.split("%s"))))


def by_place(rules: Iterable[Rule]) -> dict[str, list[Json]]:
    """The rules as the schemas at their paths carry them."""
    found: dict[str, list[Json]] = {}
    for rule in rules:
        found.setdefault(rule.at, []).append(rule.of_schema())
    return found


def _words(rule: Rule) -> Json:
    words: Json = {"message": rule.says.replace("%s", "…")}
    if rule.of:
        # Where the values cannot be had, the server falls back on the words without them. `format`, because the cost of
        # adding texts is estimated from their lengths, which nobody knows of a number.
        words["messageExpression"] = f"{quoted(rule.says)}.format([{', '.join(rule.of)}])"
    return words


def quoted(text: str) -> str:
    """Text as a literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def listed(words: Iterable[str]) -> str:
    """A list of texts as a literal."""
    return f"[{', '.join(map(quoted, words))}]"


def short(expression: str) -> str:
    """A text cut as messages cut it."""
    return f"({expression}.size() > {_SHOWN} ? {expression}.substring(0, {_SHOWN - 3}) + '...' : {expression})"


def those(between: str, conditions: Mapping[str, str]) -> tuple[str, ...]:
    """The names whose condition holds, as so many texts one after another as there are names."""
    texts: list[str] = []
    for i, (name, condition) in enumerate(conditions.items()):
        earlier = " || ".join(list(conditions.values())[:i]) or "false"
        texts.append(f"({condition} ? (({earlier}) ? {quoted(between)} : '') + {quoted(name)} : '')")
    return tuple(texts)


def value(path: str, *, of: str = "self") -> str:
    """The text at a path, empty where it ends early; not by `orValue`, of which no length is known."""
    parts = path.split(".")
    there = " && ".join(f"has({of}.{'.'.join(parts[: i + 1])})" for i in range(len(parts)))
    return f"({there} ? {of}.{path} : '')"


def twice(at: str, field: str, slug: str, says: str) -> Rule:
    """No two items of a list have the same text in a field."""
    mine = value(field, of="a")
    once = f"self.exists_one(b, {value(field, of='b')} == {mine})"
    found = f"self.filter(a, {mine} != '' && !{once})[0].{field}"
    return Rule(at=at, slug=slug, rule=f"self.all(a, {mine} == '' || {once})", says=says, of=(found,))


def filled(at: str, field: str, slug: str, says: str) -> Rule:
    """A text that is there and not empty."""
    return Rule(at=at, slug=slug, rule=f"has(self.{field}) && self.{field} != ''", says=says, field=f".{field}")
