"""Bytes of a file into text that a YAML reader may see, or the place of what it may not."""

import codecs
import re
from typing import NamedTuple

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
# Apart from the pattern, because a class with characters above U+00FF takes 7 ms to compile.
_NO_CHARACTERS = ("\ufffe", "\uffff")
_MARKS = ((codecs.BOM_UTF32_LE, "UTF-32"), (codecs.BOM_UTF32_BE, "UTF-32"), (codecs.BOM_UTF16_LE, "UTF-16"))
_MARKS_2 = ((codecs.BOM_UTF16_BE, "UTF-16"),)


class Flaw(NamedTuple):
    """What is wrong with the bytes, with line and column from 1."""

    line: int
    column: int
    message: str
    slug: str


def decode(data: bytes) -> tuple[str, Flaw | None]:
    """The text without a byte order mark, and the first flaw, after which the text must not be used."""
    for mark, name in (*_MARKS, *_MARKS_2):
        if data.startswith(mark):
            return "", Flaw(1, 1, f"the file is {name}; save it as UTF-8", "encoding")
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(errors="replace")
        message = f"byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8"
        return "", Flaw(*position(before, len(before)), message, "encoding")
    control = _CONTROL.search(text)
    found = [text.find(char) for char in _NO_CHARACTERS]
    places = sorted(place for place in (control.start() if control else -1, *found) if place >= 0)
    if not places:
        return text, None
    bad = text[places[0]]
    what = "a NUL byte" if bad == "\0" else f"the control character U+{ord(bad):04X}"
    return "", Flaw(*position(text, places[0]), f"{what} cannot stand in YAML; remove it", "control-character")


def has_mark(data: bytes) -> bool:
    """Whether the bytes start with UTF-8's byte order mark."""
    return data.startswith(codecs.BOM_UTF8)


def position(text: str, index: int) -> tuple[int, int]:
    """Line and column, both from 1, of a character."""
    line = text.count("\n", 0, index) + 1
    return line, index - (text.rfind("\n", 0, index) + 1) + 1
