"""Writes docs/reference/cli.md from the parser of the command line: `python -P docs/reference/generate.py`.

argparse's own help looks different in every Python version; this page does not.
"""  # noqa: INP001 - a script beside the page that it writes

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reconciler import cli

PAGE = Path(__file__).with_name("cli.md")
HEAD = """# Command line

Written by `python -P docs/reference/generate.py`; changes by hand are overwritten.
"""


def page() -> str:
    """The whole page as text."""
    top = cli.parser()
    parts = [HEAD, f"{top.description}\n", _examples(top), *_table(top)]
    parts.append(
        "Exit codes: 0 done, 1 refused or failed, 2 changes pending (`plan`) or wrong usage, 130 interrupted.\n"
    )
    for name, one in _commands(top).items():
        parts += [f"## kagit {name}\n", f"{one.description}\n", f"```text\n{_usage(name, one)}\n```\n", *_table(one)]
        parts.append(_examples(one))
    return "\n".join(part for part in parts if part)


def _commands(top: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    subparsers = next(one for one in top._actions if isinstance(one, argparse._SubParsersAction))  # noqa: SLF001 - argparse has no public way to ask
    return dict(subparsers.choices)


def _arguments(one: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in one._actions:  # noqa: SLF001 - see above
        if not isinstance(action, argparse._HelpAction | argparse._SubParsersAction):  # noqa: SLF001 - see above
            yield action


def _name(action: argparse.Action) -> str:
    value = _value(action)
    if not action.option_strings:
        return value
    return f"{', '.join(action.option_strings)} {value}".strip()


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    if action.choices is not None:
        return "|".join(map(str, action.choices))
    return str(action.metavar or (action.dest.upper() if action.option_strings else action.dest))


def _usage(name: str, one: argparse.ArgumentParser) -> str:
    words = ["kagit", name]
    for action in _arguments(one):
        if not action.option_strings:
            marks: dict[Any, str] = {"?": "[{}]", "+": "{} [{}...]"}
            word = marks.get(action.nargs, "{}").replace("{}", _value(action))
            words.append(word)
        elif action.required:
            words.append(f"{action.option_strings[0]} {_value(action)}")
    optional = any(action.option_strings and not action.required for action in _arguments(one))
    return " ".join([*words, "[OPTIONS]"] if optional else words)


def _table(one: argparse.ArgumentParser) -> list[str]:
    rows = [(_name(action), (action.help or "").removesuffix(" (default: %(default)s)")) for action in _arguments(one)]
    if not rows:
        return []
    lines = [f"| `{_cell(name)}` | {_cell(text)} |" for name, text in rows]
    return ["\n".join(["| Argument | Meaning |", "|---|---|", *lines]) + "\n"]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _examples(one: argparse.ArgumentParser) -> str:
    lines = [line.strip() for line in (one.epilog or "").splitlines()[1:]]
    return "```sh\n" + "\n".join(lines) + "\n```\n" if lines else ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
