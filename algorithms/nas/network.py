"""The controller's LSTM, forth and back: from weights to chances of decisions, from slopes of those to the weights'.

For each layer it is told what came before and says what the operation may be; told the operation, it says for each
earlier layer (by attention over what it thought of that one) whether its output is taken in.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

Array: TypeAlias = Any
"""An array of NumPy, which is imported where it is used."""
Weights: TypeAlias = Mapping[str, Array]


class Moment(NamedTuple):
    """What one step of the LSTM leaves for the way back."""

    entered: Array
    gates: Array
    before: Array
    cell: Array


class Layer(NamedTuple):
    """What is said of one layer, trials in rows: chances of operations and of skips with what was chosen.

    The last six are None in the first layer, which has none before it.
    """

    operation: Moment
    anchor: Moment
    chances: Array
    slopes: Array
    chosen: Array
    heard: Array = None
    turns: Array = None
    skips: Array = None
    skip_slopes: Array = None
    bits: Array = None


class Network:
    """The shape of the controller; weights come as one vector, gradients go as one."""

    def __init__(
        self, *, layers: int, operations: int, hidden: int, bound: Callable[[Array], tuple[Array, Array]]
    ) -> None:
        """`bound` makes scores of raw ones, and says how they follow them."""
        self._layers, self._hidden, self._bound = layers, hidden, bound
        self._shapes: Mapping[str, tuple[int, ...]] = {
            "lstm": (2 * hidden, 4 * hidden),
            "begin": (hidden,),
            "embedding": (operations, hidden),
            "choose": (hidden, operations),
            "key": (hidden, hidden),
            "query": (hidden, hidden),
            "attend": (hidden,),
        }
        self.size = sum(map(math.prod, self._shapes.values()))

    def named(self, vector: Array) -> dict[str, Array]:
        """A vector as the arrays that it is made of."""
        named: dict[str, Array] = {}
        start = 0
        for name, shape in self._shapes.items():
            named[name] = vector[start : start + math.prod(shape)].reshape(shape)
            start += math.prod(shape)
        return named

    def forth(
        self,
        weights: Weights,
        size: int,
        *,
        operation: Callable[[int, Array], Array],
        skip: Callable[[int, Array], Array],
    ) -> list[Layer]:
        """The layers of `size` architectures at once; `operation` and `skip` decide by layer and chances."""
        import numpy as np

        begin = np.broadcast_to(weights["begin"], (size, self._hidden))
        enter, state = begin, (np.zeros_like(begin), np.zeros_like(begin))
        anchors: list[Array] = []
        layers: list[Layer] = []
        for at in range(self._layers):
            first, state = _moment(weights["lstm"], enter, state)
            scores, slopes = self._bound(_times(state[0], weights["choose"]))
            chances = _softmax(scores)
            chosen = operation(at, chances)
            second, state = _moment(weights["lstm"], weights["embedding"][chosen], state)
            layer = Layer(first, second, chances, slopes, chosen)
            if at:
                heard = np.stack(anchors, axis=1)
                turns = np.tanh(_times(heard, weights["key"]) + _times(state[0], weights["query"])[:, None, :])
                scores, slopes = self._bound(np.einsum("bkh,h->bk", turns, weights["attend"]))
                skips = _chance(2 * scores)
                bits = skip(at, skips)
                layer = layer._replace(heard=heard, turns=turns, skips=skips, skip_slopes=slopes, bits=bits)
                enter = np.einsum("bk,bkh->bh", bits, heard) / (1 + bits.sum(axis=1, keepdims=True))
            else:
                enter = begin
            layers.append(layer)
            anchors.append(state[0])
        return layers

    def back(self, weights: Weights, layers: Sequence[Layer], slopes: Sequence[tuple[Array, Array]]) -> Array:
        """The gradient of the weights; `slopes` has for each layer those of the scores of operation and skips."""
        import numpy as np

        size = len(layers[0].chosen)
        vector = np.zeros(self.size)
        found = self.named(vector)
        entered: list[Array] = []
        gates: list[Array] = []
        anchors = np.zeros((size, self._layers, self._hidden))
        state = (np.zeros((size, self._hidden)), np.zeros((size, self._hidden)))
        coming = np.zeros((size, self._hidden))
        for at in reversed(range(self._layers)):
            layer = layers[at]
            hidden = state[0]
            if at:
                hidden = hidden + _skips_back(
                    weights, found, layer, anchors=anchors, coming=coming, scored=slopes[at][1]
                )
            else:
                found["begin"][...] += coming.sum(axis=0)
            gate, coming, state = _moment_back(weights["lstm"], layer.anchor, hidden + anchors[:, at], state[1])
            entered.append(layer.anchor.entered)
            gates.append(gate)
            np.add.at(found["embedding"], layer.chosen, coming)
            scored = slopes[at][0] * layer.slopes
            found["choose"][...] += np.einsum("bi,bj->ij", layer.anchor.entered[:, self._hidden :], scored)
            hidden = state[0] + _times_back(scored, weights["choose"])
            gate, coming, state = _moment_back(weights["lstm"], layer.operation, hidden, state[1])
            entered.append(layer.operation.entered)
            gates.append(gate)
        found["begin"][...] += coming.sum(axis=0)
        found["lstm"][...] = np.einsum("bi,bj->ij", np.concatenate(entered), np.concatenate(gates))
        return vector


def _skips_back(
    weights: Weights, found: Weights, layer: Layer, *, anchors: Array, coming: Array, scored: Array
) -> Array:
    """Through the decisions on skips: adds to the slopes of earlier anchors, returns those of this layer's own."""
    import numpy as np

    raw = scored * layer.skip_slopes
    found["attend"][...] += np.einsum("bk,bkh->h", raw, layer.turns)
    turned = raw[:, :, None] * weights["attend"] * (1 - layer.turns**2)
    found["key"][...] += np.einsum("bkh,bkg->hg", layer.heard, turned)
    through = turned.sum(axis=1)
    found["query"][...] += np.einsum("bi,bj->ij", _said(layer.anchor), through)
    passed = coming / (1 + layer.bits.sum(axis=1, keepdims=True))
    anchors[:, : raw.shape[1]] += _times_back(turned, weights["key"]) + layer.bits[:, :, None] * passed[:, None, :]
    return _times_back(through, weights["query"])


