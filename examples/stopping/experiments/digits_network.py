"""Train a small network on handwritten digits by SGD, sixty times through; each time, print its error on others."""

import argparse

from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

EPOCHS = 60
TRAINING = 1200


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--step", type=float, required=True)
    parser.add_argument("--momentum", type=float, required=True)
    parser.add_argument("--penalty", type=float, required=True)
    options = parser.parse_args()
    images, digits = load_digits(return_X_y=True)
    images /= 16
    network = MLPClassifier(
        hidden_layer_sizes=(64,),
        solver="sgd",
        batch_size=8,
        learning_rate_init=options.step,
        momentum=options.momentum,
        alpha=options.penalty,
        random_state=0,
    )
    for epoch in range(1, EPOCHS + 1):
        network.partial_fit(images[:TRAINING], digits[:TRAINING], classes=range(10))
        error = 1 - network.score(images[TRAINING:], digits[TRAINING:])
        print(f"epoch={epoch} error={error:.6f}", flush=True)


if __name__ == "__main__":
    main()
