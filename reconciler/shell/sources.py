"""What an attempt's readings come from: its output or its files, each with a parser and how far it was read."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from kagit.experiment import Experiment
from reconciler.core import collectors
from reconciler.core.incremental import Incremental
from reconciler.core.repeats import Repeats
from reconciler.ports import Executor, Output, Reading, Store

PIECE = 1 << 20
MAX_PIECES = 64
"""Pieces read of one source before others get their turn."""
TAIL = 64
"""Last bytes read of a file, by which it is known again: what replaced it seldom has the same ones there."""


@dataclass(slots=True, kw_only=True)
class _Source:
    parser: Incremental
    offset: int = 0
    tail: bytes = b""
    renumber: bool = False
    repeats: Repeats | None = None


class Sources:
    """All that is read of one attempt, going on where the last reconciler stopped."""

    def __init__(self, spec: Experiment, *, trial: str, store: Store) -> None:
        """`trial` is its name in the store, which knows how far each source was read."""
        self._collector, self._metrics = spec.collector, spec.objective.metrics
        self._texts = spec.nas is not None
        self._trial, self._store = trial, store
        self._open: dict[str, _Source] = {}
        self._steps: dict[str, int] = {}
        self.resumed = False
        """Whether there are readings from before."""
        if self._collector.kind == "StdOut":
            self.resumed = self._begin(collectors.OUTPUT).offset > 0
        else:
            self._steps = dict(store.steps(trial))
            self.resumed = bool(self._steps)

    @property
    def cursors(self) -> Mapping[str, int]:
        """How far each source is counted, under its name in the store."""
        return {self._key(file): source.parser.consumed for file, source in self._open.items()}

    def read(self, found: list[Reading], *, work: str, executor: Executor) -> bool:
        """Add the new readings to `found`; True if there may be more."""
        more = False
        for file in collectors.sources(self._collector, partial(executor.files, work)):
            more |= self._read(file, found, work, executor)
        return more

    def finish(self) -> list[Reading]:
        """The readings of incomplete ends, when nothing more will come."""
        return [one for source in self._open.values() for one in self._counted(source, source.parser.finish())]

    def note(self, metric: str) -> str:
        """Why there may be no reading of a metric, in words; empty where there is nothing to say."""
        parsers = [source.parser for source in self._open.values()]
        rejected = sum(one.rejected for one in parsers)
        if rejected:
            example = next(one.rejected_example for one in parsers if one.rejected)
            return collectors.unusable(self._collector, metric, count=rejected, example=example)
        if any(source.offset for source in self._open.values()):
            return ""
        return collectors.absent(self._collector, metric)

    def _key(self, file: str) -> str:
        return f"{self._trial}#{file}" if file else self._trial

    def _begin(self, file: str) -> _Source:
        """Open a source where it was left; several of them share one numbering, which is then done here."""
        parser = self._parser(file)
        source = _Source(parser=parser, renumber=self._collector.kind == "TensorFlowEvent")
        key = self._key(file)
        source.offset = self._store.cursors([key]).get(key, 0)
        if source.offset:
            parser.resume(offset=source.offset, counts=self._steps or self._store.steps(self._trial))
        self._open[file] = source
        return source

    def _read(self, file: str, found: list[Reading], work: str, executor: Executor) -> bool:
        source = self._open.get(file) or self._begin(file)
        for _ in range(MAX_PIECES):
            start = source.offset - len(source.tail)
            piece = executor.output(work, start=start, limit=PIECE, file=file)
            if file and _is_another(piece, start, source.tail):
                self._anew(file, source, found)
                continue
            data = piece.data[len(source.tail) :]
            if not data:
                return False
            found += self._counted(source, source.parser.feed(data, piece.end - len(data)))
            source.offset = piece.end
            if file:
                source.tail = (source.tail + data[-TAIL:])[-TAIL:]
            if len(piece.data) < PIECE:
                return False
        return True

    def _anew(self, file: str, source: _Source, found: list[Reading]) -> None:
        """Read a file from its beginning that is not the one which was read so far."""
        curves = {metric: [*self._store.curve(self._trial, metric)] for metric in self._metrics}
        for one in found:
            curves[one.metric].append(one)
        self._steps = {metric: curve[-1].step + 1 for metric, curve in curves.items() if curve}
        source.parser = self._parser(file)
        source.offset, source.tail, source.renumber, source.repeats = 0, b"", True, Repeats(curves.values())

    def _parser(self, file: str) -> Incremental:
        """A parser; what a search of networks comes to may be said in words (spec katib.md 4.1.3)."""
        return collectors.parser(
            self._collector, trial=self._trial, metrics=self._metrics, file=file, texts=self._texts
        )

    def _counted(self, source: _Source, readings: list[Reading]) -> list[Reading]:
        if source.repeats is not None:
            readings = source.repeats.new(readings)
        if not source.renumber:
            return readings
        numbered: list[Reading] = []
        for one in readings:
            step = self._steps.get(one.metric, 0)
            self._steps[one.metric] = step + 1
            numbered.append(one._replace(step=step))
        return numbered


def _is_another(piece: Output, start: int, tail: bytes) -> bool:
    """Whether a file is shorter than what was read of it, or has other bytes there; one that is gone is neither."""
    return piece.start < start or (bool(piece.data) and not piece.data.startswith(tail))
