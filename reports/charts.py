"""Server-side SVG: integer coordinates, 1-2-5 axes, one mark per line, so that a new trial is a new line in Git."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, localcontext
from html import escape
from itertools import groupby
from typing import NamedTuple

from kagit.objective import Objective, ObjectiveType
from reports import clean, figures
from reports.series import History

WIDTH = 640
HEIGHT = 300
TOP = 36
BOTTOM = 256
RIGHT = 600
MANY = 2_000
"""Above so many trials marks are put on a grid of GRID units and neighbours are joined, to bound the file."""
GRID = 4
CHARACTER = 11
"""Room for a character of a label, on a phone."""
NAME_LIMIT = 24

_MARGIN = 44
_LABEL_LIMIT = 40
_MISSING_HEIGHT = 7
_ROUGH_TICKS = 4
_LEAST_TRIALS = 10
_EXACT = Context(prec=60, Emax=99_999, Emin=-99_999)
_STEPS = (Decimal(1), Decimal(2), Decimal(5), Decimal(10))
_PLAIN_EXPONENTS = range(-4, 6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """Limits on round numbers and the distance between ticks (1, 2 or 5 times a power of ten)."""

    low: Decimal
    high: Decimal
    step: Decimal

    def ticks(self) -> tuple[Decimal, ...]:
        """All ticks from low to high."""
        with localcontext(_EXACT):
            count = int((self.high - self.low) / self.step)
            return tuple(self.low + self.step * at for at in range(count + 1))

    def place(self, value: float) -> float:
        """Where a value lies between low (0) and high (1), cut at both."""
        low, high = float(self.low / 4), float(self.high / 4)
        at = (value / 4 - low) / (high - low) if high > low else 0.5
        return min(max(at, 0.0), 1.0)


def round_up(value: Decimal) -> Decimal:
    """The next number of the form 1, 2 or 5 times a power of ten that is not smaller than a positive `value`."""
    with localcontext(_EXACT):
        unit = Decimal(1).scaleb(value.adjusted())
        return next(step * unit for step in _STEPS if step * unit >= value)


def axis(low: float, high: float) -> Axis:
    """Round limits around two finite numbers; a single value gets room on both sides."""
    with localcontext(_EXACT):
        least, most = Decimal(repr(low)), Decimal(repr(high))
        if least == most:
            room = abs(least) / 10 or Decimal(1)
            least, most = least - room, most + room
        step = round_up((most - least) / _ROUGH_TICKS)
        return Axis(
            low=(least / step).to_integral_value(ROUND_FLOOR) * step,
            high=(most / step).to_integral_value(ROUND_CEILING) * step,
            step=step,
        )


def trial_axis(last: int, max_trials: int | None) -> Axis:
    """Trial numbers from 0 to a round number, or to the end of the budget where that is nearer."""
    end = int(round_up(Decimal(max(last, _LEAST_TRIALS))))
    if max_trials is not None and last <= max_trials < end:
        end = max(max_trials, 1)
    return Axis(low=Decimal(0), high=Decimal(end), step=max(Decimal(1), round_up(Decimal(end) / 5)))


def shown(objective: Objective, values: Sequence[float]) -> tuple[float, float]:
    """The span of values worth an axis: on the worse side it ends three quartile ranges beyond the middle half."""
    order = sorted(values)
    low, high = order[0], order[-1]
    first, third = order[len(order) // 4], order[(len(order) * 3) // 4]
    room = 3 * (third - first)
    if room in {0.0, float("inf")}:
        return low, high
    if objective.type is ObjectiveType.MINIMIZE:
        return low, max([value for value in order if value <= third + room], default=high)
    return min([value for value in order if value >= first - room], default=low), high


class Caption(NamedTuple):
    """The chart's finding in words, with the metric's name (cleaned, not escaped) apart from our own."""

    before: str
    metric: str
    after: str


def caption(objective: Objective, past: History) -> Caption:
    """The chart's finding in one or two sentences."""
    metric = clean.inline(objective.metric, _LABEL_LIMIT)
    if not past.best:
        return Caption("No value of ", metric, f" that counts after {past.last} trials.")
    place, value = past.best[-1]
    upward = axis(*shown(objective, [value for _, value in past.values]))
    low, high = float(upward.low), float(upward.high)
    outside = sum(not low <= value <= high for _, value in past.values)
    beyond = f" Beyond the axis, drawn on its edge: {outside}." if outside else ""
    return Caption("Best ", metric, f" {figures.short(value)}, reached after {place} of {past.last} trials.{beyond}")


def history(objective: Objective, past: History, max_trials: int | None, style: str = "") -> str:
    """Every trial a dot, the best so far a step line; with `style` the drawing stands alone as a file."""
    across = trial_axis(past.last, max_trials)
    body = _plot(objective, past, across) if past.values else _empty(past)
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="kagit-chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'aria-labelledby="history-title history-text">'
    )
    return "\n".join(
        [
            opening,
            '<title id="history-title">Best value so far</title>',
            f'<desc id="history-text">{escape("".join(caption(objective, past)))}</desc>',
            *([f"<style>\n{style}</style>"] if style else []),
            f'<rect class="paper" x="0" y="0" width="{WIDTH}" height="{HEIGHT}"/>',
            *body,
            "</svg>\n",
        ]
    )


def _empty(past: History) -> list[str]:
    words = "No trial has a value yet" if past.last else "No trials yet"
    return [f'<text class="empty" x="{WIDTH // 2}" y="{HEIGHT // 2}">{words}</text>']


