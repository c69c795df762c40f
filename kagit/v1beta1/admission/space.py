"""Rules on the search space of an Experiment."""

from kagit.space import Distribution, ParameterType
from kagit.v1beta1.admission.cel import NUMBER, Rule, filled, listed, quoted, short, those, twice, value

_TYPES = tuple(ParameterType)
_DISTRIBUTIONS = tuple(Distribution)
_ITEM = "spec.parameters[]"
_CONTROL = r"[\x00-\x1f\x7f]"
_NAME = short(value("name"))
_TYPE = value("parameterType")
_DISTRIBUTION = value("feasibleSpace.distribution")
_IS_RANGE = f"{_TYPE} in {listed(['double', 'int'])}"
_IS_LIST = f"{_TYPE} in {listed(['categorical', 'discrete'])}"
_HAS_LIST = "(has(self.feasibleSpace) && has(self.feasibleSpace.list) && self.feasibleSpace.list.size() > 0)"


def _value(key: str) -> str:
    return value(f"feasibleSpace.{key}")


def _given(key: str) -> str:
    return f"{_value(key)} != ''"


def _number(key: str) -> str:
    """Whether a bound is there and a number; a rule that needs the number is silent where it is none."""
    return f"{_value(key)}.matches({quoted(NUMBER)})"


_EMPTY = f"!({_given('min')} || {_given('max')} || {_given('step')} || {_HAS_LIST})"
_SPACE = ".feasibleSpace"


def _numeric(key: str) -> tuple[Rule, Rule]:
    what = f"{key} of %s is '%s', not a"
    of = (_NAME, short(_value(key)))
    return (
        Rule(
            at=_ITEM,
            slug="not-a-number",
            rule=f"!({_IS_RANGE}) || {_value(key)} == '' || {_number(key)}",
            says=f"{what} number; give one",
            of=of,
            field=f"{_SPACE}.{key}",
        ),
        Rule(
            at=_ITEM,
            slug="not-a-number",
            rule=f"{_TYPE} != 'int' || !{_number(key)} || double(int(double({_value(key)}))) == double({_value(key)})",
            says=f"{what} whole number below 2**63; give one, or make the parameter double",
            of=of,
            field=f"{_SPACE}.{key}",
        ),
    )


def _end(key: str) -> Rule:
    return Rule(
        at=_ITEM,
        slug="range-incomplete",
        rule=f"!({_IS_RANGE}) || {_EMPTY} || {_given(key)}",
        says=f"%s has no {key}; give one",
        of=(_NAME,),
        field=f"{_SPACE}.{key}",
    )


_IDENTITY = (
    Rule(
        at="spec",
        slug="parameters-missing",
        rule="(has(self.parameters) && self.parameters.size() > 0) || has(self.nasConfig)",
        says="there is nothing to search; give at least one parameter under parameters",
    ),
    Rule(
        at="spec",
        slug="parameters-and-nas",
        rule="!(has(self.parameters) && self.parameters.size() > 0 && has(self.nasConfig))",
        says="parameters and nasConfig exclude each other; remove one",
    ),
    filled(_ITEM, "name", "parameter-name-missing", "parameter has no name; give one"),
    Rule(
        at=_ITEM,
        slug="parameter-name-invalid",
        rule=f"!{value('name')}.matches({quoted(_CONTROL)})",
        says="parameter name '%s' has a line end or control character; use letters, digits, '_' and '-'",
        of=(_NAME,),
        field=".name",
    ),
    twice("spec.parameters", "name", "parameter-twice", "parameter %s is there twice; rename or remove one"),
    Rule(
        at=_ITEM,
        slug="parameter-type-unknown",
        rule=f"{_TYPE} != ''",
        says=f"parameterType of %s is missing; give {', '.join(_TYPES)}",
        of=(_NAME,),
        field=".parameterType",
    ),
    Rule(
        at=_ITEM,
        slug="parameter-type-unknown",
        rule=f"{_TYPE} in {listed(['', *_TYPES])}",
        says=f"parameterType of %s is '%s'; known are {', '.join(_TYPES)}",
        of=(_NAME, short(_TYPE)),
        field=".parameterType",
    ),
    Rule(
        at=_ITEM,
        slug="distribution-unknown",
        rule=f"{_DISTRIBUTION} in {listed(['', *_DISTRIBUTIONS, 'unknown'])}",
        says=f"distribution of %s is '%s'; known are {', '.join(_DISTRIBUTIONS)}",
        of=(_NAME, short(_DISTRIBUTION)),
        field=f"{_SPACE}.distribution",
    ),
    Rule(
        at=_ITEM,
        slug="space-empty",
        rule=f"!({_EMPTY})",
        says="feasibleSpace of %s is empty; give min and max, or a list",
        of=(_NAME,),
    ),
)
_RANGES = (
    Rule(
        at=_ITEM,
        slug="list-on-range",
        rule=f"!({_IS_RANGE}) || !{_HAS_LIST}",
        says="%s is a number between min and max, but has a list; remove it, or make it discrete",
        of=(_NAME,),
        field=f"{_SPACE}.list",
    ),
    _end("max"),
    _end("min"),
    *_numeric("min"),
    *_numeric("max"),
    *_numeric("step"),
    Rule(
        at=_ITEM,
        slug="range-inverted",
        rule=f"!({_IS_RANGE}) || !{_number('min')} || !{_number('max')}"
        f" || double({_value('min')}) <= double({_value('max')})",
        says="min of %s is %s, above max %s; swap them",
        of=(_NAME, _value("min"), _value("max")),
        field=f"{_SPACE}.min",
    ),
    Rule(
        at=_ITEM,
        slug="log-not-positive",
        rule=f"!({_IS_RANGE}) || !({_DISTRIBUTION} in {listed(['logUniform', 'logNormal'])}) || !{_number('min')}"
        f" || double({_value('min')}) > 0.0",
        says="min of %s is %s; a logarithmic distribution needs a min above 0",
        of=(_NAME, _value("min")),
        field=f"{_SPACE}.min",
    ),
    Rule(
        at=_ITEM,
        slug="step-not-positive",
        rule=f"!({_IS_RANGE}) || !{_number('step')} || double({_value('step')}) > 0.0",
        says="step of %s is %s; give a step above 0, or remove it",
        of=(_NAME, _value("step")),
        field=f"{_SPACE}.step",
    ),
)
_LISTS = (
    Rule(
        at=_ITEM,
        slug="range-on-list",
        rule=f"!({_IS_LIST}) || ({_value('min')} == '' && {_value('max')} == '' && {_value('step')} == '')",
        says="%s takes its values from a list; remove %s%s%s",
        of=(_NAME, *those(", ", {key: _given(key) for key in ("min", "max", "step")})),
        field=_SPACE,
    ),
    Rule(
        at=_ITEM,
        slug="list-empty",
        rule=f"!({_IS_LIST}) || {_EMPTY} || {_HAS_LIST}",
        says="list of %s is empty; give the values to choose from",
        of=(_NAME,),
        field=f"{_SPACE}.list",
    ),
)

RULES = (*_IDENTITY, *_RANGES, *_LISTS)
