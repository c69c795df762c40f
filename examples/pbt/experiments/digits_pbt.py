"""Three more epochs of a network with one hidden layer that tells handwritten digits apart.

Where there is a checkpoint it goes on from it, with whatever learning rate it is given now, and leaves its own.
"""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

Array = NDArray[np.float64]
EPOCHS, HIDDEN, DIGITS = 3, 32, 10
SHAPES = {"into": (64, HIDDEN), "bias": (HIDDEN,), "out": (HIDDEN, DIGITS), "shift": (DIGITS,)}


def load(file: Path, chance: np.random.Generator) -> tuple[int, dict[str, Array], dict[str, Array]]:
    """Epochs so far, weights and the last steps: those of the checkpoint, or a beginning."""
    if not file.exists():
        weights = {name: chance.normal(0, 0.1, shape) for name, shape in SHAPES.items()}
        return 0, weights, {name: np.zeros(shape) for name, shape in SHAPES.items()}
    with np.load(file, allow_pickle=False) as kept:
        steps = {name: kept[f"step_{name}"] for name in SHAPES}
        return int(kept["epochs"]), {name: kept[name] for name in SHAPES}, steps


def save(file: Path, epochs: int, weights: dict[str, Array], steps: dict[str, Array]) -> None:
    """Put the new checkpoint in place of the old one at once, so that there is never half of one."""
    new = file.with_name("new.npz")
    with new.open("wb") as opened:
        np.savez(opened, epochs=np.array(epochs), **weights, **{f"step_{name}": step for name, step in steps.items()})
        opened.flush()
        os.fsync(opened.fileno())
    new.replace(file)


def chances(images: Array, weights: dict[str, Array]) -> tuple[Array, Array]:
    """What the hidden layer says, and how likely each digit is."""
    hidden = np.maximum(images @ weights["into"] + weights["bias"], 0)
    scores = hidden @ weights["out"] + weights["shift"]
    likely = np.exp(scores - scores.max(axis=1, keepdims=True))
    return hidden, likely / likely.sum(axis=1, keepdims=True)


def gradients(images: Array, wanted: Array, weights: dict[str, Array]) -> dict[str, Array]:
    hidden, likely = chances(images, weights)
    wrong = (likely - wanted) / len(images)
    back = (wrong @ weights["out"].T) * (hidden > 0)
    return {"into": images.T @ back, "bias": back.sum(0), "out": hidden.T @ wrong, "shift": wrong.sum(0)}


def batches(count: int, size: int, chance: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    order = chance.permutation(count)
    return (order[start : start + size] for start in range(0, count, size))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--momentum", type=float, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--checkpoints", type=Path, required=True)
    options = parser.parse_args()

    images, digits = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(images))
    known, unseen = images[order[:1000]] / 16, images[order[1000:]] / 16
    known_digits, unseen_digits = digits[order[:1000]], digits[order[1000:]]
    wanted = np.eye(DIGITS)[known_digits]
    file = options.checkpoints / "network.npz"
    # The beginning and the order of images depend on nothing but the trial's own values: it can be repeated.
    chance = np.random.default_rng(int(options.rate * 1e9))
    before, weights, steps = load(file, chance)
    for epoch in range(before + 1, before + EPOCHS + 1):
        for some in batches(len(known), options.batch, chance):
            for name, slope in gradients(known[some], wanted[some], weights).items():
                steps[name] = options.momentum * steps[name] - options.rate * slope
                weights[name] = weights[name] + steps[name]
        _, likely = chances(unseen, weights)
        loss = -np.log(likely[np.arange(len(unseen)), unseen_digits] + 1e-12).mean()
        print(f"epoch {epoch}: loss={loss:.5f} accuracy={(likely.argmax(axis=1) == unseen_digits).mean():.4f}")
    save(file, before + EPOCHS, weights, steps)


if __name__ == "__main__":
    main()
