"""Settings of Katib's algorithms that are not in the catalog yet (spec katib.md section 5).

Whoever adds one of them to the catalog takes its settings from here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from algorithms import settings
from algorithms.contract import Problem
from algorithms.settings import RANDOM_STATE, Kind, Setting
from kagit.findings import Issue, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An algorithm as far as its settings go. `unknown`: how bad a setting is that Katib's own service passes over."""

    settings: tuple[Setting, ...] = ()
    unknown: Severity | None = Severity.ERROR
    instead: str = "random or tpe"
    searches_graphs: bool = False


def check(name: str, problem: Problem) -> Iterator[Issue]:
    """What is wrong with the settings of one of `ALGORITHMS` for this problem, with places below `spec`."""
    known = ALGORITHMS[name]
    yield from settings.check(problem.settings, known.settings, algorithm=name, unknown=known.unknown)


def _whole(name: str, low: int, default: str, meaning: str, *, none: bool = False) -> Setting:
    return Setting(name=name, kind=Kind.WHOLE, low=low, default=default, meaning=meaning, none=none)


def _above(name: str, default: str, meaning: str, *, none: bool = False) -> Setting:
    return Setting(name=name, kind=Kind.REAL, low=0, open=True, default=default, meaning=meaning, none=none)


def _share(name: str, default: str, meaning: str) -> Setting:
    return Setting(name=name, kind=Kind.REAL, low=0, high=1, open=True, top=True, default=default, meaning=meaning)


def _least(name: str, default: str, meaning: str) -> Setting:
    return Setting(name=name, kind=Kind.REAL, low=0, default=default, meaning=meaning)


def _choice(name: str, choices: tuple[str, ...], meaning: str) -> Setting:
    return Setting(name=name, kind=Kind.TEXT, choices=choices, default=choices[0], meaning=meaning)


_BAYESIAN = (
    _choice("base_estimator", ("GP", "RF", "ET", "GBRT"), "the model of the objective"),
    _whole("n_initial_points", 0, "10", "until so many trials have a value, points are random"),
    _choice("acq_func", ("gp_hedge", "LCB", "EI", "PI", "EIps", "PIps"), "what makes a point worth trying"),
    _choice("acq_optimizer", ("auto", "sampling", "lbfgs"), "how the best point of the model is found"),
    RANDOM_STATE,
)
_ENAS = (
    _whole("controller_hidden_size", 1, "64", "units of the controller"),
    _above("controller_temperature", "5.0", "how evenly operations are drawn", none=True),
    _above("controller_tanh_const", "2.25", "bound of the controller's outputs", none=True),
    _above("controller_entropy_weight", "1e-5", "weight of variety in the reward", none=True),
    _share("controller_baseline_decay", "0.999", "how slowly the baseline follows the reward"),
    _share("controller_learning_rate", "5e-5", "learning rate of the controller"),
    _share("controller_skip_target", "0.4", "wanted share of skip connections"),
    _above("controller_skip_weight", "0.8", "weight of that share in the loss", none=True),
    _whole("controller_train_steps", 1, "50", "training steps of the controller before each batch"),
    _whole("controller_log_every_steps", 1, "10", "steps between two lines of its log"),
)
_DARTS = (
    _whole("num_epochs", 1, "50", "epochs of the search"),
    _least("w_lr", "0.025", "learning rate of the weights"),
    _least("w_lr_min", "0.001", "lowest learning rate of the weights"),
    _least("alpha_lr", "3e-4", "learning rate of the architecture"),
    _least("w_weight_decay", "3e-4", "weight decay of the weights"),
    _least("alpha_weight_decay", "1e-3", "weight decay of the architecture"),
    _least("w_momentum", "0.9", "momentum of the weights"),
    _least("w_grad_clip", "5.0", "bound of the gradients of the weights"),
    _whole("batch_size", 1, "128", "images of a batch", none=True),
    _whole("num_workers", 0, "4", "processes that load data"),
    _whole("init_channels", 1, "16", "channels of the first layer"),
    _whole("print_step", 1, "50", "steps between two lines of its log"),
    _whole("num_nodes", 1, "4", "nodes of a cell"),
    _whole("stem_multiplier", 1, "3", "channels of the stem, as a multiple of init_channels"),
)


ALGORITHMS: Mapping[str, Known] = {
    "bayesianoptimization": Known(settings=_BAYESIAN, instead="tpe"),
    "enas": Known(settings=_ENAS, searches_graphs=True),
    "darts": Known(settings=_DARTS, unknown=None, searches_graphs=True),
}
"""By Katib's names; those that are in the catalog say by themselves what they take."""
