"""Settings of Katib's algorithms that are not in the catalog yet (spec katib.md section 5).

Whoever adds one of them to the catalog takes its settings from here.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from algorithms import settings
from algorithms.contract import Problem
from algorithms.settings import Kind, Setting
from kagit.findings import Issue, Severity
from kagit.spelling import short


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An algorithm as far as its settings go. `unknown`: how bad a setting is that Katib's own service passes over."""

    settings: tuple[Setting, ...] = ()
    unknown: Severity | None = Severity.ERROR
    instead: str = "random or tpe"
    rule: Callable[[Problem], Iterator[Issue]] | None = None
    searches_graphs: bool = False


def check(name: str, problem: Problem) -> Iterator[Issue]:
    """What is wrong with the settings of one of `ALGORITHMS` for this problem, with places below `spec`."""
    known = ALGORITHMS[name]
    found = list(settings.check(problem.settings, known.settings, algorithm=name, unknown=known.unknown))
    yield from found
    if known.rule is not None and not any(issue.severity is Severity.ERROR for issue in found):
        yield from known.rule(problem)


def _whole(name: str, low: int, default: str, meaning: str, *, none: bool = False) -> Setting:
    return Setting(name=name, kind=Kind.WHOLE, low=low, default=default, meaning=meaning, none=none)


def _above(name: str, default: str, meaning: str, *, none: bool = False) -> Setting:
    return Setting(name=name, kind=Kind.REAL, low=0, open=True, default=default, meaning=meaning, none=none)


def _share(name: str, default: str, meaning: str) -> Setting:
    return Setting(name=name, kind=Kind.REAL, low=0, high=1, open=True, top=True, default=default, meaning=meaning)


def _least(name: str, default: str, meaning: str) -> Setting:
    return Setting(name=name, kind=Kind.REAL, low=0, default=default, meaning=meaning)


_HYPERBAND = (
    Setting(
        name="r_l", kind=Kind.REAL, low=1, required=True, meaning="the most of the resource that one trial is given"
    ),
    Setting(
        name="resource_name", kind=Kind.TEXT, required=True, meaning="the parameter that is the resource, e.g. epochs"
    ),
    Setting(
        name="eta",
        kind=Kind.REAL,
        low=1,
        open=True,
        default="3",
        meaning="one of so many trials goes on to the next rung",
    ),
)
_PBT = (
    Setting(
        name="suggestion_trial_dir", kind=Kind.TEXT, required=True, meaning="where a trial finds and leaves checkpoints"
    ),
    Setting(name="n_population", kind=Kind.WHOLE, low=5, required=True, meaning="members of a generation"),
    Setting(
        name="truncation_threshold",
        kind=Kind.REAL,
        low=0,
        high=1,
        required=True,
        meaning="the share of the population that is replaced, and that is copied",
    ),
    Setting(
        name="resample_probability",
        kind=Kind.REAL,
        low=0,
        high=1,
        default="unset: values are changed by a fifth",
        meaning="how often a value is drawn anew instead of changed a little",
    ),
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


def _resource(problem: Problem) -> Iterator[Issue]:
    name, places = problem.settings["resource_name"], list(problem.settings)
    if len(problem.space) and name not in {parameter.name for parameter in problem.space}:
        at = ("algorithm", "algorithmSettings", places.index("resource_name"), "value")
        known = ", ".join(parameter.name for parameter in problem.space)
        message = f"resource_name is {short(name)!r}, which is no parameter; give one of {known}"
        yield Issue(at=at, message=message, slug="resource-unknown")
    most, eta = settings.real(problem.settings, "r_l", 1), settings.real(problem.settings, "eta", 3)
    rungs = int(math.log(most) / math.log(eta))  # as Katib computes it, rounding included
    least = math.ceil(eta**rungs)
    if problem.parallel < least:
        message = (
            f"parallelTrialCount is {problem.parallel}, but hyperband starts {least} trials at once "
            f"with r_l {most:g} and eta {eta:g}; give at least {least}, a smaller r_l or a larger eta"
        )
        yield Issue(at=("parallelTrialCount",), message=message, slug="parallel-below-rung")


ALGORITHMS: Mapping[str, Known] = {
    "hyperband": Known(settings=_HYPERBAND, unknown=Severity.WARNING, rule=_resource),
    "pbt": Known(settings=_PBT, unknown=Severity.WARNING),
    "enas": Known(settings=_ENAS, searches_graphs=True),
    "darts": Known(settings=_DARTS, unknown=None, searches_graphs=True),
}
"""By Katib's names; those that are in the catalog say by themselves what they take."""
