"""Rules on the name, the counts, the objective and the algorithms of an Experiment."""

from kagit import names
from kagit.experiment import ResumePolicy
from kagit.objective import ObjectiveType, Strategy
from kagit.v1beta1.admission.cel import Rule, filled, listed, short, twice, value

_POLICIES = tuple(ResumePolicy)
_TYPES = tuple(ObjectiveType)
_STRATEGIES = tuple(Strategy)
_STRATEGY = value("value")
_STRATEGY_NAME = value("name")
_NAME = "self.metadata.name"
_LIMIT = names.MAX_EXPERIMENT_NAME


def _missing(field: str, says: str, *, slug: str, at: str = "spec") -> Rule:
    return Rule(at=at, slug=slug, rule=f"has(self.{field})", says=says, field=f".{field}" if at else "")


_METADATA = (
    Rule(
        slug="name-invalid",
        rule=f"{_NAME}.size() <= {_LIMIT}",
        says=f"name '%s' has %s characters; shorten it to at most {_LIMIT}, its trials' names are longer",
        of=(short(_NAME), f"{_NAME}.size()"),
    ),
    Rule(
        slug="name-invalid",
        rule=f"{_NAME}.size() > {_LIMIT} || {_NAME}.matches('^{names.EXPERIMENT_NAME.pattern}$')",
        says="name '%s' is no legal name; "
        "start with a lower-case letter, go on with lower-case letters, digits and '-'",
        of=(_NAME,),
    ),
    _missing(
        "spec",
        "spec is missing; give objective, algorithm, parameters and trialTemplate",
        slug="spec-missing",
        at="",
    ),
)
_COUNTS = (
    Rule(
        at="spec.maxTrialCount",
        slug="budget-empty",
        rule="self > 0",
        says="maxTrialCount is %s; give at least 1, or remove the line for no limit",
        of=("self",),
    ),
    Rule(
        at="spec.parallelTrialCount",
        slug="budget-empty",
        rule="self > 0",
        says="parallelTrialCount is %s; give at least 1, or remove the line for 3",
        of=("self",),
    ),
    Rule(
        at="spec.maxFailedTrialCount",
        slug="budget-negative",
        rule="self >= 0",
        says="maxFailedTrialCount is %s; give 0 or more, or remove the line for no limit",
        of=("self",),
    ),
    Rule(
        at="spec",
        slug="parallel-above-max",
        rule="!has(self.maxTrialCount) || !has(self.parallelTrialCount) || self.maxTrialCount <= 0"
        " || self.parallelTrialCount <= self.maxTrialCount",
        says="parallelTrialCount is %s, above maxTrialCount %s; give at most %s",
        of=("self.parallelTrialCount", "self.maxTrialCount", "self.maxTrialCount"),
        field=".parallelTrialCount",
    ),
    Rule(
        at="spec.resumePolicy",
        slug="resume-unknown",
        rule=f"self in {listed(['', *_POLICIES])}",
        says=f"resumePolicy is '%s'; known are {', '.join(_POLICIES)}",
        of=(short("self"),),
    ),
)
_OBJECTIVE = (
    _missing("objective", "objective is missing; give type and objectiveMetricName", slug="objective-missing"),
    filled("spec.objective", "type", "objective-type-missing", "objective has no type; give minimize or maximize"),
    Rule(
        at="spec.objective.type",
        slug="objective-type-unknown",
        rule=f"self in {listed(['', *_TYPES])}",
        says=f"type is '%s'; known are {', '.join(_TYPES)}",
        of=(short("self"),),
    ),
    filled(
        "spec.objective",
        "objectiveMetricName",
        "metric-missing",
        "objective has no objectiveMetricName; give the name as the trial prints it",
    ),
    Rule(
        at="spec.objective",
        slug="metric-twice",
        rule="!has(self.objectiveMetricName) || self.objectiveMetricName == '' || !has(self.additionalMetricNames)"
        " || !(self.objectiveMetricName in self.additionalMetricNames)",
        says="%s is the objective already; remove it from additionalMetricNames",
        of=(short("self.objectiveMetricName"),),
        field=".additionalMetricNames",
    ),
    Rule(
        at="spec.objective.additionalMetricNames[]",
        slug="metric-missing",
        rule="self != ''",
        says="metric name is empty; give one or remove the line",
    ),
    Rule(
        at="spec.objective.metricStrategies[]",
        slug="strategy-unknown",
        rule=f"{_STRATEGY} in {listed(_STRATEGIES)}",
        says=f"strategy of %s is '%s'; known are {', '.join(_STRATEGIES)}",
        of=(short(_STRATEGY_NAME), short(_STRATEGY)),
        field=".value",
    ),
)


def _algorithm(field: str) -> tuple[Rule, ...]:
    at = f"spec.{field}"
    return (
        filled(at, "algorithmName", "algorithm-missing", f"{field} has no algorithmName; give one"),
        Rule(
            at=f"{at}.algorithmSettings[]",
            slug="setting-missing",
            rule="self.name != ''",
            says="setting has no name; give one or remove it",
        ),
        twice(f"{at}.algorithmSettings", "name", "setting-twice", "setting %s is there twice; remove one"),
    )


RULES = (
    *_METADATA,
    *_COUNTS,
    *_OBJECTIVE,
    _missing("algorithm", "algorithm is missing; give algorithmName, e.g. random", slug="algorithm-missing"),
    *_algorithm("algorithm"),
    *_algorithm("earlyStopping"),
)
