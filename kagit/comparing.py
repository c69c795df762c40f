"""How GJSON compares a value with what stands in a query, and its globs."""

from collections.abc import Callable

WILD = frozenset("*?")


def comparison(operator: str, literal: str) -> Callable[[object], bool]:
    """Texts compare with texts, numbers with the literal's number (0 if it is none), booleans with their names."""
    try:
        number = float(literal)
    except ValueError:
        number = 0.0

    def compare(value: object) -> bool:
        if isinstance(value, bool):
            return _of_boolean(operator, literal, value=value)
        if isinstance(value, str):
            if operator in {"%", "!%"}:
                return matches(value, literal) is (operator == "%")
            return _ordered(operator, value, literal)
        if isinstance(value, int | float):
            return _ordered(operator, value, number)
        return False

    return compare


def _ordered(operator: str, left: str | float, right: str | float) -> bool:  # noqa: PLR0911 - one line an operator
    if isinstance(left, str) != isinstance(right, str):
        return False
    match operator:
        case "=" | "==":
            return left == right
        case "!=":
            return left != right
        case "<":
            return left < right  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue] - both are texts or none is
        case "<=":
            return left <= right  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue] - see above
        case ">":
            return left > right  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue] - see above
        case ">=":
            return left >= right  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue] - see above
        case _:
            return False


def _of_boolean(operator: str, literal: str, *, value: bool) -> bool:
    name, other = ("true", "false") if value else ("false", "true")
    match operator:
        case "=" | "==":
            return literal == name
        case "!=":
            return literal != name
        case ">" | "<":
            return literal == other and (operator == ">") is value
        case ">=" | "<=":
            return (operator == ">=") is value
        case _:
            return False


def matches(text: str, pattern: str) -> bool:
    r"""Whether a glob pattern fits the whole text: `*`, `?`, and `\` before what is literal. Never exponential."""
    at = back = 0
    star = -1
    tokens = _tokens(pattern)
    position = 0
    while at < len(text):
        token = tokens[position] if position < len(tokens) else None
        if token == "*":  # noqa: S105 - a wildcard
            star, back = position, at
            position += 1
        elif token is not None and (token == "?" or token == f"={text[at]}"):  # noqa: S105 - a wildcard
            position, at = position + 1, at + 1
        elif star >= 0:
            back += 1
            position, at = star + 1, back
        else:
            return False
    return all(token == "*" for token in tokens[position:])  # noqa: S105 - a wildcard


def _tokens(pattern: str) -> list[str]:
    """`*` and `?` as they are, every other character with `=` before it."""
    tokens: list[str] = []
    escaped = False
    for char in pattern:
        if char == "\\" and not escaped:
            escaped = True
            continue
        tokens.append(f"={char}" if escaped or char not in WILD else char)
        escaped = False
    return tokens
