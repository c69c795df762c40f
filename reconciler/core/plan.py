"""The program as one pure function: from a world to what must be done in it."""

from collections.abc import Sequence
from dataclasses import replace

from kagit import conditions as c
from kagit.objective import Objective
from kagit.trial import COUNTED, Trial
from reconciler.actions import (
    Action,
    DeleteExperiment,
    ExtendRun,
    FinishTrial,
    Plan,
    RecordCreated,
    RetryTrial,
    SetStatus,
    StartRun,
    StartTrial,
)
from reconciler.core import asking, budget, deadline, explain, intake, service, trials, verdict
from reconciler.core.intake import Word
from reconciler.core.trials import Aim
from reconciler.world import Best, Counts, Live, Recent, Run, World

STATUS_INTERVAL = 1.0
"""Seconds between two writes of a status in which only counters have moved."""


def plan(world: World) -> Plan:
    """What to do next for one experiment; empty when there is nothing to do."""
    taken = intake.decide(
        wanted=world.wanted, run=world.run, refusal=world.refusal, listed=world.listed, counts=world.counts
    )
    match taken.word:
        case Word.CREATE:
            return Plan(actions=_start_run(world, number=world.last_run + 1))
        case Word.NEW_RUN | Word.DELETE:
            return _leave(world, taken.word)
        case Word.EXTEND | Word.RESTART | Word.SUSPEND | Word.RESUME:
            return Plan(actions=_extend(world, taken.word))
        case Word.REFUSE:
            going = _go_on(world)
            return replace(going, waiting=(f"Refused({taken.reason})", *going.waiting))
        case Word.NOTHING:
            return _go_on(world)


def _start_run(world: World, *, number: int) -> tuple[Action, ...]:
    if world.wanted is None or world.wanted.experiment is None:
        return ()
    spec = world.wanted.experiment
    seed = intake.asked_seed(spec)
    if seed is None:
        seed = intake.seed(namespace=spec.namespace, name=spec.name, run=number, spec_digest=spec.run_digest)
    return (StartRun(experiment=spec, number=number, seed=seed, source=world.wanted.source),)


def _leave(world: World, word: Word) -> Plan:
    """Stop what runs; once all is quiet, begin the new run or delete."""
    ending = tuple(action for one in world.live for action in trials.decide(world, one, aim=Aim.END))
    if ending or world.live:
        return Plan(actions=ending, waiting=(f"StoppingTrials({len(world.live)})",))
    run = world.run
    if run is None:
        return Plan()
    if word is Word.DELETE:
        return Plan(actions=(DeleteExperiment(run=run.number),))
    return Plan(actions=_start_run(world, number=max(run.number, world.last_run) + 1))


def _extend(world: World, word: Word) -> tuple[Action, ...]:
    if world.run is None or world.wanted is None or world.wanted.experiment is None:
        return ()
    conditions = world.run.conditions
    if word is Word.RESTART:
        conditions = c.put(
            c.drop(conditions, "Succeeded", "Failed", "Restarting"),  # it tells when the last restart was
            type_="Restarting",
            reason="ExperimentRestarting",
            message="Experiment is restarted",
            now=world.now,
        )
    return (ExtendRun(experiment=world.wanted.experiment, conditions=conditions),)


def _go_on(world: World) -> Plan:
    """Drive the run that is there."""
    run = world.run
    if run is None:
        return Plan()
    left = deadline.left(run, now=world.now)
    late = left is not None and left <= 0
    stopping = run.is_suspended or (run.is_over and (late or run.experiment.wishes.stops_trials))
    deeds: list[Action] = []
    spent = budget.is_spent(run.experiment, world.counts)
    for one in world.live:
        deeds += trials.decide(world, one, aim=_aim(one, run, stopping=stopping, spent=spent))
    counts, best, recent = _after(world, deeds, run)
    decided = None
    if not run.is_over:
        decided = verdict.of(
            verdict.Standing(
                run=run,
                counts=counts,
                best=best,
                recent=recent,
                exhausted=world.exhausted,
                waiting=len(world.suggestions),
                late=late,
            )
        )
        deeds = _search(world, run, deeds, counts=counts, ends=decided is not None)
    over = run.is_over or decided is not None
    deeds += _status(world, run=run, counts=counts, decided=decided)
    deeds += _created(world, deeds)
    deeds += service.decide(world, deeds, over=over)
    ends = stopping or (decided is not None and run.experiment.wishes.stops_trials)
    return Plan(
        actions=tuple(deeds),
        waiting=explain.waiting(world, over=over, stopping=ends),
        wake=left if left is not None and left > 0 and (world.live or not over) else None,
    )


