"""Effective specs into words. Law: the checks have passed, or what does not fit reads as empty."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from kagit import names
from kagit.experiment import Algorithm, Collector, TrialParameter, TrialTemplate
from kagit.objective import Objective, ObjectiveType, Strategy
from kagit.search import constraints, objectives
from kagit.shapes import at, mapping, sequence, text
from kagit.space import Distribution, Parameter, ParameterType, Space


def space(parameters: object) -> Space:
    """The search space of `spec.parameters`."""
    return Space(tuple(_parameter(mapping(one)) for one in sequence(parameters)))


def _parameter(fields: Mapping[str, Any]) -> Parameter:
    feasible = mapping(fields.get("feasibleSpace"))
    distribution = text(feasible.get("distribution"))
    return Parameter(
        name=text(fields.get("name")),
        type=ParameterType(text(fields.get("parameterType"))),
        minimum=_decimal(feasible.get("min")),
        maximum=_decimal(feasible.get("max")),
        step=_decimal(feasible.get("step")),
        values=tuple(sequence(feasible.get("list"))),
        distribution=Distribution.UNIFORM if distribution == "unknown" else Distribution(distribution),
    )


def _decimal(value: object) -> Decimal | None:
    return Decimal(value) if isinstance(value, str) and value else None


def objective(fields: Mapping[str, Any]) -> Objective:
    """The objective with its strategies."""
    goal = fields.get("goal")
    return Objective(
        type=ObjectiveType(text(fields.get("type"))),
        metric=text(fields.get("objectiveMetricName")),
        goal=None if goal is None else float(goal),
        additional=tuple(dict.fromkeys(sequence(fields.get("additionalMetricNames")))),
        strategies={
            text(at(one, "name")): Strategy(at(one, "value")) for one in sequence(fields.get("metricStrategies"))
        },
    )


def aimed(one: Objective, annotations: Mapping[str, str], *, given: Mapping[str, Any]) -> Objective:
    """The objective with what annotations add: further objectives, and constraints.

    `given` is the objective as its author wrote it: without a strategy there, each objective counts its best reading,
    and each constraint the worst.
    """
    others = objectives(annotations.get(names.ANNOTATION_OBJECTIVES, "")) or {}
    kept = constraints(annotations.get(names.ANNOTATION_CONSTRAINTS, "")) or ()
    if not others and not kept:
        return one
    chosen = {text(at(strategy, "name")) for strategy in sequence(given.get("metricStrategies"))}
    bound = {limit.metric: Strategy.MAX if limit.sign == "<=" else Strategy.MIN for limit in kept}
    best = {name: Strategy(kind.value[:3]) for name, kind in others.items()}
    free = {name: way for name, way in {**bound, **best}.items() if name != one.metric and name not in chosen}
    return replace(one, others=others, constraints=kept, strategies={**one.strategies, **free})


def algorithm(fields: Mapping[str, Any]) -> Algorithm:
    """Algorithm name and settings."""
    settings = {text(at(one, "name")): text(at(one, "value")) for one in sequence(fields.get("algorithmSettings"))}
    return Algorithm(name=text(fields.get("algorithmName")), settings=settings)


def template(fields: Mapping[str, Any]) -> TrialTemplate:
    """The trial template, conditions as they stand."""
    spec, config = fields.get("trialSpec"), fields.get("configMap")
    return TrialTemplate(
        trial_spec=None if spec is None else dict(mapping(spec)),
        config_map=None if config is None else dict(mapping(config)),
        parameters=tuple(_trial_parameter(mapping(one)) for one in sequence(fields.get("trialParameters"))),
        primary_container=text(fields.get("primaryContainerName")),
        primary_pod_labels=dict(mapping(fields.get("primaryPodLabels"))),
        success_condition=text(fields.get("successCondition")),
        failure_condition=text(fields.get("failureCondition")),
        retain=fields.get("retain") is True,
    )


def _trial_parameter(fields: Mapping[str, Any]) -> TrialParameter:
    name, reference, description = (text(fields.get(key)) for key in ("name", "reference", "description"))
    return TrialParameter(name=name, reference=reference, description=description)


def collector(fields: Mapping[str, Any]) -> Collector:
    """The metrics collector; `source` and the custom container keep their Katib form."""
    custom = at(fields, "collector", "customCollector")
    return Collector(
        kind=text(at(fields, "collector", "kind")),
        filters=tuple(sequence(at(fields, "source", "filter", "metricsFormat"))),
        source=dict(mapping(fields.get("source"))),
        custom=None if custom is None else dict(mapping(custom)),
    )