def _plot(objective: Objective, past: History, across: Axis) -> list[str]:
    low, high = shown(objective, [value for _, value in past.values])
    upward = axis(low, high)
    labels = [label(tick) for tick in upward.ticks()]
    left = left_of(labels)

    def x_of(place: int) -> int:
        return left + round(across.place(place) * (RIGHT - left))

    def y_of(value: float) -> int:
        return BOTTOM - round(upward.place(value) * (BOTTOM - TOP))

    marks = [(x_of(place), y_of(value)) for place, value in past.values]
    steps = [(x_of(place), y_of(value)) for place, value in past.best]
    return [
        f'<text class="name" x="{left}" y="22">{escape(clean.inline(objective.metric, NAME_LIMIT))}</text>',
        *rows(upward, labels, left),
        *_columns(across, x_of),
        *_goal(objective, upward, left, y_of),
        *path("missing", [f"M{x_of(place)} {BOTTOM}v-{_MISSING_HEIGHT}" for place in past.missing]),
        *path("dots dense" if len(marks) > MANY else "dots", dots(marks)),
        *path("best", steps_of(steps, x_of(past.last))),
        *(f'<circle class="winner" cx="{x}" cy="{y}" r="6"/>' for x, y in steps[-1:]),
    ]


def dots(marks: Sequence[tuple[int, int]]) -> list[str]:
    """Path pieces for dots, one per line; above MANY trials dots above one another become one stroke."""
    if len(marks) <= MANY:
        return [f"M{x} {y}h0" for x, y in marks]
    cells = sorted({(x // GRID * GRID, y // GRID * GRID) for x, y in marks})
    pieces: list[str] = []
    # Neighbours in a column share y minus their rank times the grid.
    for _, run in groupby(enumerate(cells), key=lambda item: (item[1][0], item[1][1] - item[0] * GRID)):
        column = [cell for _, cell in run]
        pieces.append(f"M{column[0][0]} {column[0][1]}v{column[-1][1] - column[0][1]}")
    return pieces


def steps_of(corners: Sequence[tuple[int, int]], end: int) -> list[str]:
    """Path pieces of a step line through the corners up to `end`."""
    if not corners:
        return []
    (x, y), *rest = corners
    return [f"M{x} {y}", *(f"H{x}V{y}" for x, y in rest), f"H{end}"]


def sparkline(values: Sequence[float], words: str) -> str:
    """A small line without axes; `words` say what it shows."""
    if not values:
        return ""
    low, high = min(values), max(values)
    span = Axis(low=Decimal(repr(low)), high=Decimal(repr(high)), step=Decimal(1))
    last = max(len(values) - 1, 1)
    points = [(2 + at * 116 // last, 24 - round(span.place(value) * 20)) for at, value in enumerate(values)]
    line = " ".join([f"M{points[0][0]} {points[0][1]}", *(f"L{x} {y}" for x, y in points[1:])])
    return (
        f'<svg class="spark" viewBox="0 0 120 28" role="img" aria-label="{escape(words)}">'
        f'<path class="best" d="{line}"/><circle class="winner" cx="{points[-1][0]}" cy="{points[-1][1]}" r="2"/></svg>'
    )


def blocks(values: Sequence[float]) -> str:
    """A sparkline of block characters, for where no drawing is possible."""
    if not values:
        return ""
    span = Axis(low=Decimal(repr(min(values))), high=Decimal(repr(max(values))), step=Decimal(1))
    return "".join("▁▂▃▄▅▆▇█"[round(span.place(value) * 7)] for value in values)


def label(tick: Decimal) -> str:
    """A tick as text: plain where that is short, otherwise with an exponent."""
    with localcontext(_EXACT):
        tick = tick.normalize()
        if not tick:
            return "0"
        if tick.adjusted() in _PLAIN_EXPONENTS:
            return f"{tick:f}"
        digits = f"{tick.scaleb(-tick.adjusted()):f}"
        return f"{digits}e{tick.adjusted()}"


def left_of(labels: Iterable[str]) -> int:
    """Where a drawing begins so that its labels have room."""
    return max(_MARGIN, 14 + CHARACTER * max(len(text) for text in labels))


def rows(upward: Axis, labels: Iterable[str], left: int) -> list[str]:
    """The grid lines of an axis with their labels."""
    lines: list[str] = []
    for tick, text in zip(upward.ticks(), labels, strict=True):
        y = BOTTOM - round(upward.place(float(tick)) * (BOTTOM - TOP))
        lines.append(f'<line class="grid" x1="{left}" y1="{y}" x2="{RIGHT}" y2="{y}"/>')
        lines.append(f'<text class="row" x="{left - 8}" y="{y + 5}">{text}</text>')
    return lines


def _columns(across: Axis, x_of: Callable[[int], int]) -> list[str]:
    places = [int(tick) for tick in across.ticks()]
    return [f'<text class="column" x="{x_of(place)}" y="{BOTTOM + 28}">{place or "trials"}</text>' for place in places]


def _goal(objective: Objective, upward: Axis, left: int, y_of: Callable[[float], int]) -> list[str]:
    goal = objective.goal
    if goal is None or not float(upward.low) <= goal <= float(upward.high):
        return []
    y = y_of(goal)
    return [
        f'<line class="goal" x1="{left}" y1="{y}" x2="{RIGHT}" y2="{y}"/>',
        f'<text class="target" x="{RIGHT}" y="22">- - goal {figures.short(goal)}</text>',
    ]


def path(name: str, pieces: Sequence[str]) -> list[str]:
    """All marks of one kind as one path; nothing where there are none."""
    return [f'<path class="{name}" d="', *pieces, '"/>'] if pieces else []
