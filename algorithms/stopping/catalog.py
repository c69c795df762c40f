"""Every early stopping algorithm by its Katib name, imported when it is asked for."""

from collections.abc import Callable, Mapping

from algorithms.stopping.contract import Stopping
from kagit.errors import Refused
from kagit.spelling import did_you_mean, short


def named(name: str) -> Stopping:
    """The early stopping algorithm of that name; Refused with the nearest name or the list if there is none."""
    entry = _ENTRIES.get(name)
    if entry is None:
        raise Refused(f"there is no early stopping algorithm {short(name)!r}; {did_you_mean(name, names())}")
    return entry()


def names() -> tuple[str, ...]:
    """The names of all early stopping algorithms, sorted."""
    return tuple(sorted(_ENTRIES))


def _median() -> Stopping:
    from algorithms.stopping.median import MedianStop

    return MedianStop()


def _patience() -> Stopping:
    from algorithms.stopping.patience import Patience

    return Patience()


def _percentile() -> Stopping:
    from algorithms.stopping.percentile import Percentile

    return Percentile()


def _threshold() -> Stopping:
    from algorithms.stopping.threshold import Threshold

    return Threshold()


_ENTRIES: Mapping[str, Callable[[], Stopping]] = {
    "medianstop": _median,
    "patience": _patience,
    "percentile": _percentile,
    "threshold": _threshold,
}
