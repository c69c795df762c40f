"""Numbers as programs print them."""

LONG_TEXT = 256
"""Characters of a value, after which it is no number of anybody."""
LONG_WORDS = 4096
"""Characters of a result in words, e.g. of a genotype, after which it is taken for noise."""


def number(text: str) -> float | None:
    """What a text says that was given as a metric's value, NaN and infinities included; None if it is no number."""
    if len(text) > LONG_TEXT or "_" in text or not text.isascii():
        return None
    try:
        return float(text)
    except ValueError:
        return None
