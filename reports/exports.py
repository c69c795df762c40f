"""Files for machines and spreadsheets: trials.csv and best.yaml."""

import re
from collections.abc import Iterable, Sequence

from kagit.objective import number
from kagit.space import ParameterType
from kagit.trial import Trial
from reports import clean, figures, series
from reports.contract import ReportData
from reports.tables import Remark

RESERVED = ("", "trial", "status", "started", "finished")

_FORMULA = re.compile("[\\s\ufeff]*[=+\\-@|%\t\r\x00\uff1d\uff0b\uff0d\uff20\uff5c\uff05]|[\t\r\n]")
"""What spreadsheets may take for a formula, full-width signs included (spec reports.md section 6c)."""

_QUOTED = re.compile(r'[",\n\r]|^\s|\s$')
_UNSAFE = re.compile(
    r'["\\]|[^ -~\u00a1-\u00ac\u00ae-\u034e\u0370-\u061b\u061d-\u115e\u1161-\u17b3\u17b6-\u180a\u1810-\u1fff'
    r"\u2010-\u2027\u2030-\u205e\u2070-\u2fff\u3001-\u3163\u3165-\ud7ff\U00010000-\U0001fffd]"
)
_LONG_KEY = 1_000
"""YAML readers refuse simple keys of more than 1,024 characters."""
_SAME_TO_ALL = 18
"""Whole numbers of more digits may have more than 64 bits, and some readers round those."""


def trials_csv(data: ReportData, remarks: Sequence[Remark] = ()) -> str:
    """A row per trial (RFC 4180 quoting, lines end in LF): numbers bare, formula-like text behind an apostrophe.

    What else is to be said of trials stands in the last columns.
    """
    metrics = tuple(dict.fromkeys(data.experiment.objective.metrics))
    parameters = tuple(parameter.name for parameter in series.searched(data))
    also = tuple(one.name for one in remarks)
    named = columns(parameters, metrics, (*RESERVED, *also))
    lines = [",".join(_text(name) for name in ("trial", "status", *named, "started", "finished", *also))]
    for trial in series.ordered(data.trials):
        cells = [_text(trial.name), _text(str(trial.phase))]
        cells += [_parameter(trial.point.get(name, "")) for name in parameters]
        cells += [_metric(data, trial, name) for name in metrics]
        cells += [_text(trial.started), _text(trial.finished)]
        cells += [_text(one.say(trial)) for one in remarks]
        lines.append(",".join(cells))
    return "\n".join(lines) + "\n"


def columns(parameters: Iterable[str], metrics: Iterable[str], reserved: Sequence[str] = RESERVED) -> tuple[str, ...]:
    """Column names of parameters, then metrics: a name that is not unique becomes `parameter.NAME` or `metric.NAME`.

    Names are compared without regard to case, as DuckDB and spreadsheets do; should even the long name be taken,
    underscores are added until it is free.
    """
    wanted = [("parameter", clean.text(name)) for name in parameters] + [
        ("metric", clean.text(name)) for name in metrics
    ]
    lower = [name.lower() for _, name in wanted]
    unique = [lower.count(name) == 1 and name not in reserved for name in lower]
    taken = {*reserved, *(name for name, alone in zip(lower, unique, strict=True) if alone)}
    names: list[str] = []
    for (kind, name), alone in zip(wanted, unique, strict=True):
        column = name if alone else f"{kind}.{name}"
        while not alone and column.lower() in taken:
            column += "_"
        taken.add(column.lower())
        names.append(column)
    return tuple(names)


def guarded(text: str) -> str:
    """Cleaned text that no spreadsheet takes for a formula: an apostrophe goes before a suspicious first character."""
    text = clean.text(text)
    return f"'{text}" if _FORMULA.match(text) else text


def _parameter(text: str) -> str:
    return text if figures.FLOAT_NUMBER.fullmatch(text) else _text(text)


def _metric(data: ReportData, trial: Trial, name: str) -> str:
    """The number that counts for a metric, or the words that stand in its place."""
    objective = data.experiment.objective
    words = objective.words(trial.observation, name)
    return _text(words) if words else figures.exact(objective.value(trial.observation, name))


def _text(text: str) -> str:
    text = guarded(text)
    return '"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text


def best_yaml(data: ReportData, winner: Trial) -> str:
    """The best trial as YAML that 1.1 and 1.2 readers read alike: all text in double quotes, plain numbers bare."""
    one = data.experiment
    value, words = figures.exact(one.objective.value(winner.observation)), one.objective.words(winner.observation)
    lines = [
        "# The best trial so far. Written by kagit: changes by hand will be overwritten.",
        f"experiment: {quoted(one.name)}",
        f"namespace: {quoted(one.namespace)}",
        f"run: {data.run}",
        f"trial: {quoted(winner.name)}",
        "objective:",
        f"  type: {quoted(str(one.objective.type))}",
        f"  metric: {quoted(one.objective.metric)}",
        f"  value: {yaml_float(value) if value else quoted(words) if words else 'null'}",
    ]
    values = [
        (parameter.name, parameter.type, winner.point[parameter.name])
        for parameter in series.searched(data)
        if parameter.name in winner.point
    ]
    if not values:
        return "\n".join([*lines, "parameters: {}", "parameterAssignments: []"]) + "\n"
    lines.append("parameters:")
    for name, kind, text in values:
        key = quoted(name)
        lines.append(
            f"  {key}: {scalar(kind, text)}" if len(key) < _LONG_KEY else f"  ? {key}\n  : {scalar(kind, text)}"
        )
    lines.append("parameterAssignments:")
    for name, _, text in values:
        lines += [f"  - name: {quoted(name)}", f"    value: {quoted(text)}"]
    return "\n".join(lines) + "\n"


def scalar(kind: ParameterType, text: str) -> str:
    """A parameter's value for YAML: bare where type and text say number, quoted otherwise.

    Quoted are numbers beyond what every reader holds, too: 1e400, and whole ones of more than 64 bits.
    """
    if number(text) is None or (text.lstrip("-").isdigit() and len(text) > _SAME_TO_ALL):
        return quoted(text)
    if kind is ParameterType.DOUBLE and figures.FLOAT_NUMBER.fullmatch(text):
        return yaml_float(text)
    if kind is not ParameterType.CATEGORICAL and figures.PLAIN_NUMBER.fullmatch(text):
        return text
    return quoted(text)


def yaml_float(text: str) -> str:
    """The same number in the only exponent form that YAML 1.1 takes for a number: with a dot and a sign."""
    mantissa, mark, exponent = text.lower().partition("e")
    if not mark:
        return text
    mantissa = mantissa if "." in mantissa else f"{mantissa}.0"
    return f"{mantissa}e{exponent}" if exponent[0] in "+-" else f"{mantissa}e+{exponent}"


def quoted(text: str) -> str:
    """A double-quoted YAML scalar; what is invisible or unsafe is escaped, a lone surrogate becomes U+FFFD."""
    return '"' + _UNSAFE.sub(_escape, text) + '"'


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    code = ord(char)
    if char in '"\\':
        return f"\\{char}"
    if 0xD800 <= code <= 0xDFFF:  # noqa: PLR2004 - the surrogates
        return "\\ufffd"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004
