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
    RetryTrial,
    SetStatus,
    StartRun,
    StartTrial,
)
from reconciler.core import asking, budget, explain, intake, trials, verdict
from reconciler.core.intake import Word
from reconciler.world import Best, Counts, Run, World

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
        case Word.EXTEND | Word.RESTART:
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
    seed = intake.seed(namespace=spec.namespace, name=spec.name, run=number, spec_digest=spec.run_digest)
    return (StartRun(experiment=spec, number=number, seed=seed, source=world.wanted.source),)


def _leave(world: World, word: Word) -> Plan:
    """Stop what runs; once all is quiet, begin the new run or delete."""
    ending = tuple(action for one in world.live for action in trials.decide(world, one, wanted=False))
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
            c.drop(conditions, "Succeeded", "Failed"),
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
    over = run.is_over
    current = {one.trial.name for one in world.live if one.trial.run == run.number}
    deeds: list[Action] = []
    spent = budget.is_spent(run.experiment, world.counts)
    for one in world.live:
        begins = one.sighting is None
        deeds += trials.decide(world, one, wanted=not over and one.trial.name in current and not (spent and begins))
    counts, best = _after(world, deeds, run)
    decided = None
    if not over:
        decided = verdict.of(
            run=run, counts=counts, best=best, exhausted=world.exhausted, waiting=len(world.suggestions)
        )
        if decided is None:
            missing = budget.missing_trials(run.experiment, counts)
            deeds += asking.create(world, missing)
            deeds += asking.ask(world, missing)
        else:  # nothing begins in the moment in which the experiment ends
            deeds = [deed for deed in deeds if not isinstance(deed, StartTrial | RetryTrial)]
    deeds += _status(world, run=run, counts=counts, decided=decided)
    return Plan(actions=tuple(deeds), waiting=explain.waiting(world, over=over or decided is not None))


def _after(world: World, deeds: Sequence[Action], run: Run) -> tuple[Counts, Best | None]:
    """Counts and best trial as they will be when the deeds are done."""
    counts, best = world.counts, world.best
    phases = {one.trial.name: one.trial for one in world.live}
    for deed in deeds:
        if isinstance(deed, FinishTrial) and phases[deed.name].run == run.number:
            counts = counts.moved(phases[deed.name].phase, deed.phase)
            ended = replace(phases[deed.name], phase=deed.phase, observation=deed.observation)
            best = better(run.experiment.objective, best, trial=ended)
    return counts, best


def better(objective: Objective, best: Best | None, *, trial: Trial) -> Best | None:
    """The better of the best so far and another trial that came to a result; of equals the one with the lower index."""
    value = objective.value(trial.observation) if trial.phase in COUNTED else None
    if value is None:
        return best
    new = Best(trial=trial.name, index=trial.index, value=value)
    if best is None or objective.better(value, best.value):
        return new
    return new if value == best.value and trial.index < best.index else best


def _status(world: World, *, run: Run, counts: Counts, decided: verdict.Verdict | None) -> tuple[SetStatus, ...]:
    """A status write where conditions change, when all is quiet, or once a second while counters move."""
    conditions = verdict.conditions(run=run, counts=counts, verdict=decided, now=world.now)
    changed = conditions != run.conditions
    if not changed and not (
        world.changes and (world.status_age >= STATUS_INTERVAL or (run.is_over and not world.live))
    ):
        return ()
    ended = decided is not None
    completed = world.now if ended else run.completed
    return (SetStatus(conditions=conditions, started=run.started or world.now, completed=completed),)
