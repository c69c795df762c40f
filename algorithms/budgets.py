"""Whether the counts of an experiment fit the size of its space."""

from collections.abc import Iterator

from algorithms import dimensions
from algorithms.contract import Problem
from kagit.findings import Issue, Severity


def check(problem: Problem, *, ends: bool) -> Iterator[Issue]:
    """Warnings about counts; `ends` says that the search is over once every combination was tried."""
    size, budget = dimensions.combinations(dimensions.of(problem.space)), problem.max_trials
    if size is None:
        return
    if budget is not None and size > budget and ends:
        message = f"the grid has {size} combinations, but maxTrialCount is {budget}; the rest is never tried"
        yield _warning("maxTrialCount", f"{message}, raise it to {size} to try all", "grid-larger-than-budget")
    if budget is not None and size < budget:
        rest = "the search ends after them" if ends else "after them points are tried again"
        message = f"maxTrialCount is {budget}, but there are only {size} combinations; {rest}, {size} are enough"
        yield _warning("maxTrialCount", message, "space-smaller-than-budget")
    if size < problem.parallel:
        message = (
            f"parallelTrialCount is {problem.parallel}, but there are only {size} combinations; give at most {size}"
        )
        yield _warning("parallelTrialCount", message, "space-smaller-than-parallel")


def _warning(field: str, message: str, slug: str) -> Issue:
    return Issue(at=(field,), message=message, slug=slug, severity=Severity.WARNING)
