"""ValidatingAdmissionPolicies: what CEL in a CRD cannot see (annotations, the user) or cannot afford."""

from collections.abc import Iterable

from kagit import names, wishes
from kagit.experiment import Json
from kagit.v1beta1.admission.cel import NUMBER, Rule, listed, quoted, short

RECONCILER = "system:serviceaccount:kagit:kagit-reconciler"
"""The user that writes what Git says; its new runs are no updates in Katib's sense."""
_API = "admissionregistration.k8s.io/v1"
_NOTES = "object.metadata.?annotations"
_SEED_LIMIT = 2**31
_DURATION = "^([0-9]{1,9}d)?([0-9]{1,9}h)?([0-9]{1,9}m)?([0-9]{1,9}s)?$"
_EDITABLE = ("parallelTrialCount", "maxTrialCount", "maxFailedTrialCount")
_FIXED = (
    *("parameters", "objective", "algorithm", "earlyStopping", "trialTemplate", "metricsCollectorSpec", "nasConfig"),
    "resumePolicy",
)
_WAY = f"undo the change, or set the annotation {names.ANNOTATION_ON_SPEC_CHANGE} to new-run for a new run"


def _note(key: str) -> str:
    return f"{_NOTES}[?{quoted(key)}]"


def _annotation(key: str, holds: str, *, slug: str, what: str, way: str) -> Rule:
    """An annotation that is there holds; `it` in `holds` stands for its text."""
    value = f"{_note(key)}.orValue('')"
    return Rule(
        slug=slug,
        rule=f"!{_note(key)}.hasValue() || {holds.replace('it', value)}",
        says=f"'%s' is no {what}; give {way}",
        of=(short(value),),
    )


def _whole(most: int) -> str:
    digits = len(str(most))
    return f"it.matches({quoted('^[0-9]{1,%d}$' % digits)}) && int(it) <= {most}"  # noqa: UP031 - braces belong to the pattern


def _flag(key: str) -> Rule:
    way = '"true" or "false"'
    return _annotation(key, f"it in {listed(['true', 'false'])}", slug="flag-invalid", what="switch", way=way)


def _json(key: str, pattern: str, *, what: str, way: str) -> Rule:
    """Brackets at least: CEL reads no JSON. What stands in them is looked at by who runs it."""
    return _annotation(
        key,
        f"it.matches({quoted(f'^[[:space:]]*(?s:{pattern})[[:space:]]*$')})",
        slug="search-invalid",
        what=what,
        way=way,
    )


ANNOTATIONS = (
    _annotation(
        names.ANNOTATION_SEED,
        _whole(_SEED_LIMIT - 1),
        slug="seed-invalid",
        what="seed",
        way=f"a whole number from 0 to {_SEED_LIMIT - 1}",
    ),
    _annotation(
        names.ANNOTATION_ON_SPEC_CHANGE,
        f"it in {listed(['new-run', 'refuse'])}",
        slug="policy-unknown",
        what="policy",
        way="new-run or refuse",
    ),
    _annotation(
        names.ANNOTATION_MAX_DURATION,
        f"it.matches({quoted(_DURATION)}) && it.matches('[1-9]')",
        slug="duration-invalid",
        what="duration",
        way="days, hours, minutes and seconds in this order, e.g. 90s, 2h or 1d12h, at most ten years",
    ),
    _annotation(
        names.ANNOTATION_RETRIES,
        _whole(wishes.MOST_RETRIES),
        slug="retries-invalid",
        what="number of retries",
        way=f"a whole number from 0 to {wishes.MOST_RETRIES}",
    ),
    _flag(names.ANNOTATION_SUSPEND),
    _flag(names.ANNOTATION_REUSE_RESULTS),
    _flag(names.ANNOTATION_STOP_TRIALS),
    _json(names.ANNOTATION_INITIAL, r"\[.*\]", what="list of points", way='JSON such as [{"lr": "0.1"}]'),
    _json(names.ANNOTATION_FIXED, r"\{.*\}", what="set of values", way='JSON such as {"optimizer": "adam"}'),
    _json(
        names.ANNOTATION_ACTIVE,
        r"\{.*\}",
        what="set of conditions",
        way='JSON such as {"momentum": {"optimizer": ["sgd", "rmsprop"], "lr": ">0.01"}}',
    ),
    _json(
        names.ANNOTATION_FORBIDDEN,
        r"\[.*\]",
        what="list of combinations",
        way='JSON such as [{"optimizer": "sgd", "lr": ">0.1"}]',
    ),
    _json(
        names.ANNOTATION_OBJECTIVES,
        r"\{.*\}",
        what="set of objectives",
        way='JSON such as {"latency": "minimize"}',
    ),
    _json(
        names.ANNOTATION_CONSTRAINTS,
        r"\{.*\}",
        what="set of constraints",
        way='JSON such as {"memory": "<=512"}, with <= or >= and a number',
    ),
    _json(
        names.ANNOTATION_START_FROM,
        r"\{.*\}",
        what="set of experiments",
        way='JSON such as {"mnist": 5}, each with how many of its best points to try, 1 to 999',
    ),
    _annotation(
        names.ANNOTATION_WITHOUT_GAIN,
        f"it.matches({quoted(f'^({wishes.WITHOUT_GAIN})$')})",
        slug="patience-invalid",
        what="patience",
        way=wishes.WITHOUT_GAIN_WAY,
    ),
)
_DISCRETE = "p.?parameterType.orValue('') == 'discrete'"
_WORDS = f"p.?feasibleSpace.?list.orValue([]).filter(v, !v.matches({quoted(NUMBER)}))"
_BAD = f"object.?spec.?parameters.orValue([]).filter(p, {_DISCRETE} && {_WORDS}.size() > 0)"
CONTENT = (
    *ANNOTATIONS,
    # Its cost, estimated for the longest lists of the longest texts, is more than a CRD may have.
    Rule(
        slug="not-a-number",
        rule=f"object.?spec.?parameters.orValue([]).all(p, !({_DISCRETE}) || {_WORDS}.size() == 0)",
        says="value of %s is '%s', not a number; give one, or make %s categorical",
        of=(f"{_BAD}[0].name", f"{_BAD}.map(p, {short(f'{_WORDS}[0]')})[0]", f"{_BAD}[0].name"),
    ),
)

