"""Tables that are made once with scikit-learn on data that it ships, and kept in the work directory."""

import hashlib
import inspect
import math
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any

WORK = Path(__file__).resolve().parents[2] / ".make" / "quality"
EPOCHS = 81
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A value, or a curve, to be minimised for every combination of the axes; `seconds` of CPU is a guess."""

    axes: Mapping[str, Sequence[Any]]
    value: Callable[[Row], Any]
    seconds: int


def spaced(low: float, high: float, count: int) -> tuple[float, ...]:
    """Numbers of three digits that differ by a factor."""
    return tuple(float(f"{low * (high / low) ** (i / (count - 1)):.3g}") for i in range(count))


def made(name: str) -> Any:
    """The table of that name as an array, made now if it is not there."""
    import numpy as np

    file = place(name)
    if not file.exists():
        table = {**GRIDS, **CURVES}[name]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            values = np.array([table.value(row) for row in _rows(table)])
        shape = [len(one) for one in table.axes.values()]
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(f".{os.getpid()}")
        with part.open("wb") as out:
            np.save(out, values.reshape([*shape, *values.shape[1:]]))
        part.replace(file)
    return np.load(file)


def place(name: str) -> Path:
    """Where a table is kept; another scikit-learn, other axes or another way to a value make it anew."""
    table = {**GRIDS, **CURVES}[name]
    code = "".join(map(inspect.getsource, (table.value, _validated, _halves, _curve, _log_loss)))
    text = f"{table.axes}{code}{version('scikit-learn')}"
    return WORK / "tables" / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}.npy"


def _rows(table: Table) -> Iterator[Row]:
    return (dict(zip(table.axes, values, strict=True)) for values in product(*table.axes.values()))


@cache
def _data(name: str) -> tuple[Any, Any]:
    from sklearn import datasets

    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    return (x / 16 if name == "digits" else x), y


def _validated(model: Any, name: str) -> float:
    """The mean log loss (of a classifier) or squared error (of a regressor) of three folds: hardly any ties."""
    from sklearn.base import is_classifier
    from sklearn.model_selection import cross_val_score

    x, y = _data(name)
    scoring = "neg_log_loss" if is_classifier(model) else "neg_mean_squared_error"
    return -float(cross_val_score(model, x, y, cv=3, scoring=scoring).mean())


def _svm(row: Row) -> float:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVR

    svm = SVR(C=row["C"], gamma=row["gamma"], epsilon=row["epsilon"])
    return _validated(make_pipeline(StandardScaler(), svm), "diabetes")


def _mlp(row: Row) -> float:
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    net = MLPClassifier(
        (row["units"],),
        alpha=row["alpha"],
        learning_rate_init=row["lr"],
        activation=row["activation"],
        max_iter=30,
        random_state=0,
    )
    return _validated(make_pipeline(StandardScaler(), net), "wine")


def _forest(row: Row) -> float:
    from sklearn.ensemble import RandomForestRegressor

    forest = RandomForestRegressor(
        20, max_depth=row["depth"], min_samples_leaf=row["leaf"], max_features=row["features"], random_state=0
    )
    return _validated(forest, "diabetes")


def _boosting(row: Row) -> float:
    from sklearn.ensemble import GradientBoostingRegressor

    model = GradientBoostingRegressor(
        loss=row["loss"],
        learning_rate=row["lr"],
        n_estimators=row["trees"],
        max_depth=row["depth"],
        subsample=row["subsample"],
        random_state=0,
    )
    return _validated(model, "diabetes")


@cache
def _halves() -> tuple[Any, Any, Any, Any]:
    from sklearn.model_selection import train_test_split

    x, y = _data("digits")
    learn, test, known, wanted = train_test_split(x, y, test_size=600, random_state=0, stratify=y)
    return learn, test, known, wanted


def _net_curve(row: Row) -> list[float]:
    """Log loss of a network on digits after each epoch."""
    from sklearn.neural_network import MLPClassifier

    net = MLPClassifier(
        (row["units"],),
        solver="sgd",
        learning_rate_init=row["lr"],
        batch_size=row["batch"],
        alpha=row["alpha"],
        random_state=0,
    )
    return _curve(net, lambda test, wanted: _log_loss(net.predict_proba(test), wanted))


def _linear_curve(row: Row) -> list[float]:
    """Log loss of a linear classifier on digits after each epoch."""
    from scipy.special import softmax
    from sklearn.linear_model import SGDClassifier

    model = SGDClassifier(
        loss=row["loss"],
        penalty=row["penalty"],
        alpha=row["alpha"],
        eta0=row["lr"],
        learning_rate="constant",
        random_state=0,
    )
    return _curve(model, lambda test, wanted: _log_loss(softmax(model.decision_function(test), axis=1), wanted))


def _curve(model: Any, value: Callable[[Any, Any], float]) -> list[float]:
    """The best value up to each epoch, so that a curve never goes up; what is not finite is as bad as a guess."""
    learn, test, known, wanted = _halves()
    curve: list[float] = []
    for _ in range(EPOCHS):
        model.partial_fit(learn, known, classes=range(10))
        now = value(test, wanted)
        now = min(now, math.log(10)) if math.isfinite(now) else math.log(10)
        curve.append(min(now, curve[-1]) if curve else now)
    return curve


def _log_loss(shares: Any, wanted: Any) -> float:
    from sklearn.metrics import log_loss

    return float(log_loss(wanted, shares, labels=range(10)))


GRIDS: Mapping[str, Table] = {
    "sklearn-svm-diabetes": Table(
        axes={"C": spaced(1e-1, 1e4, 16), "gamma": spaced(1e-5, 1, 16), "epsilon": spaced(0.1, 100, 7)},
        value=_svm,
        seconds=60,
    ),
    "sklearn-mlp-wine": Table(
        axes={
            "units": (4, 8, 16, 32, 64),
            "alpha": spaced(1e-5, 1, 5),
            "lr": spaced(1e-4, 0.3, 8),
            "activation": ("relu", "tanh", "logistic"),
        },
        value=_mlp,
        seconds=120,
    ),
    "sklearn-forest-diabetes": Table(
        axes={"depth": (1, 2, 3, 4, 6, 8, 12, 16), "leaf": (1, 2, 4, 8, 16, 32), "features": (1, 2, 3, 4, 6, 8, 10)},
        value=_forest,
        seconds=60,
    ),
    "sklearn-boosting-diabetes": Table(
        axes={
            "lr": spaced(1e-2, 1, 8),
            "trees": (10, 20, 40, 80),
            "depth": (1, 2, 3, 5),
            "subsample": (0.4, 0.7, 1.0),
            "loss": ("squared_error", "absolute_error", "huber"),
        },
        value=_boosting,
        seconds=330,
    ),
}
CURVES: Mapping[str, Table] = {
    "curves-net-digits": Table(
        axes={
            "lr": spaced(1e-4, 1, 10),
            "batch": (16, 32, 64, 128),
            "units": (8, 16, 32, 64, 128),
            "alpha": spaced(1e-5, 1, 4),
        },
        value=_net_curve,
        seconds=600,
    ),
    "curves-linear-digits": Table(
        axes={
            "lr": spaced(1e-4, 1, 11),
            "alpha": spaced(1e-6, 1e-1, 6),
            "loss": ("hinge", "log_loss"),
            "penalty": ("l2", "l1"),
        },
        value=_linear_curve,
        seconds=120,
    ),
}
