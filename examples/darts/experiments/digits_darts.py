"""Find cells that read handwritten digits by gradients (DARTS: Liu et al., 2019, first order), print the genotype.

Every edge of a cell does all operations at once, weighed by a softmax. The weights of the network are trained on one
half of the images, those of the operations on the other; in the end every node keeps its two strongest edges, and each
edge its strongest operation. The data ship with scikit-learn; the network is JAX on one core.
"""

import argparse
import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

Tree: TypeAlias = Any
"""Arrays in lists and mappings, or what JSON holds."""
LAYOUT = ("NHWC", "HWIO", "NHWC")
SEED = 0
KEPT = 2
"""Edges that each node keeps."""


def parsed(text: str) -> Tree:
    """JSON that Katib has written with single quotes."""
    return json.loads(text.replace("'", '"'))


def convolved(images: Array, kernel: Array, *, stride: int = 1, groups: int = 1, dilation: int = 1) -> Array:
    return lax.conv_general_dilated(
        images,
        kernel,
        (stride, stride),
        "SAME",
        rhs_dilation=(dilation, dilation),
        dimension_numbers=LAYOUT,
        feature_group_count=groups,
    )


def pooled(images: Array, size: int, stride: int, *, largest: bool) -> Array:
    window, strides = (1, size, size, 1), (1, stride, stride, 1)
    if largest:
        return lax.reduce_window(images, -jnp.inf, lax.max, window, strides, "SAME")
    return lax.reduce_window(images, 0.0, lax.add, window, strides, "SAME") / size**2


def normal(images: Array) -> Array:
    """Each channel with mean 0 and deviation 1 in the batch."""
    mean = images.mean(axis=(0, 1, 2))
    return (images - mean) * lax.rsqrt(images.var(axis=(0, 1, 2)) + 1e-5)


class Chance:
    """First weights, one after another."""

    def __init__(self) -> None:
        self.source = np.random.default_rng(SEED)

    def kernel(self, *shape: int) -> Array:
        return jnp.array(self.source.normal(0, (2 / np.prod(shape[:-1])) ** 0.5, shape), jnp.float32)


def shape_of(operation: str) -> tuple[str, int]:
    """Name and size, e.g. of `separable_convolution_3x3`."""
    found = re.fullmatch(r"(\w+)_(\d+)x\2", operation)
    return (found[1], int(found[2])) if found else (operation, 1)


def kernels(operation: str, channels: int, chance: Chance) -> list[Array]:
    kind, size = shape_of(operation)
    if "convolution" not in kind:
        return []
    return [chance.kernel(size, size, 1, channels), chance.kernel(1, 1, channels, channels)]


def applied(operation: str, weights: list[Array], images: Array, stride: int) -> Array:
    kind, size = shape_of(operation)
    if kind == "skip_connection":
        return images[:, ::stride, ::stride]
    if kind in {"max_pooling", "avg_pooling"}:
        return normal(pooled(images, size, stride, largest=kind == "max_pooling"))
    if kind not in {"separable_convolution", "dilated_convolution"}:
        raise SystemExit(f"digits_darts.py knows no {kind}")
    dilation = 2 if kind == "dilated_convolution" else 1
    depthwise = convolved(jax.nn.relu(images), weights[0], stride=stride, groups=images.shape[-1], dilation=dilation)
    return normal(convolved(depthwise, weights[1]))


