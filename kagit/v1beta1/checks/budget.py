"""The three counts and resumePolicy (spec katib.md sections 3.2 and 3.4)."""

from collections.abc import Iterator, Mapping
from typing import Any

from kagit.experiment import ResumePolicy
from kagit.findings import Issue, Severity
from kagit.shapes import text
from kagit.spelling import did_you_mean, short


def check(spec: Mapping[str, Any]) -> Iterator[Issue]:
    """What is wrong with the budget of an effective spec."""
    most, failed, parallel = (spec.get(k) for k in ("maxTrialCount", "maxFailedTrialCount", "parallelTrialCount"))
    if most is not None and most <= 0:
        yield _issue("maxTrialCount", f"is {most}; give at least 1, or remove the line for no limit", "budget-empty")
    if parallel is not None and parallel <= 0:
        yield _issue("parallelTrialCount", f"is {parallel}; give at least 1, or remove the line for 3", "budget-empty")
    if failed is not None and failed < 0:
        yield _issue(
            "maxFailedTrialCount", f"is {failed}; give 0 or more, or remove the line for no limit", "budget-negative"
        )
    if most is None or most <= 0:
        return
    if parallel is not None and parallel > most:
        way = f"is {parallel}, above maxTrialCount {most}; give at most {most}"
        yield _issue("parallelTrialCount", way, "parallel-above-max")
    if failed is not None and failed > most:
        way = f"is {failed}, above maxTrialCount {most}, so that failures never end it; give at most {most}"
        yield _issue("maxFailedTrialCount", way, "failed-above-max", Severity.WARNING)


def check_resume(spec: Mapping[str, Any]) -> Iterator[Issue]:
    """Whether resumePolicy is one of Katib's."""
    policy, known = text(spec.get("resumePolicy")), tuple(str(one) for one in ResumePolicy)
    if policy and policy not in known:
        yield _issue("resumePolicy", f"is {short(policy)!r}; {did_you_mean(policy, known)}", "resume-unknown")


def _issue(field: str, text_: str, slug: str, severity: Severity = Severity.ERROR) -> Issue:
    return Issue(at=("spec", field), message=f"{field} {text_}", slug=slug, severity=severity)
