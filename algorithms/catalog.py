"""Every algorithm by its Katib name. An entry is imported when it is asked for, its library when it is first needed."""

from collections.abc import Callable, Mapping

from algorithms import plugins
from algorithms.contract import Algorithm
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
    "cmaes": _cmaes,
    "grid": _grid,
    "multivariate-tpe": _multivariate_tpe,
    "random": _random,
    "sobol": _sobol,
    "tpe": _tpe,
}