def _moment(lstm: Array, enter: Array, state: tuple[Array, Array]) -> tuple[Moment, tuple[Array, Array]]:
    """One step of the LSTM; gates are those of input, oblivion and output, then what may be kept."""
    import numpy as np

    entered = np.concatenate([enter, state[0]], axis=1)
    gates = _times(entered, lstm)
    width = state[0].shape[1]
    gates[:, : 3 * width] = _chance(gates[:, : 3 * width])
    gates[:, 3 * width :] = np.tanh(gates[:, 3 * width :])
    cell = gates[:, width : 2 * width] * state[1] + gates[:, :width] * gates[:, 3 * width :]
    moment = Moment(entered, gates, state[1], cell)
    return moment, (_said(moment), cell)


def _said(moment: Moment) -> Array:
    """What a step of the LSTM says."""
    import numpy as np

    width = moment.cell.shape[1]
    return moment.gates[:, 2 * width : 3 * width] * np.tanh(moment.cell)


def _moment_back(lstm: Array, moment: Moment, hidden: Array, cell: Array) -> tuple[Array, Array, tuple[Array, Array]]:
    """From slopes of what a step said and kept to those of its gates, of what entered, and of the state before."""
    import numpy as np

    width = moment.cell.shape[1]
    enter, forget, leave, keep = (moment.gates[:, k * width : (k + 1) * width] for k in range(4))
    turned = np.tanh(moment.cell)
    cell = cell + hidden * leave * (1 - turned**2)
    gates = np.concatenate(
        [
            cell * keep * enter * (1 - enter),
            cell * moment.before * forget * (1 - forget),
            hidden * turned * leave * (1 - leave),
            cell * enter * (1 - keep**2),
        ],
        axis=1,
    )
    entered = _times_back(gates, lstm)
    return gates, entered[:, :width], (entered[:, width:], cell * forget)


def _times(left: Array, right: Array) -> Array:
    """The product of vectors and a matrix; BLAS would take all cores for so little, and sum in an order of its own."""
    import numpy as np

    return np.einsum("...i,ij->...j", left, right)


def _times_back(left: Array, right: Array) -> Array:
    """The product of vectors and a transposed matrix."""
    import numpy as np

    return np.einsum("...j,ij->...i", left, right)


def _chance(scores: Array) -> Array:
    """The logistic function, without overflow."""
    import numpy as np

    return 0.5 * (1 + np.tanh(0.5 * scores))


def _softmax(scores: Array) -> Array:
    import numpy as np

    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