class Network:
    """Cells in a row; those at a third and at two thirds halve the images."""

    def __init__(self, operations: list[str], layers: int, settings: dict[str, Any]) -> None:
        self.operations, self.layers = operations, layers
        self.nodes, self.channels = int(settings["num_nodes"]), int(settings["init_channels"])
        self.stem = self.channels * int(settings["stem_multiplier"])
        self.edges = sum(node + 2 for node in range(self.nodes))
        self.halving = {layers // 3, 2 * layers // 3} if layers > 2 else set()  # noqa: PLR2004 - one of each at least

    def weights(self, chance: Chance) -> dict[str, Any]:
        cells = []
        before, last = self.stem, self.stem
        for _ in range(self.layers):
            edges = [[kernels(one, self.channels, chance) for one in self.operations] for _ in range(self.edges)]
            entries = [chance.kernel(1, 1, width, self.channels) for width in (before, last)]
            cells.append({"entries": entries, "edges": edges})
            before, last = last, self.nodes * self.channels
        return {"stem": chance.kernel(3, 3, 1, self.stem), "cells": cells, "digits": chance.kernel(last, 10)}

    def strengths(self) -> dict[str, Array]:
        """One number for each operation on each edge, all equal at first."""
        return {kind: jnp.zeros((self.edges, len(self.operations))) for kind in ("normal", "reduce")}

    def answers(self, weights: dict[str, Any], strengths: dict[str, Array], images: Array) -> Array:
        """Scores of the ten digits."""
        before = last = normal(convolved(images, weights["stem"]))
        for at, cell in enumerate(weights["cells"]):
            shares = jax.nn.softmax(strengths["reduce" if at in self.halving else "normal"])
            before, last = last, self._cell(cell, shares, (before, last), 2 if at in self.halving else 1)
        return last.mean(axis=(1, 2)) @ weights["digits"]

    def _cell(self, weights: dict[str, Any], shares: Array, entered: tuple[Array, Array], stride: int) -> Array:
        step = entered[0].shape[1] // entered[1].shape[1]  # the cell before may have halved the images
        steps = (step, 1)
        states = [
            normal(convolved(jax.nn.relu(one), kernel, stride=by))
            for one, kernel, by in zip(entered, weights["entries"], steps, strict=True)
        ]
        edge = 0
        for _ in range(self.nodes):
            total = 0.0
            for at, state in enumerate(list(states)):
                by = stride if at < 2 else 1  # noqa: PLR2004 - what entered the cell
                for k, operation in enumerate(self.operations):
                    total += shares[edge, k] * applied(operation, weights["edges"][edge][k], state, by)
                edge += 1
            states.append(total)
        return jnp.concatenate(states[2:], axis=-1)

    def genotype(self, strengths: dict[str, Array]) -> str:
        """The cells that are left, as Katib prints them."""
        concat = range(2, 2 + self.nodes)
        parts = [f"{kind}={self._kept(np.array(jax.nn.softmax(one)))}, {kind}_concat={concat}"
                 for kind, one in strengths.items()]  # fmt: skip
        return f"Genotype({', '.join(parts)})"

    def _kept(self, shares: np.ndarray) -> list[list[tuple[str, int]]]:
        nodes, edge = [], 0
        for node in range(self.nodes):
            mine = shares[edge : edge + node + 2]
            edge += node + 2
            best = sorted(range(len(mine)), key=lambda at: -mine[at].max())[:KEPT]
            nodes.append([(self.operations[int(mine[at].argmax())], at) for at in sorted(best)])
        return nodes


def batches(count: int, size: int, chance: np.random.Generator) -> Iterator[np.ndarray]:
    """Indexes of whole batches, each image once, for ever."""
    while True:
        order = chance.permutation(count)
        yield from (order[at : at + size] for at in range(0, count - size + 1, size))


def steps(
    network: Network, settings: dict[str, Any]
) -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
    """One step of the weights, one of the strengths, and the accuracy."""
    number = {name: float(value) for name, value in settings.items() if value is not None}

    def loss(weights: Tree, strengths: Tree, images: Array, digits: Array) -> Array:
        logs = jax.nn.log_softmax(network.answers(weights, strengths, images))
        return -jnp.take_along_axis(logs, digits[:, None], axis=1).mean()

    @jax.jit
    def learn(state: tuple[Tree, Tree], strengths: Tree, rate: float, batch: Tree) -> tuple[Tree, Tree]:
        weights, pace = state
        slopes = jax.grad(loss)(weights, strengths, *batch)
        length = jnp.sqrt(sum((one**2).sum() for one in jax.tree.leaves(slopes)))
        bound = jnp.minimum(1.0, number["w_grad_clip"] / (length + 1e-12))
        pace = jax.tree.map(
            lambda old, new, one: number["w_momentum"] * old + bound * new + number["w_weight_decay"] * one,
            pace, slopes, weights,
        )  # fmt: skip
        return jax.tree.map(lambda one, by: one - rate * by, weights, pace), pace

    @jax.jit
    def prefer(weights: Tree, strengths: Tree, moments: Tree, batch: Tree) -> tuple[Tree, Tree]:
        """Adam, with the averages that the paper takes for the architecture."""
        slopes = jax.grad(loss, argnums=1)(weights, strengths, *batch)
        slopes = jax.tree.map(lambda new, one: new + number["alpha_weight_decay"] * one, slopes, strengths)
        first, second, count = moments
        first = jax.tree.map(lambda old, new: 0.5 * old + 0.5 * new, first, slopes)
        second = jax.tree.map(lambda old, new: 0.999 * old + 0.001 * new**2, second, slopes)
        count += 1
        pace = number["alpha_lr"] * jnp.sqrt(1 - 0.999**count) / (1 - 0.5**count)
        moved = jax.tree.map(lambda one, m, v: one - pace * m / (jnp.sqrt(v) + 1e-8), strengths, first, second)
        return moved, (first, second, count)

    @jax.jit
    def score(weights: Tree, strengths: Tree, images: Array, digits: Array) -> Array:
        return (network.answers(weights, strengths, images).argmax(axis=1) == digits).mean()

    return learn, prefer, score


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--algorithm-settings", type=parsed, required=True)
    parser.add_argument("--search-space", type=parsed, required=True)
    parser.add_argument("--num-layers", type=int, required=True)
    options = parser.parse_args()
    settings = options.algorithm_settings
    epochs = int(settings["num_epochs"])
    pixels, digits = load_digits(return_X_y=True)
    images = pixels.reshape(-1, 8, 8, 1).astype("float32") / 16
    train_x, valid_x, train_y, valid_y = train_test_split(
        images, digits, test_size=0.5, stratify=digits, random_state=SEED
    )
    size = min(int(settings["batch_size"] or 128), len(train_x))
    network, chance = Network(options.search_space, options.num_layers, settings), Chance()
    weights, strengths = network.weights(chance), network.strengths()
    zeros = partial(jax.tree.map, jnp.zeros_like)
    pace, moments = zeros(weights), (zeros(strengths), zeros(strengths), 0)
    learn, prefer, score = steps(network, settings)
    mine, theirs = (batches(len(one), size, chance.source) for one in (train_x, valid_x))
    high, low = float(settings["w_lr"]), float(settings["w_lr_min"])
    for epoch in range(epochs):
        rate = low + (high - low) * (1 + np.cos(np.pi * epoch / epochs)) / 2
        for batch in islice(mine, len(train_x) // size):
            other = next(theirs)
            strengths, moments = prefer(weights, strengths, moments, (valid_x[other], valid_y[other]))
            weights, pace = learn((weights, pace), strengths, rate, (train_x[batch], train_y[batch]))
        accuracy = float(score(weights, strengths, valid_x, valid_y))
        print(f"epoch={epoch} Validation-Accuracy={accuracy:.4f}", flush=True)
    print(f"Best-Genotype={network.genotype(strengths)}", flush=True)


if __name__ == "__main__":
    main()
