"""What else is to be said of trials, as columns of their table and of trials.csv: only those that say something."""

from collections.abc import Callable, Sequence

from kagit import names
from kagit.spelling import short
from kagit.trial import Comparison, EarlyStoppingRule, Phase, Trial
from reports import aims
from reports.contract import ReportData
from reports.tables import Cell, Remark, foreign

Say = Callable[[Trial], str]


def of(data: ReportData, kept: Sequence[Trial]) -> tuple[Remark, ...]:
    """The columns that this experiment needs; `kept` are the trials of the front."""
    objective, ahead = data.experiment.objective, {trial.name for trial in kept}
    found: list[Remark] = []
    if objective.others:
        found.append(Remark(title="Pareto front", name="front", say=lambda one: "yes" if one.name in ahead else ""))
    if objective.constraints:
        found.append(Remark(title="Constraints", name="breaks", say=lambda one: aims.breaks(objective, one)))
    sometimes: tuple[tuple[str, str, Say], ...] = (
        ("Goes on from", "parent", lambda one: parent(data, one)),
        ("Result of", "result_of", lambda one: one.result_of),
        ("Stopped by", "stopped_by", stopped),
    )
    for title, name, say in sometimes:
        if any(say(trial) for trial in data.trials):
            found.append(Remark(title=title, name=name, say=say))
    return tuple(found)


def parent(data: ReportData, trial: Trial) -> str:
    """The trial whose checkpoint it goes on from; empty where there is none."""
    if trial.parent is None:
        return ""
    return names.trial_name(experiment=data.experiment.name, run=trial.run, index=trial.parent)


def origins(data: ReportData, trial: Trial) -> tuple[tuple[str, Cell], ...]:
    """What a trial owes to others, as sentences that end in a name."""
    said = (("Goes on from", parent(data, trial)), ("Took the result of", trial.result_of))
    return tuple((words, foreign(name)) for words, name in said if name)


def stopped(trial: Trial) -> str:
    """The early stopping rules of a trial that they have stopped."""
    return "; ".join(map(_rule, trial.rules)) if trial.phase is Phase.EARLY_STOPPED else ""


def _rule(one: EarlyStoppingRule) -> str:
    metric, at, bound = short(one.metric), f"from report {one.start_step}", short(one.value)
    if one.comparison is Comparison.STALE:
        return f"{metric} without a gain above {bound} in {one.patience} reports"
    if one.comparison is Comparison.OUTSIDE:
        return f"{metric} outside {bound} {at}"
    word = {Comparison.EQUAL: "equal to", Comparison.LESS: "less than", Comparison.GREATER: "greater than"}
    later = f", later others: {len(one.later)}" if one.later else ""
    return f"{metric} {word[one.comparison]} {bound} {at}{later}"
