"""The Pareto front as a drawing: the first two objectives, a mark per trial, in the ways of charts.py."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from html import escape

from kagit.objective import Objective, ObjectiveType
from kagit.trial import COUNTED, Trial
from reports import aims, charts, clean
from reports.charts import BOTTOM, RIGHT, TOP, WIDTH, Axis

HEIGHT = 330
_ARM = 4
"""Half of the width of the cross where a constraint is broken."""

Spot = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spots:
    """Where the trials lie: those on the front from the best by the first objective on, the others, those that break."""

    front: tuple[Spot, ...]
    beaten: tuple[Spot, ...]
    broken: tuple[Spot, ...]

    @property
    def all(self) -> tuple[Spot, ...]:
        """All of them."""
        return (*self.front, *self.beaten, *self.broken)


def spots(objective: Objective, trials: Sequence[Trial], kept: Sequence[Trial]) -> Spots:
    """The trials that have a value of both of the first two objectives."""
    second = next(iter(objective.others), None)
    names, found = {trial.name for trial in kept}, dict[str, Spot]()
    beaten: list[Spot] = []
    broken: list[Spot] = []
    for trial in trials:
        x, y = objective.value(trial.observation), objective.value(trial.observation, second)
        if x is None or y is None or trial.phase not in COUNTED:
            continue
        if trial.name in names:
            found[trial.name] = (x, y)
        elif aims.breaks(objective, trial):
            broken.append((x, y))
        else:
            beaten.append((x, y))
    ahead = tuple(found[trial.name] for trial in kept if trial.name in found)
    return Spots(front=ahead, beaten=tuple(sorted(beaten)), broken=tuple(sorted(broken)))


def front(objective: Objective, trials: Sequence[Trial], kept: Sequence[Trial], style: str = "") -> str:
    """Every trial a dot, those on the front larger; with `style` the drawing stands alone as a file."""
    placed = spots(objective, trials, kept)
    body = _plot(objective, placed) if placed.all else [_empty()]
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="kagit-chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'aria-labelledby="front-title front-text">',
        '<title id="front-title">Pareto front</title>',
        f'<desc id="front-text">{escape(_words(objective, placed))}</desc>',
        *([f"<style>\n{style}</style>"] if style else []),
        f'<rect class="paper" x="0" y="0" width="{WIDTH}" height="{HEIGHT}"/>',
        *body,
        "</svg>\n",
    ]
    return "\n".join(lines)


def _words(objective: Objective, placed: Spots) -> str:
    first, second = (name for name, _ in _two(objective))
    broken = f", {len(placed.broken)} that break a constraint" if placed.broken else ""
    return f"{first} and {second}: {len(placed.front)} trials on the front, {len(placed.beaten)} others{broken}."


def _two(objective: Objective) -> list[tuple[str, ObjectiveType]]:
    """The objectives that are drawn, names cleaned."""
    both = aims.targets(objective)[:2]
    return [(clean.inline(name, charts.NAME_LIMIT), kind) for name, kind in both]


def _empty() -> str:
    return f'<text class="empty" x="{WIDTH // 2}" y="{HEIGHT // 2}">No trial has a value of both objectives yet</text>'


def axes(objective: Objective, placed: Spots) -> tuple[Axis, Axis]:
    """Axes of the first two objectives that hold the front, and of the others what is worth an axis."""
    (_, along), (_, up) = aims.targets(objective)[:2]
    return _axis(replace(objective, type=along), placed, 0), _axis(replace(objective, type=up), placed, 1)


def _axis(objective: Objective, placed: Spots, at: int) -> Axis:
    low, high = charts.shown(objective, [spot[at] for spot in placed.all])
    ahead = [spot[at] for spot in placed.front]
    return charts.axis(min([low, *ahead]), max([high, *ahead]))


def beyond(objective: Objective, trials: Sequence[Trial], kept: Sequence[Trial]) -> str:
    """How many trials lie beyond the axes; empty where none does."""
    placed = spots(objective, trials, kept)
    if not placed.all:
        return ""
    limits = [(float(one.low), float(one.high)) for one in axes(objective, placed)]
    out = sum(any(not low <= x <= high for x, (low, high) in zip(one, limits, strict=True)) for one in placed.all)
    return f" Beyond the axes, drawn on the edge: {out}." if out else ""


def _plot(objective: Objective, placed: Spots) -> list[str]:
    (first, along), (second, up) = _two(objective)
    across, upward = axes(objective, placed)
    labels = [charts.label(tick) for tick in upward.ticks()]
    left = charts.left_of(labels)

    def place(spot: Spot) -> tuple[int, int]:
        x, y = across.place(spot[0]), upward.place(spot[1])
        return left + round(x * (RIGHT - left)), BOTTOM - round(y * (BOTTOM - TOP))

    ahead, marks = [place(one) for one in placed.front], [place(one) for one in placed.beaten]
    edge = charts.steps_of(ahead, ahead[-1][0]) if len(objective.others) == 1 and ahead[1:] else []
    return [
        f'<text class="name" x="{left}" y="22">{escape(second)} ({up})</text>',
        f'<text class="name target" x="{RIGHT}" y="{HEIGHT - 12}">{escape(first)} ({along})</text>',
        *charts.rows(upward, labels, left),
        *_columns(across, left, lambda value: place((value, 0.0))[0]),
        *charts.path("dots dense" if len(marks) > charts.MANY else "dots", charts.dots(marks)),
        *charts.path("missing", _crosses([place(one) for one in placed.broken])),
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
