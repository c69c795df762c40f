"""What early stopping saves and what it costs: learning curves of scikit-learn, played against the rules of trials."""

import random
import statistics
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from lines import Line, Wishes

from algorithms.stopping import catalog
from algorithms.stopping.contract import Case
from kagit.objective import Objective, ObjectiveType
from reconciler.core.stopping import Watch
from reconciler.ports import Reading

EPOCHS, TRIALS = 30, 30
OBJECTIVE = Objective(type=ObjectiveType.MINIMIZE, metric="loss")
Curve: TypeAlias = tuple[float, ...]

RULES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "medianstop": ("medianstop", {}),
    "medianstop, statistic mean": ("medianstop", {"statistic": "mean"}),
    "medianstop, average running": ("medianstop", {"average": "running"}),
    "percentile 50": ("percentile", {"percentile": "50"}),
    "percentile 25": ("percentile", {}),
    "patience 5": ("patience", {"patience": "5", "min_delta": "0.002"}),
    "threshold 0.3": ("threshold", {"upper": "0.3", "start_step": "4"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One experiment with a rule beside the same without: share of epochs saved, loss that is left over, and whether
    the trial that would have won was stopped before it had come to that."""

    saved: float
    regret: float
    lost: bool


def lines(wishes: Wishes) -> Iterator[Line]:
    """Each rule in experiments of 30 trials, drawn from the curves of two tasks; four trials run at once."""
    tasks = {"digits": _digits, "breast cancer": _cancer}
    curves = {name: list(_curves(make, wishes, name)) for name, make in tasks.items()}
    for rule, (algorithm, settings) in RULES.items():
        played = [
            _play(algorithm, settings, random.Random(seed).sample(some, TRIALS))
            for some in curves.values()
            for seed in range(wishes.of(50, 10))
        ]
        regret = statistics.fmean(one.regret for one in played)
        yield Line(
            name=f"early stopping, {rule}",
            value=100 * statistics.fmean(one.saved for one in played),
            unit="% saved",
            about=f"winner stopped in {100 * statistics.fmean(one.lost for one in played):.0f} % of "
            f"{len(played)} experiments, error {100 * regret:+.2f} points in the mean",
        )


def _play(algorithm: str, settings: Mapping[str, str], curves: Sequence[Curve]) -> Played:
    """One experiment: trials begin in order, each as soon as one of four places is free."""
    stopper = catalog.named(algorithm).start(Case(metric="loss", direction=ObjectiveType.MINIMIZE, settings=settings))
    ends: list[tuple[int, int]] = []
    places, seen, used = [0] * 4, list[Curve](), 0
    for number, curve in enumerate(curves):
        now = min(places)
        for end, other in sorted(ends):
            if end <= now and len(seen[other]) == EPOCHS:
                stopper.tell(seen[other])
        ends = [(end, other) for end, other in ends if end > now]
        watch = Watch(stopper.rules(), OBJECTIVE)
        length = _length(watch, curve)
        places[places.index(now)] = now + length
        ends.append((now + length, number))
        seen.append(curve[:length])
        used += length
    best = min(map(min, curves))
    found = [min(curve) for curve in seen]
    return Played(
        saved=1 - used / (EPOCHS * len(curves)),
        regret=min(found) - best,
        lost=not any(value == best for value in found),
    )


def _length(watch: Watch, curve: Curve) -> int:
    """After how many reports a trial of that curve is over."""
    for step, value in enumerate(curve):
        watch.add([Reading("trial", "loss", step, "", value, repr(value))])
        if watch.met:
            return step + 1
    return len(curve)


def _curves(make: Callable[[random.Random], Iterator[float]], wishes: Wishes, name: str) -> Iterator[Curve]:
    """Validation errors after each epoch of models whose settings are drawn at random."""
    count = wishes.of(60, TRIALS)
    for seed in range(count):
        wishes.progress(f"curve {seed + 1} of {count}, {name}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # steps that are too large are what is to be stopped
            yield tuple(make(random.Random(seed)))


def _digits(chance: random.Random) -> Iterator[float]:
    """A linear model reads handwritten digits: step and penalty between too small and too large."""
    import numpy as np
    from sklearn.datasets import load_digits
    from sklearn.linear_model import SGDClassifier

    images, digits = load_digits(return_X_y=True)
    images /= 16
    model = SGDClassifier(
        loss=chance.choice(["hinge", "log_loss", "modified_huber"]),
        learning_rate="constant",
        eta0=10 ** chance.uniform(-5, 0.5),
        alpha=10 ** chance.uniform(-6, -1),
        shuffle=False,
        random_state=0,
    )
    order = np.random.default_rng(0)
    for _ in range(EPOCHS):
        rows = order.permutation(1200)
        model.partial_fit(images[rows], digits[rows], classes=range(10))
        yield 1 - float(model.score(images[1200:], digits[1200:]))


def _cancer(chance: random.Random) -> Iterator[float]:
    """A small network tells benign from malignant: width, step and penalty."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.neural_network import MLPClassifier
    from sklearn.preprocessing import StandardScaler

    features, kinds = load_breast_cancer(return_X_y=True)
    features = StandardScaler().fit_transform(features)
    model = MLPClassifier(
        hidden_layer_sizes=(chance.choice([2, 4, 8, 16]),),
        learning_rate_init=10 ** chance.uniform(-5, 0),
        alpha=10 ** chance.uniform(-6, 0),
        batch_size=32,
        random_state=0,
    )
    for _ in range(EPOCHS):
        model.partial_fit(features[:400], kinds[:400], classes=[0, 1])
        yield 1 - float(model.score(features[400:], kinds[400:]))
