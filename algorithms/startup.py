"""How long an algorithm looks around before it makes use of what it has seen."""

from collections.abc import Mapping

_SETTINGS = {
    "bayesianoptimization": ("n_initial_points", 10),
    "hyperopt-tpe": ("n_startup_trials", 20),
    "multivariate-tpe": ("n_startup_trials", 10),
    "tpe": ("n_startup_trials", 10),
}
"""The setting that says so, and its default."""


def trials(name: str, settings: Mapping[str, str]) -> int:
    """How many trials of that algorithm take no notice of others; 0 where it has no such number, or a wrong one."""
    setting, default = _SETTINGS.get(name, ("", 0))
    given = settings.get(setting, str(default))
    return int(given) if given.isascii() and given.isdigit() and len(given) <= 9 else 0  # noqa: PLR2004 - of a number
