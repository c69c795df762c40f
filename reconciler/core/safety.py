"""What is too much at once is refused: mass deletion, a vanished directory."""

from collections.abc import Set as AbstractSet

MAX_DELETED_FRACTION = 0.5
SMALL = 3


def deletions(*, present: AbstractSet[str], declared: AbstractSet[str], allowed: bool = False) -> str:
    """Why the experiments that vanished from the source may not all be deleted; empty when they may.

    An empty source, or one that lacks more than half of at least three experiments, is more often an accident
    (a wrong path, a bad merge) than a wish (gitops.md section 1.3).
    """
    gone = present - declared
    if allowed or not gone or len(present) < SMALL or len(gone) <= MAX_DELETED_FRACTION * len(present):
        return ""
    return (
        f"{len(gone)} of {len(present)} experiments vanished from the repository at once; none is deleted. "
        "Restore the files, or pass --allow-mass-deletion if this is meant"
    )
