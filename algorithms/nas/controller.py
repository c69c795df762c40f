"""The controller of ENAS (Pham et al., 2018) learns by policy gradients which architectures paid.

Several steps are taken on the same few trials, so a decision whose probability has moved by more than a fifth since the
first of them is left alone (Schulman et al., 2017): without that those trials would be believed too much.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from algorithms.nas.graph import Architecture, Graph
from algorithms.nas.network import Array, Layer, Network

_SPREAD = 0.1
_CLIP = 0.2
_COLDEST = 0.001
_SURE = 15.0
"""Scores beyond this are as good as certain; logarithms of their chances must stay finite."""
_NORM = 5.0
"""The longest gradient of one step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The settings of the controller. None: scores are not scaled, or not bounded."""

    hidden: int
    temperature: float | None
    tanh: float | None
    entropy_weight: float
    learning_rate: float
    skip_target: float
    skip_weight: float
    steps: int


class State(NamedTuple):
    """All that was learnt: weights, Adam's two averages of the gradient, and the count of steps."""

    weights: Array
    first: Array
    second: Array
    steps: int


class Controller:
    """The network without its weights, which are a state that goes in and comes out."""

    def __init__(self, graph: Graph, options: Options) -> None:
        """Take what is searched and how."""
        self._layers, self._count, self._options = graph.layers, len(graph.operations), options
        self._network = Network(layers=graph.layers, operations=self._count, hidden=options.hidden, bound=self._bound)
        self.decisions = graph.layers * (graph.layers + 1) // 2
        """How many numbers decide on one architecture."""

    def begin(self, chance: Random) -> State:
        """A state that knows nothing."""
        import numpy as np

        size = self._network.size
        weights = np.array([chance.uniform(-_SPREAD, _SPREAD) for _ in range(size)])
        return State(weights, np.zeros(size), np.zeros(size), 0)

    def sample(self, state: State, numbers: Sequence[float]) -> list[Architecture]:
        """Architectures as the controller writes them now; numbers from 0 to 1 decide, `decisions` for each."""
        import numpy as np

        places = np.array(numbers).reshape(-1, self.decisions)

        def operation(layer: int, chances: Array) -> Array:
            place = places[:, _first(layer), None]
            return np.minimum((np.cumsum(chances, axis=1) < place).sum(axis=1), self._count - 1)

        def skip(layer: int, chances: Array) -> Array:
            return (places[:, _first(layer) + 1 : _first(layer + 1)] < chances).astype(float)

        layers = self._network.forth(self._network.named(state.weights), len(places), operation=operation, skip=skip)
        return [
            tuple(
                (int(layer.chosen[k]), *(map(int, layer.bits[k]) if layer.bits is not None else ())) for layer in layers
            )
            for k in range(len(places))
        ]

    def learn(self, state: State, trials: Sequence[tuple[Architecture, float]]) -> State:
        """The state after a generation: architectures, each with how much better it was than usual."""
        import numpy as np

        gains = np.array([gain for _, gain in trials])[:, None]
        before: list[tuple[Array, Array]] | None = None
        for _ in range(self._options.steps):
            layers = self.chances(state, [one for one, _ in trials])
            now = [_logarithms(layer) for layer in layers]
            before = before or now
            slopes = [
                (
                    self._operation_slopes(layer, _pull(gains, new[0], old[0])),
                    self._skip_slopes(layer, _pull(gains, new[1], old[1])) if at else None,
                )
                for at, (layer, new, old) in enumerate(zip(layers, now, before, strict=True))
            ]
            state = self._stepped(state, self._network.back(self._network.named(state.weights), layers, slopes))
        return state

    def chances(self, state: State, architectures: Sequence[Architecture]) -> list[Layer]:
        """What the controller thinks of given architectures, layer by layer."""
        import numpy as np

        chosen = [np.array([one[at][0] for one in architectures]) for at in range(self._layers)]
        bits = [np.array([one[at][1:] for one in architectures], dtype=float) for at in range(self._layers)]
        weights = self._network.named(state.weights)
        return self._network.forth(
            weights, len(architectures), operation=lambda at, _: chosen[at], skip=lambda at, _: bits[at]
        )

    def _operation_slopes(self, layer: Layer, pull: Array) -> Array:
        """How the loss follows the scores of operations: what pays is drawn more often, and variety has its weight."""
        import numpy as np

        chances, rows = layer.chances, np.arange(len(layer.chosen))
        logs = np.log(chances)
        entropy = -(chances * logs).sum(axis=1, keepdims=True)
        slopes = pull * chances + self._options.entropy_weight * chances * (logs + entropy)
        slopes[rows, layer.chosen] -= pull[:, 0]
        return slopes / len(rows)

    def _skip_slopes(self, layer: Layer, pull: Array) -> Array:
        """The same for skips, which are also drawn towards their wanted share."""
        import numpy as np

        options, skips = self._options, layer.skips
        odds = np.log(skips) - np.log1p(-skips)
        wanted = min(max(options.skip_target, 1e-6), 1 - 1e-6)
        share = options.skip_weight / max(self._layers - 1, 1) * (odds - math.log(wanted / (1 - wanted)))
        slopes = 2 * pull * (skips - layer.bits) + 2 * skips * (1 - skips) * (options.entropy_weight * odds + share)
        return slopes / len(skips)

    def _stepped(self, state: State, gradient: Array) -> State:
        """One step of Adam (Kingma and Ba, 2015)."""
        import numpy as np

        length = math.sqrt(np.einsum("i,i->", gradient, gradient))
        gradient = gradient * (_NORM / length) if length > _NORM else gradient
        steps = state.steps + 1
        first = 0.9 * state.first + 0.1 * gradient
        second = 0.999 * state.second + 0.001 * gradient**2
        pace = self._options.learning_rate * math.sqrt(1 - 0.999**steps) / (1 - 0.9**steps)
        return State(state.weights - pace * first / (np.sqrt(second) + 1e-8), first, second, steps)

    def _bound(self, scores: Array) -> tuple[Array, Array]:
        """Scores with temperature and bound, and how they follow the raw ones."""
        import numpy as np

        options = self._options
        scale = 1.0 if options.temperature is None else 1 / max(options.temperature, _COLDEST)
        if options.tanh is None:
            slopes = np.full_like(scores, scale)
            scores = scores * scale
        else:
            turned = np.tanh(scores * scale)
            scores, slopes = options.tanh * turned, options.tanh * scale * (1 - turned**2)
        return np.clip(scores, -_SURE, _SURE), np.where(np.abs(scores) < _SURE, slopes, 0.0)


def _first(layer: int) -> int:
    """Which number decides on the operation of a layer; those on its skips follow."""
    return layer * (layer + 1) // 2


def _logarithms(layer: Layer) -> tuple[Array, Array]:
    """Logarithms of the chances of what was chosen: the operation, and each skip."""
    import numpy as np

    operation = np.log(layer.chances[np.arange(len(layer.chosen)), layer.chosen])[:, None]
    if layer.bits is None:
        return operation, None
    return operation, np.log(layer.bits * layer.skips + (1 - layer.bits) * (1 - layer.skips))


def _pull(gains: Array, now: Array, before: Array) -> Array:
    """How strongly each decision is drawn to what was chosen; not at all once it has moved far enough."""
    import numpy as np

    ratio = np.exp(now - before)
    enough = ((gains > 0) & (ratio > 1 + _CLIP)) | ((gains < 0) & (ratio < 1 - _CLIP))
    return np.where(enough, 0.0, gains * ratio)
