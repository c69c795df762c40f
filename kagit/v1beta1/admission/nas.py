"""Rules on neural architecture search; its parameters are held to their rules by `kagit validate` alone."""

from kagit.v1beta1.admission.cel import Rule, filled, short, value

_AT = "spec.nasConfig"
_GRAPH = "has(self.nasConfig.graphConfig) && has(self.nasConfig.graphConfig.%s)"
_IS_ENAS = f"has(self.nasConfig) && {value('algorithm.algorithmName')} == 'enas'"
_TYPE = value("operationType")


def _sizes(field: str) -> tuple[Rule, Rule]:
    there = _GRAPH % field
    return (
        Rule(
            at="spec",
            slug="nas-graph-incomplete",
            rule=f"!({_IS_ENAS}) || {there} && self.nasConfig.graphConfig.{field}.size() > 0",
            says=f"graphConfig has no {field}; give them, e.g. [32, 32, 3]",
            field=".nasConfig",
        ),
        Rule(
            at=f"{_AT}.graphConfig.{field}[]",
            slug="nas-graph-empty",
            rule="self > 0",
            says=f"a size of {field} is %s; give at least 1",
            of=("self",),
        ),
    )


RULES = (
    Rule(
        at=_AT,
        slug="nas-operations-missing",
        rule="has(self.operations) && self.operations.size() > 0",
        says="nasConfig has no operations; give at least one with operationType and parameters",
        field=".operations",
    ),
    filled(
        f"{_AT}.operations[]",
        "operationType",
        "nas-type-missing",
        "operation has no operationType; give one, e.g. convolution",
    ),
    Rule(
        at=f"{_AT}.operations[]",
        slug="nas-parameters-missing",
        rule="has(self.parameters) && self.parameters.size() > 0",
        says="%s has no parameters; give at least one with a list",
        of=(f"{_TYPE} == '' ? 'operation' : {short(_TYPE)}",),
    ),
    Rule(
        at="spec",
        slug="nas-graph-incomplete",
        rule=f"!({_IS_ENAS}) || {_GRAPH % 'numLayers'} && self.nasConfig.graphConfig.numLayers != 0",
        says="graphConfig has no numLayers; give the number of layers",
        field=".nasConfig",
    ),
    Rule(
        at=f"{_AT}.graphConfig.numLayers",
        slug="nas-graph-empty",
        rule="self >= 0",
        says="numLayers is %s; give at least 1",
        of=("self",),
    ),
    *_sizes("inputSizes"),
    *_sizes("outputSizes"),
)
