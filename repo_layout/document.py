"""A YAML document as plain data that still knows where each of its parts stands."""

from typing import NamedTuple, TypeAlias

from kagit.findings import Issue
from repo_layout.build import Position

Place: TypeAlias = tuple[str | int, ...]


class Document(NamedTuple):
    """One YAML document: plain data, where things stand, and what readers may disagree about."""

    value: object
    position: Position
    issues: tuple[Issue, ...] = ()

    def find(self, at: Place) -> tuple[int, int]:
        """Line and column of the key or item at a path, or of the nearest thing around it."""
        here = self.position
        for part in at:
            inner: Position | None
            if isinstance(here.children, dict):
                inner = here.children.get(part)
            elif here.children and isinstance(part, int) and part < len(here.children):
                inner = here.children[part]
            else:
                inner = None
            if inner is None:
                break
            here = inner
        return here.line, here.column
