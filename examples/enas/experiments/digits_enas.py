"""Build the network that ENAS describes, train it on handwritten digits, print its accuracy after each epoch.

Every layer hears the one before it and those that its bits name, takes their mean, and does its operation. The data
ship with scikit-learn; the network is JAX on one core.
"""

import argparse
import json
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

CHANNELS, BATCH, RATE, SEED = 12, 32, 0.03, 0
QUARTERS = 4
Tree: TypeAlias = Any
"""Arrays in lists and mappings, or what JSON holds."""
LAYOUT = ("NHWC", "HWIO", "NHWC")


def parsed(text: str) -> Tree:
    """JSON that Katib has written with single quotes."""
    return json.loads(text.replace("'", '"'))


def convolved(images: Array, kernel: Array, *, groups: int = 1) -> Array:
    return lax.conv_general_dilated(
        images, kernel, (1, 1), "SAME", dimension_numbers=LAYOUT, feature_group_count=groups
    )


def pooled(images: Array, size: int, kind: str) -> Array:
    window = (1, size, size, 1)
    if kind == "max_pooling":
        return lax.reduce_window(images, -jnp.inf, lax.max, window, (1, 1, 1, 1), "SAME")
    return lax.reduce_window(images, 0.0, lax.add, window, (1, 1, 1, 1), "SAME") / size**2


def normal(images: Array) -> Array:
    """Each channel with mean 0 and deviation 1 in the batch."""
    mean = images.mean(axis=(0, 1, 2))
    return (images - mean) * lax.rsqrt(images.var(axis=(0, 1, 2)) + 1e-5)


def kernels(operation: dict[str, Any], chance: np.random.Generator) -> list[Array]:
    """First weights of a layer: what its operation needs, then what mixes its channels."""

    def drawn(*shape: int) -> Array:
        return jnp.array(chance.normal(0, (2 / np.prod(shape[:-1])) ** 0.5, shape), jnp.float32)

    mixing = drawn(1, 1, CHANNELS, CHANNELS)
    if operation["opt_type"] == "reduction":
        return [mixing]
    size = int(operation["opt_params"]["filter_size"])
    return [drawn(size, size, CHANNELS if operation["opt_type"] == "convolution" else 1, CHANNELS), mixing]


def layer(operation: dict[str, Any], weights: list[Array], images: Array) -> Array:
    given = operation["opt_params"]
    if operation["opt_type"] == "reduction":
        images = pooled(images, int(given["pool_size"]), given["reduction_type"])
    else:
        images = convolved(images, weights[0], groups=1 if operation["opt_type"] == "convolution" else CHANNELS)
    return jax.nn.relu(normal(convolved(images, weights[-1])))


def answers(network: list[tuple[dict[str, Any], list[int]]], weights: dict[str, Any], images: Array) -> Array:
    """Scores of the ten digits."""
    heard = jax.nn.relu(normal(convolved(images, weights["stem"])))
    said: list[Array] = []
    for (operation, bits), own in zip(network, weights["layers"], strict=True):
        inputs = [heard, *(one for one, bit in zip(said, bits, strict=True) if bit)]
        heard = layer(operation, own, sum(inputs) / len(inputs))
        said.append(heard)
    size, high, wide, _ = heard.shape
    quarters = heard.reshape(size, 2, high // 2, 2, wide // 2, CHANNELS).mean(axis=(2, 4))
    return quarters.reshape(size, -1) @ weights["digits"]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--architecture", type=parsed, required=True)
    parser.add_argument("--nn-config", type=parsed, required=True)
    parser.add_argument("--epochs", type=int, required=True)
    options = parser.parse_args()
    embedding = options.nn_config["embedding"]
    network = [(embedding[str(one)], bits) for one, *bits in options.architecture]
    pixels, digits = load_digits(return_X_y=True)
    images = pixels.reshape(-1, *options.nn_config["input_sizes"]).astype("float32") / 16
    train_x, test_x, train_y, test_y = train_test_split(
        images, digits, test_size=0.3, stratify=digits, random_state=SEED
    )
    chance = np.random.default_rng(SEED)
    weights = {
        "stem": jnp.array(chance.normal(0, 0.5, (3, 3, images.shape[-1], CHANNELS)), jnp.float32),
        "layers": [kernels(operation, chance) for operation, _ in network],
        "digits": jnp.array(
            chance.normal(0, 0.3, (QUARTERS * CHANNELS, *options.nn_config["output_sizes"])), jnp.float32
        ),
    }

    def loss(weights: dict[str, Any], images: Array, digits: Array) -> Array:
        logs = jax.nn.log_softmax(answers(network, weights, images))
        return -jnp.take_along_axis(logs, digits[:, None], axis=1).mean()

    @jax.jit
    def step(weights: Tree, pace: Tree, images: Array, digits: Array) -> tuple[Tree, Tree]:
        slopes = jax.grad(loss)(weights, images, digits)
        pace = jax.tree.map(lambda old, new: 0.9 * old + new, pace, slopes)
        return jax.tree.map(lambda one, by: one - RATE * by, weights, pace), pace

    score = jax.jit(lambda weights: (answers(network, weights, test_x).argmax(axis=1) == test_y).mean())
    pace = jax.tree.map(jnp.zeros_like, weights)
    for epoch in range(options.epochs):
        order = chance.permutation(len(train_x))
        for at in range(0, len(order) - BATCH + 1, BATCH):
            batch = order[at : at + BATCH]
            weights, pace = step(weights, pace, train_x[batch], train_y[batch])
        print(f"epoch={epoch} Validation-Accuracy={float(score(weights)):.4f}", flush=True)


if __name__ == "__main__":
    main()
