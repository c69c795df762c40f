"""What a manifest means for the run that is there: create, extend, restart, new run, refuse, delete or nothing."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from kagit import names, wishes
from kagit.conditions import Condition, find
from kagit.experiment import Experiment, ResumePolicy
from kagit.trial import Phase
from reconciler.world import Counts, Run, Wanted

_ENDS = {
    "ExperimentGoalReached": "it reached its goal",
    "ExperimentSuggestionEndReached": "its search space is exhausted",
    "ExperimentMaxDurationReached": "its time was up",
    "ExperimentNoMoreGain": "its last trials brought no gain",
}
"""Why an experiment that succeeded has no use for more trials."""
_WISHES = {
    "ExperimentMaxDurationReached": names.ANNOTATION_MAX_DURATION,
    "ExperimentNoMoreGain": names.ANNOTATION_WITHOUT_GAIN,
}
"""The wish by which an experiment ended: it goes on once that allows it."""
_RESTARTABLE = frozenset({"ExperimentMaxTrialsReached", *_WISHES})


class Word(StrEnum):
    """What would happen, in the words of `kagit plan`."""

    CREATE = "create"
    EXTEND = "extend"
    RESTART = "restart"
    SUSPEND = "suspend"
    RESUME = "resume"
    NEW_RUN = "new run"
    REFUSE = "refuse"
    DELETE = "delete"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """The decision and its reason, for people."""

    word: Word
    reason: str


def decide(
    *, wanted: Wanted | None, run: Run | None, refusal: str = "", listed: bool = True, counts: Counts | None = None
) -> Intake:
    """Compare what is wanted with what is there (ARCHITECTURE.md section 3, Katib's update rules in katib.md 3.3).

    `counts` are the trials of the run.
    """
    if wanted is None:
        if not listed:
            return Intake(word=Word.NOTHING, reason="the source could not be read; what runs goes on")
        return _gone(run)
    if wanted.experiment is None:
        return Intake(word=Word.REFUSE, reason="; ".join(wanted.errors))
    if run is None:
        return _refused(refusal) or Intake(word=Word.CREATE, reason="a new experiment")
    if run.number <= wanted.after:
        return _refused(refusal) or Intake(word=Word.NEW_RUN, reason="it is to be run once more")
    return _changed(spec=wanted.experiment, run=run, refusal=refusal, counts=counts or Counts())


def _gone(run: Run | None) -> Intake:
    if run is None:
        return Intake(word=Word.NOTHING, reason="neither wanted nor there")
    return Intake(word=Word.DELETE, reason="its manifest is gone from the repository")


def _changed(*, spec: Experiment, run: Run, refusal: str, counts: Counts) -> Intake:
    if asked_seed(spec) not in (None, run.seed):
        reason = f"{names.ANNOTATION_SEED} {run.seed} → {asked_seed(spec)}; run {run.number} is kept for comparison"
        return _refused(refusal) or Intake(word=Word.NEW_RUN, reason=reason)
    if spec.spec_digest == run.experiment.spec_digest and spec.wishes == run.experiment.wishes:
        return Intake(word=Word.NOTHING, reason="its spec has not changed")
    if spec.annotations.get(names.ANNOTATION_ON_SPEC_CHANGE) == "refuse":
        reasons = "; ".join(_katib(new=spec, run=run, counts=counts))
        if reasons:
            way = f"undo the change, or remove the annotation {names.ANNOTATION_ON_SPEC_CHANGE} for a new run"
            return Intake(word=Word.REFUSE, reason=f"{reasons}; {way}")
    if spec.run_digest == run.experiment.run_digest:
        return _budget(new=spec, run=run, counts=counts)
    return _refused(refusal) or Intake(
        word=Word.NEW_RUN, reason=f"its spec changed; run {run.number} is kept for comparison"
    )


def _refused(refusal: str) -> Intake | None:
    return Intake(word=Word.REFUSE, reason=refusal) if refusal else None


def _katib(*, new: Experiment, run: Run, counts: Counts) -> Iterator[str]:
    """Why Katib's webhook refuses an update, all of its reasons in its order (katib.md 3.3)."""
    old = run.experiment
    if run.is_over and not (_used_up(run) and old.resume is not ResumePolicy.NEVER):
        yield (
            "spec.resumePolicy: it is over, and only what used its maxTrialCount under "
            "resumePolicy LongRunning or FromVolume may be restarted"
        )
    if new.max_trials is not None and new.max_trials <= counts.total:
        yield f"spec.maxTrialCount: {new.max_trials} is not above the {counts.total} trials that exist"
    if new.run_digest != old.run_digest or new.resume is not old.resume:
        yield "spec: only parallelTrialCount, maxTrialCount and maxFailedTrialCount may change"


def _used_up(run: Run) -> bool:
    done = find(run.conditions, "Succeeded")
    return done is not None and done.reason == "ExperimentMaxTrialsReached"


def _budget(*, new: Experiment, run: Run, counts: Counts) -> Intake:
    """Only the three counts, the resume policy or the wishes of its author differ."""
    old = run.experiment
    said = _said(old=old, new=new)
    if run.is_over:
        return _after_the_end(new=new, run=run, said=said)
    if new.wishes.suspended != old.wishes.suspended:
        word = Word.SUSPEND if new.wishes.suspended else Word.RESUME
        how = f"{names.ANNOTATION_SUSPEND} is {'true' if new.wishes.suspended else 'no longer true'}"
        return Intake(word=word, reason=", ".join(part for part in (how, said) if part))
    return Intake(word=Word.EXTEND, reason=(said or "resumePolicy changed") + _soon(new, counts))


def _said(*, old: Experiment, new: Experiment) -> str:
    """What changed, in words."""
    counts = (("maxTrialCount", old.max_trials, new.max_trials), ("parallelTrialCount", old.parallel, new.parallel),
              ("maxFailedTrialCount", old.max_failed, new.max_failed))  # fmt: skip
    parts = [f"{name} {_limit(was)} → {_limit(is_)}" for name, was, is_ in counts if was != is_]
    return ", ".join([*parts, *wishes.changes(old.annotations, new.annotations)])


def _after_the_end(*, new: Experiment, run: Run, said: str) -> Intake:
    """It is over: more trials, or more of what it was ended by, may begin it again."""
    old = run.experiment
    done = find(run.conditions, "Succeeded")
    wish = _WISHES.get(done.reason, "") if done is not None else ""
    allowed = _allows_more(wish, old=old.wishes, new=new.wishes)
    if allowed or _grows(old=old.max_trials, new=new.max_trials):
        return _restart(new=new, done=done, said=said, lacks="" if allowed else wish)
    if new.wishes.stops_trials != old.wishes.stops_trials:
        return Intake(word=Word.EXTEND, reason=f"{said}, for what still runs")
    what = said or (f"{names.ANNOTATION_SUSPEND} changed" if new.wishes != old.wishes else "resumePolicy changed")
    return Intake(word=Word.NOTHING, reason=f"{what}, but it is over")


def _soon(new: Experiment, counts: Counts) -> str:
    """What a lowered budget means for the trials that are there: nothing is deleted, what runs may end."""
    if new.max_failed is not None and 0 < counts.failed >= new.max_failed:
        return f"; {counts.failed} have failed already, so it ends as failed"
    if new.max_trials is None or counts.total < new.max_trials:
        return ""
    active = counts.of(Phase.CREATED, Phase.RUNNING)
    if counts.over < new.max_trials:
        return f"; {counts.total} trials exist already, so no more are begun"
    when = f"as soon as the {active} that run are over" if active else "at once"
    return f"; {counts.total} trials exist already, so it ends {when}, and none is deleted"


def _allows_more(wish: str, *, old: wishes.Wishes, new: wishes.Wishes) -> bool:
    """Whether the wish that has ended an experiment would not end it there any more."""
    if wish == names.ANNOTATION_MAX_DURATION:
        return _grows(old=old.max_duration, new=new.max_duration)
    before, after = old.without_gain, new.without_gain
    if wish != names.ANNOTATION_WITHOUT_GAIN or before is None:
        return False
    if after is None:
        return True
    smaller = after.least < before.least or after.relative != before.relative
    return after.trials > before.trials or (after.trials == before.trials and smaller)


def _restart(*, new: Experiment, done: Condition | None, said: str, lacks: str) -> Intake:
    """More was granted to an experiment that is over; `lacks` is the wish that would end it again."""
    if done is None or done.reason not in _RESTARTABLE or lacks:
        why = "it failed" if done is None else _ENDS.get(done.reason, "it is over")
        way = f"raise {lacks}, too" if lacks else "change its objective or space for a new run"
        return Intake(word=Word.REFUSE, reason=f"{why}, so more trials change nothing; {way}")
    if new.resume is ResumePolicy.NEVER:
        return Intake(
            word=Word.REFUSE,
            reason=f"{said}, but it is over and resumePolicy is Never; set resumePolicy to LongRunning to go on",
        )
    return Intake(word=Word.RESTART, reason=said)


def _limit(count: int | None) -> str:
    return "no limit" if count is None else str(count)


def _grows(*, old: int | None, new: int | None) -> bool:
    return old is not None and (new is None or new > old)


def seed(*, namespace: str, name: str, run: int, spec_digest: str) -> int:
    """The seed of a run: derived, so that the same push gives the same points; 0 <= seed < 2**31."""
    text = f"{namespace}/{name}/{run}/{spec_digest}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) >> 1


def asked_seed(spec: Experiment) -> int | None:
    """The seed that the author has chosen; None where it is left to us. The checks have seen it."""
    given = spec.annotations.get(names.ANNOTATION_SEED)
    return int(given) if given else None
