"""Train a small neural network on handwritten digits; after each epoch, print its accuracy on images it never saw."""

import argparse

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--decay", type=float, required=True)
    parser.add_argument("--width", type=int, required=True)
    options = parser.parse_args()
    images, digits = load_digits(return_X_y=True)
    split = train_test_split(images / 16, digits, test_size=0.4, stratify=digits, random_state=0)
    train, test, train_digits, test_digits = split
    network = MLPClassifier(
        hidden_layer_sizes=(options.width,),
        learning_rate_init=options.rate,
        alpha=options.decay,
        batch_size=32,
        random_state=0,
    )
    for epoch in range(1, options.epochs + 1):
        network.partial_fit(train, train_digits, classes=range(10))
        accuracy = network.score(test, test_digits)
        print(f"epoch {epoch} of {options.epochs}: accuracy={accuracy:.6f}", flush=True)


if __name__ == "__main__":
    main()
