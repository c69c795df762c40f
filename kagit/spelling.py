"""How messages show a value, and which known word somebody probably meant."""

from collections.abc import Mapping, Sequence
from itertools import islice

_MOST = 200
"""Words that are compared; the rest of a hostile file is not worth the time."""
_SHOWN = 20


def describe(value: object) -> str:
    """A short name for a value of any type, as messages show it."""
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, int | float):
        return f"the number {short(value)}"
    if isinstance(value, str):
        return f"the text {short(value)!r}"
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, list | tuple) else "nothing" if value is None else type(value).__name__


def short(value: object) -> str:
    """`value` as text, cut to 60 characters."""
    try:
        text = str(value)
    except ValueError:  # more digits than Python turns into text
        return "too long to show"
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - a line's worth


def closest(word: str, known: Mapping[str, object] | Sequence[str]) -> str:
    """The known word that `word` was probably meant to be; empty if none is near."""
    from difflib import get_close_matches

    folded = {name.lower(): name for name in islice(known, _MOST)}
    found = get_close_matches(word[:80].lower(), folded, n=1, cutoff=0.72)
    return folded[found[0]] if found else ""


def did_you_mean(word: str, known: Mapping[str, object] | Sequence[str]) -> str:
    """`did you mean X?` where a known word is near, `known are A, B` otherwise."""
    guess = closest(word, known)
    if guess:
        return f"did you mean {short(guess)}?"
    more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
    return f"known are {', '.join(short(name) for name in islice(known, _SHOWN))}{more}"
