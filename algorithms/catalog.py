"""Every algorithm by its Katib name. An entry is imported when it is asked for, its library when it is first needed."""

from collections.abc import Callable, Mapping

from algorithms import plugins
from algorithms.contract import Algorithm, Problem
from kagit.errors import Refused
from kagit.spelling import closest, short


def named(name: str) -> Algorithm:
    """The algorithm of that name, ours or of an installed package; Refused with the nearest name if there is none."""
    entry = _ENTRIES.get(name)
    if entry is not None:
        return entry()
    guest = plugins.named(name)
    if guest is not None:
        return guest
    guess = closest(name, everywhere())
    hint = f"did you mean {guess}? " if guess else ""
    raise Refused(f"there is no algorithm {short(name)!r}; {hint}known are {', '.join(everywhere())}")


def chosen(name: str, problem: Problem) -> Algorithm:
    """The algorithm of that name as it answers this problem: the engine of `auto` then says what it has chosen."""
    if name != "auto":
        return named(name)
    from algorithms.auto import Auto

    return Auto(named=named).bound(problem)


def names() -> tuple[str, ...]:
    """The names of our own algorithms, sorted."""
    return tuple(sorted(_ENTRIES))


def everywhere() -> tuple[str, ...]:
    """Our own names, then those that installed packages add; asking these takes some milliseconds."""
    return (*names(), *(name for name in plugins.names() if name not in _ENTRIES))


def hidden(name: str) -> str:
    """Why an algorithm of ours is not to be used under that name: a package offers another one; empty if none does."""
    others = plugins.origins(name) if name in _ENTRIES else ()
    if not others:
        return ""
    return (
        f"algorithm {name} is one of kagit's own, and {' and '.join(others)} offers another one of that name, which is "
        "never used; uninstall it, or have its authors rename it"
    )


CONTINUING = frozenset({"asha", "bohb", "hyperband", "pbt"})
"""Algorithms whose trials go on from what others left, so that each trial has a place to leave it."""


def _asha() -> Algorithm:
    from algorithms.halving.asha import Asha

    return Asha()


def _auto() -> Algorithm:
    from algorithms.auto import Auto

    return Auto(named=named)


def _bayesianoptimization() -> Algorithm:
    from algorithms.bayesian.algorithm import BayesianOptimization

    return BayesianOptimization()


def _bohb() -> Algorithm:
    from algorithms.halving.bohb import Bohb

    return Bohb()


def _cmaes() -> Algorithm:
    from algorithms.cmaes import CmaEs

    return CmaEs()


def _darts() -> Algorithm:
    from algorithms.nas.darts import Darts

    return Darts()


def _enas() -> Algorithm:
    from algorithms.nas.enas import Enas

    return Enas()


def _grid() -> Algorithm:
    from algorithms.grid import Grid

    return Grid()


def _hyperopt_tpe() -> Algorithm:
    from algorithms.hyperopt_tpe import HyperoptTpe

    return HyperoptTpe()


def _hyperband() -> Algorithm:
    from algorithms.halving.hyperband import Hyperband

    return Hyperband()


def _pbt() -> Algorithm:
    from algorithms.pbt import Pbt

    return Pbt()


def _random() -> Algorithm:
    from algorithms.random_search import RandomSearch

    return RandomSearch()


def _sobol() -> Algorithm:
    from algorithms.sobol import Sobol

    return Sobol()


def _multivariate_tpe() -> Algorithm:
    from algorithms.tpe import Tpe

    return Tpe(name="multivariate-tpe")


def _tpe() -> Algorithm:
    from algorithms.tpe import Tpe

    return Tpe()


_ENTRIES: Mapping[str, Callable[[], Algorithm]] = {
    "asha": _asha,
    "auto": _auto,
    "bayesianoptimization": _bayesianoptimization,
    "bohb": _bohb,
    "cmaes": _cmaes,
    "darts": _darts,
    "enas": _enas,
    "grid": _grid,
    "hyperopt-tpe": _hyperopt_tpe,
    "hyperband": _hyperband,
    "multivariate-tpe": _multivariate_tpe,
    "pbt": _pbt,
    "random": _random,
    "sobol": _sobol,
    "tpe": _tpe,
}

GRAPHS = frozenset({"darts", "enas"})
"""Those that search nasConfig; all others search parameters."""
