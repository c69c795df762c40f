"""Every algorithm by its Katib name. An entry is imported when it is asked for, its library when it is first needed."""

from collections.abc import Callable, Mapping

from algorithms.contract import Algorithm, Problem
from kagit.errors import Refused
from kagit.spelling import closest, short


def named(name: str) -> Algorithm:
    """The algorithm of that name; Refused with the nearest name and the list if there is none."""
    entry = _ENTRIES.get(name)
    if entry is None:
        guess = closest(name, _ENTRIES)
        hint = f"did you mean {guess}? " if guess else ""
        raise Refused(f"there is no algorithm {short(name)!r}; {hint}known are {', '.join(names())}")
    return entry()


def chosen(name: str, problem: Problem) -> Algorithm:
    """The algorithm of that name as it answers this problem: the engine of `auto` then says what it has chosen."""
    if name != "auto":
        return named(name)
    from algorithms.auto import Auto

    return Auto(named=named, model=_model()).bound(problem)


def names() -> tuple[str, ...]:
    """The names of all algorithms, sorted."""
    return tuple(sorted(_ENTRIES))


def _auto() -> Algorithm:
    from algorithms.auto import Auto

    return Auto(named=named, model=_model())


def _model() -> str:
    return "bayesianoptimization" if "bayesianoptimization" in _ENTRIES else "multivariate-tpe"


def _cmaes() -> Algorithm:
    from algorithms.cmaes import CmaEs

    return CmaEs()


def _grid() -> Algorithm:
    from algorithms.grid import Grid

    return Grid()


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
    "auto": _auto,
    "cmaes": _cmaes,
    "grid": _grid,
    "multivariate-tpe": _multivariate_tpe,
    "random": _random,
    "sobol": _sobol,
    "tpe": _tpe,
}
