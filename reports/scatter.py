"""The Pareto front as a drawing: the first two objectives, a mark per trial, in the ways of charts.py."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from html import escape

from kagit.objective import Objective, ObjectiveType
from reports import aims, charts, clean
from reports.aims import Aims, Spot
from reports.charts import BOTTOM, RIGHT, TOP, WIDTH, Axis

HEIGHT = 330
_ARM = 4
"""Half of the width of the cross where a constraint is broken."""


def front(objective: Objective, found: Aims, style: str = "") -> str:
    """Every trial a dot, those on the front larger; with `style` the drawing stands alone as a file."""
    body = _plot(objective, found) if found.spots else [_empty()]
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="kagit-chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'aria-labelledby="front-title front-text">'
    )
    lines = [
        opening,
        '<title id="front-title">Pareto front</title>',
        f'<desc id="front-text">{escape(_words(objective, found))}</desc>',
        *([f"<style>\n{style}</style>"] if style else []),
        f'<rect class="paper" x="0" y="0" width="{WIDTH}" height="{HEIGHT}"/>',
        *body,
        "</svg>\n",
    ]
    return "\n".join(lines)


def _words(objective: Objective, found: Aims) -> str:
    first, second = (name for name, _ in _two(objective))
    broken = f", {len(found.beyond)} that break a constraint" if found.beyond else ""
    return f"{first} and {second}: {len(found.ahead)} trials on the front, {len(found.beaten)} others{broken}."


def _two(objective: Objective) -> list[tuple[str, ObjectiveType]]:
    """The objectives that are drawn, names cleaned."""
    both = aims.targets(objective)[:2]
    return [(clean.inline(name, charts.NAME_LIMIT), kind) for name, kind in both]


def _empty() -> str:
    return f'<text class="empty" x="{WIDTH // 2}" y="{HEIGHT // 2}">No trial has a value of both objectives yet</text>'


def axes(objective: Objective, found: Aims) -> tuple[Axis, Axis]:
    """Axes of the first two objectives that hold the front, and of the others what is worth an axis."""
    (_, along), (_, up) = aims.targets(objective)[:2]
    return _axis(replace(objective, type=along), found, 0), _axis(replace(objective, type=up), found, 1)


def _axis(objective: Objective, found: Aims, at: int) -> Axis:
    low, high = charts.shown(objective, [spot[at] for spot in found.spots])
    ahead = [spot[at] for spot in found.ahead]
    return charts.axis(min([low, *ahead]), max([high, *ahead]))


def beyond(objective: Objective, found: Aims) -> str:
    """How many trials lie beyond the axes; empty where none does."""
    if not found.spots:
        return ""
    limits = [(float(one.low), float(one.high)) for one in axes(objective, found)]
    out = sum(any(not low <= x <= high for x, (low, high) in zip(one, limits, strict=True)) for one in found.spots)
    return f" Beyond the axes, drawn on the edge: {out}." if out else ""


def _plot(objective: Objective, found: Aims) -> list[str]:
    (first, along), (second, up) = _two(objective)
    across, upward = axes(objective, found)
    labels = [charts.label(tick) for tick in upward.ticks()]
    left = charts.left_of(labels)

    def place(spot: Spot) -> tuple[int, int]:
        x, y = across.place(spot[0]), upward.place(spot[1])
        return left + round(x * (RIGHT - left)), BOTTOM - round(y * (BOTTOM - TOP))

    ahead, marks = [place(one) for one in found.ahead], [place(one) for one in found.beaten]
    edge = charts.steps_of(ahead, ahead[-1][0]) if len(objective.others) == 1 and ahead[1:] else []
    return [
        f'<text class="name" x="{left}" y="22">{escape(second)} ({up})</text>',
        f'<text class="name target" x="{RIGHT}" y="{HEIGHT - 12}">{escape(first)} ({along})</text>',
        *charts.rows(upward, labels, left),
        *_columns(across, left, lambda value: place((value, 0.0))[0]),
        *charts.path("dots dense" if len(marks) > charts.MANY else "dots", charts.dots(marks)),
        *charts.path("missing", _crosses([place(one) for one in found.beyond])),
        *charts.path("best", edge),
        *charts.path("front", charts.dots(ahead)),
    ]


def _crosses(places: Sequence[tuple[int, int]]) -> list[str]:
    """A cross per place, one per cell where there are many."""
    long = 2 * _ARM
    few = len(places) <= charts.MANY
    cells = places if few else sorted({(x // long * long, y // long * long) for x, y in places})
    return [f"M{x - _ARM} {y - _ARM}l{long} {long}m-{long} 0l{long} -{long}" for x, y in cells]


def _columns(across: Axis, left: int, x_of: Callable[[float], int]) -> list[str]:
    """Grid lines across, and as many of the labels as have room on a phone."""
    ticks = across.ticks()
    labels = [charts.label(tick) for tick in ticks]
    widest = max(len(text) for text in labels) + 2
    every = -(-len(labels) * widest * charts.CHARACTER // (RIGHT - left))
    lines: list[str] = []
    for at, (tick, text) in enumerate(zip(ticks, labels, strict=True)):
        x = x_of(float(tick))
        lines.append(f'<line class="grid" x1="{x}" y1="{TOP}" x2="{x}" y2="{BOTTOM}"/>')
        if at % every == 0:
            lines.append(f'<text class="column" x="{x}" y="{BOTTOM + 28}">{text}</text>')
    return lines