_OLD_END = "oldObject.?status.?conditions.orValue([])"
_OVER = f"{_OLD_END}.exists(c, c.type in {listed(['Succeeded', 'Failed'])} && c.status == 'True')"
_USED_UP = (
    f"{_OLD_END}.exists(c, c.type == 'Succeeded' && c.status == 'True'"
    " && c.?reason.orValue('') == 'ExperimentMaxTrialsReached')"
)
_RESUMES = f"oldObject.?spec.?resumePolicy.orValue('Never') in {listed(['LongRunning', 'FromVolume'])}"
_TRIALS = "oldObject.?status.?trials.orValue(0)"


def _same(field: str) -> str:
    return f"object.?spec.?{field} == oldObject.?spec.?{field}"


UPDATE = (
    Rule(
        slug="restart",
        rule=f"!({_OVER}) || {_USED_UP} && {_RESUMES}",
        says="spec.resumePolicy: it is over, and only what used its maxTrialCount under "
        f"resumePolicy LongRunning or FromVolume may be restarted; {_WAY}",
    ),
    Rule(
        slug="max-below-trials",
        rule=f"!object.?spec.?maxTrialCount.hasValue() || object.spec.maxTrialCount > {_TRIALS}",
        says=f"spec.maxTrialCount: %s is not above the %s trials that exist; {_WAY}",
        of=("object.spec.maxTrialCount", _TRIALS),
    ),
    Rule(
        slug="spec-changed",
        rule=" && ".join(map(_same, _FIXED)),
        says=f"spec: only parallelTrialCount, maxTrialCount and maxFailedTrialCount may change; {_WAY}",
    ),
)
"""Katib's update rules (spec katib.md section 3.3), in the words of `kagit plan`."""


def objects() -> list[Json]:
    """The policies with their bindings, in the order in which they are applied."""
    alive = {"name": "is-not-being-deleted", "expression": "!has(object.metadata.deletionTimestamp)"}
    policy = f"{_note(names.ANNOTATION_ON_SPEC_CHANGE)}.orValue('')"
    has_run = f"{_note(names.ANNOTATION_RUN)}.hasValue()"
    conditions = [
        alive,
        {"name": "is-not-the-reconciler", "expression": f"request.userInfo.username != {quoted(RECONCILER)}"},
        {"name": "spec-changes", "expression": "object.?spec != oldObject.?spec"},
        {"name": "is-to-be-refused", "expression": f"{policy} == 'refuse' || {policy} == '' && !{has_run}"},
    ]
    return [
        *_policy("kagit-experiment-content", CONTENT, operations=["CREATE", "UPDATE"], conditions=[alive]),
        *_policy("kagit-experiment-update", UPDATE, operations=["UPDATE"], conditions=conditions),
    ]


def _policy(name: str, rules: Iterable[Rule], *, operations: list[str], conditions: list[Json]) -> tuple[Json, Json]:
    group, version = names.API_VERSION.split("/")
    resources: Json = {
        "apiGroups": [group],
        "apiVersions": [version],
        "operations": operations,
        "resources": ["experiments"],
        "scope": "*",
    }
    policy: Json = {
        "apiVersion": _API,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Fail",
            # What a server adds by itself is written out, so that Git and cluster agree.
            "matchConstraints": {
                "matchPolicy": "Equivalent",
                "namespaceSelector": {},
                "objectSelector": {},
                "resourceRules": [resources],
            },
            "matchConditions": conditions,
            "validations": [rule.of_policy() for rule in rules],
        },
    }
    binding: Json = {
        "apiVersion": _API,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": ["Deny"]},
    }
    return policy, binding