def _aim(live: Live, run: Run, *, stopping: bool, spent: bool) -> Aim:
    if live.trial.run != run.number or (spent and live.sighting is None):
        return Aim.END
    if run.is_over:
        return Aim.END if stopping else Aim.FINISH
    return Aim.PAUSE if stopping else Aim.RUN


def _search(world: World, run: Run, deeds: list[Action], *, counts: Counts, ends: bool) -> list[Action]:
    """What the search goes on with, after these deeds on its trials; nothing begins in the moment in which it ends."""
    if ends:
        return [deed for deed in deeds if not isinstance(deed, StartTrial | RetryTrial)]
    if run.is_suspended:
        return deeds
    missing = budget.missing_trials(run.experiment, counts)
    return [*deeds, *asking.create(world, missing), *asking.ask(world, missing)]


def _after(world: World, deeds: Sequence[Action], run: Run) -> tuple[Counts, Best | None, Recent]:
    """Counts, best trial and last results as they will be when the deeds are done."""
    counts, best, recent, objective = world.counts, world.best, world.recent, run.experiment.objective
    phases = {one.trial.name: one.trial for one in world.live}
    for deed in deeds:
        if isinstance(deed, FinishTrial) and phases[deed.name].run == run.number:
            counts = counts.moved(phases[deed.name].phase, deed.phase)
            ended = replace(phases[deed.name], phase=deed.phase, observation=deed.observation)
            best = better(objective, best, trial=ended)
            value = ended.result(objective)
            recent = recent if value is None else recent.add(ended.index, value, objective)
    return counts, best, recent


def better(objective: Objective, best: Best | None, *, trial: Trial) -> Best | None:
    """The better of the best so far and another trial that came to a result; of equals the one with the lower index.

    One that came to words cannot be compared: it is the best, and of several the last by index is.
    """
    if trial.phase not in COUNTED or any(objective.excess(trial.observation)):
        return best
    value = objective.value(trial.observation)
    new = Best(trial=trial.name, index=trial.index, value=value)
    if value is None:
        if not objective.words(trial.observation):
            return best
        return new if best is None or best.value is not None or trial.index > best.index else best
    if best is None or (best.value is not None and objective.better(value, best.value)):
        return new
    return new if value == best.value and trial.index < best.index else best


def _status(world: World, *, run: Run, counts: Counts, decided: verdict.Verdict | None) -> tuple[SetStatus, ...]:
    """A status write where conditions change, when all is quiet, or once a second while counters move."""
    conditions = verdict.conditions(run=run, counts=counts, verdict=decided, now=world.now)
    changed = conditions != run.conditions
    still = (run.is_over and not world.live) or (run.is_suspended and all(one.sighting is None for one in world.live))
    if not changed and not (world.changes and (world.status_age >= STATUS_INTERVAL or still)):
        return ()
    ended = decided is not None
    completed = world.now if ended else run.completed
    return (SetStatus(conditions=conditions, started=run.started or world.now, completed=completed),)


def _created(world: World, deeds: Sequence[Action]) -> tuple[RecordCreated, ...]:
    """With a status goes that of the trials that wait: one that starts at once is written down when it runs."""
    if not any(isinstance(deed, SetStatus) for deed in deeds):
        return ()
    ended = {deed.name for deed in deeds if isinstance(deed, FinishTrial)}
    fresh = (one for one in world.live if not one.recorded and one.sighting is None)
    return tuple(RecordCreated(name=one.trial.name) for one in fresh if one.trial.name not in ended)
