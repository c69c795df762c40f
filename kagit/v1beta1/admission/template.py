"""Rules on the trial template of an Experiment; what stands inside trialSpec.spec cannot be seen from here."""

from kagit.v1beta1 import defaults
from kagit.v1beta1.admission.cel import Rule, filled, listed, quoted, those, twice, value
from kagit.v1beta1.checks import conditions

_AT = "spec.trialTemplate"
_SPEC = f"{_AT}.trialSpec"
_PARAMETER = f"{_AT}.trialParameters[]"
_CONFIG = ("configMapName", "configMapNamespace", "templatePath")
_LACKING = those(", ", {key: f"{value(key)} == ''" for key in _CONFIG})
_KIND = value("trialSpec.kind")
_NO_CONDITION = {field: f"{value(field)} == ''" for field in conditions.FIELDS}
_WHOSE = (
    f"(has(self.configMap) ? 'a template in a ConfigMap' : {_KIND} == '' ? 'this trial' : 'a trial of kind ')",
    f"(has(self.configMap) ? '' : {_KIND})",
)
_METADATA = r"[$][{]trialSpec[.](.+)[}]"
_KNOWN = r"[$][{]trialSpec[.](Name|Namespace|Kind|APIVersion|(Annotations|Labels)[\[].+[\]])[}]"
_HAS_BOTH = "has(self.parameters) && self.parameters.size() > 0 && has(self.trialTemplate.trialParameters)"
_NO_PARAMETERS = f"!has(self.trialTemplate) || !({_HAS_BOTH})"
_REFERENCE = value("reference", of="t")
_ALL = "self.trialTemplate.trialParameters"


def _set_for_each_trial(key: str) -> Rule:
    return Rule(
        at=_SPEC,
        slug="template-named",
        rule=f"{value(f'metadata.{key}')} == ''",
        says=f"metadata.{key} of the template is set for each trial; remove it",
        field=f".metadata.{key}",
    )


def _examples() -> tuple[str, ...]:
    """What to give, a name and an example for each condition that is missing."""
    names = those(" and ", {f"{field}, e.g. ": lacks for field, lacks in _NO_CONDITION.items()})
    found: list[str] = []
    for i, (name, lacks) in enumerate(zip(names, _NO_CONDITION.values(), strict=True)):
        example = quoted(conditions.USUAL[i])
        for kind, both in conditions.EXAMPLES.items():
            example = f"{_KIND} == {quoted(kind)} ? {quoted(both[i])} : {example}"
        found += [name, f"({lacks} ? ({example}) : '')"]
    return tuple(found)


def _references(bad: str, says: str) -> Rule:
    """Where there are parameters, no trialParameter has a `bad` reference."""
    first = f"{_ALL}.filter(t, {bad})[0].reference"
    return Rule(
        at="spec",
        slug="reference-unknown",
        rule=f"{_NO_PARAMETERS} || !{_ALL}.exists(t, {bad})",
        says=says,
        of=(first,),
        field=".trialTemplate.trialParameters",
    )


_IS_PARAMETER = f"self.parameters.exists(p, p.name == {_REFERENCE})"
_SOURCES = (
    Rule(
        at="spec",
        slug="template-missing",
        rule="has(self.trialTemplate)",
        says="trialTemplate is missing; give trialSpec with the Job to run",
        field=".trialTemplate",
    ),
    filled(
        _AT,
        "primaryContainerName",
        "container-missing",
        "trialTemplate has no primaryContainerName; give the name of the container that trains",
    ),
    Rule(
        at=_AT,
        slug="conditions-missing",
        rule=f"!({' || '.join(_NO_CONDITION.values())}) || {_KIND} in {listed(defaults.KINDS)}",
        says="there is no default %s%s for %s%s; give %s%s%s%s",
        of=(*those(" or ", _NO_CONDITION), *_WHOSE, *_examples()),
    ),
    Rule(
        at=_AT,
        slug="trial-parameters-missing",
        rule="has(self.trialParameters)",
        says="trialTemplate has no trialParameters; name each placeholder of the template and its parameter",
        field=".trialParameters",
    ),
    Rule(
        at=_AT,
        slug="template-twice",
        rule="!(has(self.trialSpec) && has(self.configMap))",
        says="trialSpec and configMap exclude each other; remove one",
    ),
    Rule(
        at=_AT,
        slug="template-missing",
        rule="has(self.trialSpec) || has(self.configMap)",
        says="trialTemplate has no trialSpec; give the Job to run",
        field=".trialSpec",
    ),
    Rule(
        at=f"{_AT}.configMap",
        slug="config-map-incomplete",
        rule=" && ".join(f"{value(key)} != ''" for key in _CONFIG),
        says=f"configMap has no %s%s%s; give all of {', '.join(_CONFIG)}",
        of=_LACKING,
    ),
    _set_for_each_trial("name"),
    _set_for_each_trial("namespace"),
    filled(_SPEC, "apiVersion", "template-kind", "the template has no apiVersion; give one, e.g. for a Job"),
    filled(_SPEC, "kind", "template-kind", "the template has no kind; give one, e.g. for a Job"),
)
_PARAMETERS = (
    filled(_PARAMETER, "name", "trial-parameter-incomplete", "trialParameter has no name; give one"),
    filled(_PARAMETER, "reference", "trial-parameter-incomplete", "trialParameter has no reference; give one"),
    Rule(
        at=_PARAMETER,
        slug="trial-parameter-name",
        rule="!self.name.matches('[{}]')",
        says="name '%s' holds a brace; remove it",
        of=("self.name",),
        field=".name",
    ),
    twice(
        f"{_AT}.trialParameters",
        "name",
        "trial-parameter-twice",
        "trialParameter %s is there twice; rename or remove one",
    ),
    twice(
        f"{_AT}.trialParameters",
        "reference",
        "reference-twice",
        "%s is referred to twice; use one trialParameter in both places",
    ),
    _references(
        f"{_REFERENCE} != '' && !{_REFERENCE}.matches({quoted(_METADATA)}) && !{_IS_PARAMETER}",
        "'%s' is no parameter of this experiment; give the name of one that is under parameters",
    ),
    _references(
        f"{_REFERENCE}.matches({quoted(_METADATA)}) && !{_REFERENCE}.matches({quoted(_KNOWN)})",
        "'%s' is no metadata of a trial; known are Name, Namespace, Kind, APIVersion, Annotations[…], Labels[…]",
    ),
    Rule(
        at="spec",
        slug="parameter-unused",
        rule=f"{_NO_PARAMETERS} || self.parameters.all(p, p.name == '' || {_ALL}.exists(t, {_REFERENCE} == p.name))",
        says="parameter %s reaches no trial; add a trialParameter that refers to it, or remove it",
        of=(f"self.parameters.filter(p, !{_ALL}.exists(t, {_REFERENCE} == p.name))[0].name",),
        field=".parameters",
    ),
)

RULES = (*_SOURCES, *_PARAMETERS)
