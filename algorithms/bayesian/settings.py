"""Katib's settings of `bayesianoptimization`, and what is said about those that mean less here."""

from collections.abc import Iterator, Mapping

from algorithms import settings
from algorithms.settings import Kind, Setting
from kagit.findings import Issue, Severity

SETTINGS = (
    Setting(
        name="base_estimator",
        kind=Kind.TEXT,
        choices=("GP", "RF", "ET", "GBRT"),
        default="GP",
        meaning="the model of the objective; here it is always a Gaussian process",
    ),
    Setting(
        name="n_initial_points",
        kind=Kind.WHOLE,
        low=0,
        default="10",
        meaning="until so many trials have a value, points fill the space evenly",
    ),
    Setting(
        name="acq_func",
        kind=Kind.TEXT,
        choices=("gp_hedge", "LCB", "EI", "PI", "EIps", "PIps"),
        default="EI",
        meaning="what makes a point worth trying; gp_hedge and EIps are EI here, PIps is PI",
    ),
    Setting(
        name="acq_optimizer",
        kind=Kind.TEXT,
        choices=("auto", "sampling", "lbfgs"),
        default="auto",
        meaning="sampling takes the best of many draws; auto and lbfgs go uphill from the best ones",
    ),
    settings.RANDOM_STATE,
)

_SAID: Mapping[tuple[str, str], str] = {
    ("base_estimator", "RF"): "the model is always a Gaussian process; give GP",
    ("base_estimator", "ET"): "the model is always a Gaussian process; give GP",
    ("base_estimator", "GBRT"): "the model is always a Gaussian process; give GP",
    ("acq_func", "gp_hedge"): "the gain is EI, which gp_hedge would mostly choose as well; give EI",
    ("acq_func", "EIps"): "nobody tells how long a trial takes, so the gain is EI; give EI",
    ("acq_func", "PIps"): "nobody tells how long a trial takes, so the gain is PI; give PI",
}


def check(given: Mapping[str, str]) -> Iterator[Issue]:
    """What is wrong with the settings or without effect, with places below `spec`."""
    yield from settings.check(given, SETTINGS, algorithm="bayesianoptimization")
    for i, pair in enumerate(given.items()):
        if pair in _SAID:
            at = ("algorithm", "algorithmSettings", i, "value")
            message = f"{pair[0]} {pair[1]} has no effect here: {_SAID[pair]}, or remove the setting"
            yield Issue(at=at, message=message, slug="setting-unused", severity=Severity.WARNING)


def gain(given: Mapping[str, str]) -> str:
    """Which of EI, PI and LCB is meant."""
    wanted = given.get("acq_func", "EI")
    return {"gp_hedge": "EI", "EIps": "EI", "PIps": "PI"}.get(wanted, wanted)


def polishes(given: Mapping[str, str]) -> bool:
    """Whether the best draws are improved step by step."""
    return given.get("acq_optimizer", "auto") != "sampling"
