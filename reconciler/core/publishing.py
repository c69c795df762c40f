"""When a report is due: its data changed, and enough time has passed or the experiment is quiet."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """State of one experiment's report: digest of its data now and as committed, seconds since the last commit.

    `quiet` says that nothing of the experiment runs any more.
    """

    digest: str
    committed: str
    age: float
    quiet: bool


def due(report: Published, *, interval: float) -> bool:
    """Whether to commit now; `interval` is the least number of seconds between two commits while trials run."""
    return report.digest != report.committed and (report.quiet or report.age >= interval)
