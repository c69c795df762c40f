"""Train boosted trees on the breast-cancer data; after every fifth tree, print how they do on data held back."""

import argparse

from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split

EVERY = 5


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--depth", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--trees", type=int, required=True)
    options = parser.parse_args()
    samples, benign = load_breast_cancer(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(samples, benign, test_size=0.4, stratify=benign, random_state=0)
    forest = GradientBoostingClassifier(
        n_estimators=options.trees, learning_rate=options.rate, max_depth=options.depth, subsample=0.8, random_state=0
    )
    forest.fit(train_x, train_y)
    for trees, chances in enumerate(forest.staged_predict_proba(test_x), start=1):
        if trees % EVERY == 0:
            loss = log_loss(test_y, chances)
            accuracy = accuracy_score(test_y, chances.argmax(axis=1))
            print(f"{trees} trees: log_loss={loss:.6f} accuracy={accuracy:.6f}", flush=True)


if __name__ == "__main__":
    main()
