"""Katib's `darts`: one trial searches by itself, and is told the operations, the settings and how many layers.

Every suggestion says the same, however often it is asked for; Katib's service answers only once.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from algorithms import settings
from algorithms.contract import Answer, Finished, Problem, Proposal
from algorithms.history import checked
from algorithms.nas import graph
from algorithms.settings import Kind, Setting
from kagit import __version__
from kagit.findings import Issue, Severity
from kagit.shapes import at as look
from kagit.shapes import sequence, text
from kagit.space import Point
from kagit.spelling import short

_SKIP = "skip_connection"
"""The one operation that has no size."""


def _whole(name: str, low: int, default: str, meaning: str, *, none: bool = False) -> Setting:
    return Setting(name=name, kind=Kind.WHOLE, low=low, default=default, meaning=meaning, none=none)


def _least(name: str, default: str, meaning: str) -> Setting:
    return Setting(name=name, kind=Kind.REAL, low=0, default=default, meaning=meaning)


SETTINGS = (
    _whole("num_epochs", 1, "50", "epochs of the search"),
    _least("w_lr", "0.025", "learning rate of the weights"),
    _least("w_lr_min", "0.001", "lowest learning rate of the weights"),
    _least("w_momentum", "0.9", "momentum of the weights"),
    _least("w_weight_decay", "3e-4", "weight decay of the weights"),
    _least("w_grad_clip", "5.0", "bound of the gradients of the weights"),
    _least("alpha_lr", "3e-4", "learning rate of the architecture"),
    _least("alpha_weight_decay", "1e-3", "weight decay of the architecture"),
    _whole("batch_size", 1, "128", "images of a batch", none=True),
    _whole("num_workers", 0, "4", "processes that load data"),
    _whole("init_channels", 1, "16", "channels of the first layer"),
    _whole("print_step", 1, "50", "steps between two lines of its log"),
    _whole("num_nodes", 1, "4", "nodes of a cell"),
    _whole("stem_multiplier", 1, "3", "channels of the stem, as a multiple of init_channels"),
)
"""In the order in which a trial is told them; the trial honours them, and may know more."""


@dataclass(frozen=True, slots=True)
class Darts:
    """Katib's `darts`, over the operations of nasConfig."""

    name: str = "darts"
    is_blind: bool = True

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What `algorithmSettings` may say."""
        return SETTINGS

    def check(self, problem: Problem) -> tuple[Issue, ...]:
        """What is wrong with settings or nasConfig, with places below `spec`; empty when it can run."""
        return (
            *settings.check(problem.settings, SETTINGS, algorithm=self.name, unknown=None),
            *graph.check(problem),
            *_check(problem),
        )

    def start(self, problem: Problem) -> "_Darts":
        """A fresh optimizer without history."""
        return _Darts(problem)

    def engine(self) -> str:
        """Library and version that answers."""
        return f"kagit {__version__}"


def _check(problem: Problem) -> Iterator[Issue]:
    """Of an operation only its size is handed on, and of trials one is enough."""
    for i, operation in enumerate(sequence(look(problem.nas, "operations"))):
        given = sequence(look(operation, "parameters"))
        kind = short(text(look(operation, "operationType")))
        for k in range(1, len(given)):
            name = short(text(look(given, k, "name")))
            message = f"{name} of {kind} has no effect: darts hands on one size of each operation, its first parameter"
            at = ("nasConfig", "operations", i, "parameters", k)
            yield Issue(at=at, message=f"{message}; remove it", slug="nas-parameter-unused", severity=Severity.WARNING)
    if problem.nas is not None and not graph.layers_of(problem):
        message = "graphConfig has no numLayers, so that trials are told 0; give the number of layers"
        graph_at = ("nasConfig", "graphConfig", "numLayers")
        yield Issue(at=graph_at, message=message, slug="nas-layers-missing", severity=Severity.WARNING)
    if problem.max_trials is not None and problem.max_trials > 1:
        message = f"maxTrialCount is {problem.max_trials}, but darts tells every trial the same; 1 is enough"
        yield Issue(at=("maxTrialCount",), message=message, slug="space-smaller-than-budget", severity=Severity.WARNING)


class _Darts:
    def __init__(self, problem: Problem) -> None:
        self._point: Point = {
            "algorithm-settings": graph.written(told(problem.settings)),
            "search-space": graph.written(list(_operations(problem))),
            "num-layers": str(graph.layers_of(problem)),
        }

    def tell(self, trial: Finished) -> None:
        checked(trial)

    def ask(self, *, index: int, running: Mapping[int, Point]) -> Answer:
        del index, running
        return Proposal(point=dict(self._point))


def told(given: Mapping[str, str]) -> Mapping[str, str | int | float | None]:
    """What a trial is told: defaults as numbers, settings as the texts that they are, None as null."""
    told: dict[str, str | int | float | None] = {
        one.name: int(one.default) if one.kind is Kind.WHOLE else float(one.default) for one in SETTINGS
    }
    return told | {name: None if said == "None" else said for name, said in given.items()}


def _operations(problem: Problem) -> Iterator[str]:
    for operation in sequence(look(problem.nas, "operations")):
        kind = text(look(operation, "operationType"))
        if kind == _SKIP:
            yield kind
        else:
            sizes = graph.values(look(operation, "parameters", 0))
            yield from (f"{kind}_{size}x{size}" for size in sizes)
