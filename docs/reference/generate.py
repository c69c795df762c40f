"""Writes docs/reference/cli.md from the parser of the command line, and the lists at the end of docs/algorithms.md from
what algorithms declare: `python -P docs/reference/generate.py`.

argparse's own help looks different in every Python version; this page does not.
"""  # noqa: INP001 - a script beside the page that it writes

import argparse
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from algorithms import catalog
from algorithms.settings import Setting
from algorithms.stopping import catalog as stopping
from reconciler import arguments

PAGE = Path(__file__).with_name("cli.md")
ALGORITHMS = Path(__file__).parents[1] / "algorithms.md"
MARK = "<!-- From here on written by `python -P docs/reference/generate.py`; changes by hand are overwritten. -->\n"
HEAD = """# Command line

Written by `python -P docs/reference/generate.py`; changes by hand are overwritten.
"""

GOOD_FOR = {
    "asha": "many machines and cheap early signs of a bad trial: nobody waits for a rung to be full",
    "auto": "when you would rather not choose: it says what it picked, and why",
    "bayesianoptimization": "few, dear trials in a handful of dimensions",
    "bohb": "hyperband where the space is worth learning, too",
    "cmaes": "many trials over numbers that depend on each other",
    "darts": "architectures that a trial searches by itself, by gradients",
    "enas": "architectures, one trial each, drawn by a controller that learns",
    "grid": "small spaces of which every point is wanted",
    "hyperband": "trials whose promise shows before they are over",
    "hyperopt-tpe": "the very answers of Katib's `tpe`",
    "multivariate-tpe": "the ordinary case: some dozens of trials over mixed parameters",
    "pbt": "schedules: hyperparameters that should change while a network is trained",
    "random": "a baseline, and very many trials at once",
    "sobol": "an even cover of the space, whatever is measured",
    "tpe": "mixed parameters that hardly depend on each other",
}


def page() -> str:
    """The whole page as text."""
    top = arguments.parser()
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


def algorithms() -> str:
    """The whole page about algorithms: what was written by hand, and lists of all that there are."""
    by_hand = ALGORITHMS.read_text(encoding="utf-8").partition(MARK)[0]
    found = [catalog.named(name) for name in catalog.names()]
    rows = [f"| [{one.name}](#{one.name}) | {_cell(GOOD_FOR.get(one.name, ''))} |" for one in found]
    table = "\n".join(["| Algorithm | Good for |", "|---|---|", *rows]) + "\n"
    parts = [f"{by_hand}{MARK}", "## All algorithms\n", table]
    parts += [_algorithm(one.name, one, one.settings) for one in found]
    parts.append("## All early stopping algorithms\n")
    parts += [_algorithm(name, stopping.named(name), stopping.named(name).settings) for name in stopping.names()]
    return "\n".join(parts)


def _algorithm(name: str, one: object, settings: tuple[Setting, ...]) -> str:
    """One algorithm: what its class says of it, and its settings."""
    parts = [f"### {name}\n", f"{inspect.cleandoc(type(one).__doc__ or '')}\n"]
    rows = [
        f"| `{one.name}` | {_cell(one.range)} | {_cell('required' if one.required else one.default)} "
        f"| {_cell(one.meaning)} |"
        for one in settings
    ]
    if rows:
        parts.append("\n".join(["| Setting | Values | Default | Meaning |", "|---|---|---|---|", *rows]) + "\n")
    else:
        parts.append("It has no settings.\n")
    return "\n".join(parts)


if __name__ == "__main__":
    ALGORITHMS.write_text(algorithms(), encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")
