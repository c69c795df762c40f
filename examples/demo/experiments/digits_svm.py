"""Train a support vector machine on handwritten digits; after each fold, print the mean accuracy so far.

`support` is the share of the training images that the machine had to keep.
"""

import argparse

from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import SVC

FOLDS = 5


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--C", dest="price", type=float, required=True)
    parser.add_argument("--gamma", type=float, required=True)
    parser.add_argument("--kernel", choices=("rbf", "poly", "sigmoid"), required=True)
    options = parser.parse_args()
    images, digits = load_digits(return_X_y=True)
    accuracy = support = 0.0
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(images, digits)
    for done, (train, test) in enumerate(folds, start=1):
        machine = SVC(C=options.price, gamma=options.gamma, kernel=options.kernel)
        machine.fit(images[train], digits[train])
        accuracy += machine.score(images[test], digits[test])
        support += len(machine.support_) / len(train)
        print(f"fold {done} of {FOLDS}: accuracy={accuracy / done:.6f} support={support / done:.6f}", flush=True)


if __name__ == "__main__":
    main()
