"""The text of a template in a ConfigMap, parsed before it is filled, so that no value can break it.

Katib fills the text first: there a scalar without quotes becomes a number where the value is one. Here it remembers
that it has none. Placeholders are hidden from the parser, because their braces would end a scalar inside `[…]`.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias, cast

from kagit.experiment import Json
from kagit.findings import Finding, Severity
from kagit.spelling import describe
from kagit.template import PLACEHOLDER, Unquoted
from repo_layout.build import Builder, Position
from repo_layout.document import Document
from repo_layout.scalars import plain

Documents: TypeAlias = Callable[[bytes, str, type[Builder]], tuple[tuple[Document, ...], tuple[Finding, ...]]]

_OPEN, _CLOSE = "\ue000", "\ue001"
"""Characters for private use: YAML takes them everywhere, and nobody writes them."""
_HIDDEN = re.compile(f"{_OPEN}([0-9]+){_CLOSE}")


class Parsed(NamedTuple):
    """The object of a text (None where there is none) and what is wrong; lines and columns are those of the text."""

    body: Json | None
    document: Document
    findings: tuple[Finding, ...]


class _Remembers(Builder):
    """A builder that keeps which scalars with placeholders had no quotes."""

    def _plain(self, text: str) -> object:
        return Unquoted(text, _read) if _HIDDEN.search(text) or PLACEHOLDER.search(text) else super()._plain(text)


def _read(text: str) -> object:
    """What kubectl makes of a filled scalar; text stays exactly as it is."""
    meaning = plain(text.strip())
    return text if meaning.error or isinstance(meaning.value, str) else meaning.value


def parse(text: str, documents: Documents) -> Parsed:
    """The template of a text; `documents` reads YAML with a builder. Never raises."""
    hidden = [] if _OPEN in text else [found[0] for found in PLACEHOLDER.finditer(text)]
    numbers = iter(range(len(hidden)))
    # As long as before, so that places stay right.
    masked = PLACEHOLDER.sub(lambda f: f"{_OPEN}{next(numbers):0{len(f[0]) - 2}}{_CLOSE}", text) if hidden else text
    found, findings = documents(masked.encode(errors="surrogatepass"), "", _Remembers)
    found = tuple(one for one in found if one.value is not None or one.issues)
    document = found[0] if found else Document(None, Position(1, 1))
    value = _shown(document.value, hidden)
    wrong = [*findings]
    wrong.extend(_finding(document.find(one.at), one.message, one.slug, one.severity) for one in document.issues)
    if not isinstance(value, dict):
        if not wrong:
            what = f"the template is {describe(value)}" if found else "the template is empty"
            wrong.append(_finding((1, 1), f"{what}; write an object with apiVersion, kind and spec", "template-object"))
        return Parsed(None, document, tuple(wrong))
    if len(found) > 1:
        message = "only the first document of a template counts; remove the others"
        wrong.append(_finding(found[1].find(()), message, "template-documents", Severity.WARNING))
    return Parsed(cast("Json", value), document, tuple(wrong))


def _shown(value: object, hidden: Sequence[str]) -> object:
    """The value with its placeholders."""
    if isinstance(value, str):
        text = _HIDDEN.sub(lambda found: hidden[int(found[1])], value) if hidden and _OPEN in value else value
        return Unquoted(text, value.read) if isinstance(value, Unquoted) else text
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        return {str(_shown(key, hidden)): _shown(inner, hidden) for key, inner in fields.items()}
    if isinstance(value, list):
        return [_shown(item, hidden) for item in cast("list[object]", value)]
    return value


def _finding(place: tuple[int, int], message: str, slug: str, severity: Severity = Severity.ERROR) -> Finding:
    return Finding(path="", line=place[0], column=place[1], message=message, slug=slug, severity=severity)
