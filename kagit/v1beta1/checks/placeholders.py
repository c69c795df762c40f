"""Placeholders and trialParameters: what reaches a trial and what does not (spec katib.md 3.6, rules 9 to 14)."""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from kagit.experiment import Json, TrialTemplate
from kagit.findings import Issue, Severity
from kagit.shapes import at as look
from kagit.shapes import mapping
from kagit.spelling import did_you_mean, short
from kagit.template import (
    META_KEYS,
    META_MAPS,
    PLACEHOLDER,
    REFERENCE,
    Place,
    Unquoted,
    metadata,
    placeholders,
    walk,
)
from kagit.v1beta1.job import is_job

AT: Place = ("spec", "trialTemplate")
BODY: Place = (*AT, "trialSpec")
"""Where a template stands in a manifest; for one from a ConfigMap what is found below this is shown there."""

_MISSPELT = re.compile(
    r"(?:\$[({\[]{0,2}|\{\{|<{1,2}|%)[ \t]{0,4}trial[-_ ]?param(?:eter)?s?\."
    r"([A-Za-z0-9_-]{1,100})[ \t]{0,4}[)}\]>%]{0,2}",
    re.IGNORECASE,
)
_NUMBERS = frozenset(
    {
        *("replicas", "minReplicas", "maxReplicas", "parallelism", "completions", "numNodes", "slotsPerWorker"),
        *("backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished", "terminationGracePeriodSeconds"),
        *("containerPort", "maxRestarts"),
    }
)
"""Fields that are whole numbers in every kind that has them."""


def check(template: TrialTemplate, *, names: Sequence[str]) -> Iterator[Issue]:
    """What is wrong with the trialParameters; `names` are those of the experiment's parameters."""
    clean = True
    for issue in _parameters(template, frozenset(names)):
        clean = False
        yield issue
    if clean:
        yield from _unused(template, names)


def check_body(template: TrialTemplate, body: Json, *, names: Sequence[str]) -> Iterator[Issue]:
    """What is wrong with the placeholders of a template."""
    declared = {one.name for one in template.parameters if one.name}
    found: set[str] = set()
    for place, text in walk(body):
        if "trial" in text.lower():
            at = (*BODY, *place)
            yield from _unknown(text, at, declared, found)
            found.update(placeholders(text))
            yield from _odd(text, at, body)
    for i, one in enumerate(template.parameters):
        if one.name and one.name not in found and "{" not in one.name and "}" not in one.name:
            message = (
                f"${{trialParameters.{short(one.name)}}} stands nowhere in the template; use it there, or remove this"
            )
            yield Issue(at=(*AT, "trialParameters", i, "name"), message=message, slug="placeholder-missing")
    yield from _metadata(template, body)
    if not found and not template.parameters and not names:  # where there are names, each is said to be unused
        message = "the template has no placeholder, so that every trial is the same; declare one and use it"
        yield Issue(at=BODY, message=message, slug="template-fixed", severity=Severity.WARNING)


def _parameters(template: TrialTemplate, names: AbstractSet[str]) -> Iterator[Issue]:
    seen: set[str] = set()
    referred: set[str] = set()
    for i, one in enumerate(template.parameters):
        at: Place = (*AT, "trialParameters", i)
        if not one.name or not one.reference:
            lacking = "name" if not one.name else "reference"
            yield Issue(at=at, message=f"trialParameter has no {lacking}; give one", slug="trial-parameter-incomplete")
        elif "{" in one.name or "}" in one.name:
            yield Issue(
                at=at, message=f"name {short(one.name)!r} holds a brace; remove it", slug="trial-parameter-name"
            )
        elif one.name in seen:
            message = f"trialParameter {short(one.name)} is there twice; rename or remove one"
            yield Issue(at=(*at, "name"), message=message, slug="trial-parameter-twice")
        elif one.reference in referred:
            message = f"{short(one.reference)} is referred to twice; use one trialParameter in both places"
            yield Issue(at=(*at, "reference"), message=message, slug="reference-twice")
        else:
            yield from _reference(one.reference, names, (*at, "reference"))
        seen.add(one.name)
        referred.add(one.reference)


def _reference(reference: str, names: AbstractSet[str], at: Place) -> Iterator[Issue]:
    wanted = metadata(reference)
    if not names or reference in names:
        return
    if wanted is None:
        others = tuple(sorted(name for name in names if name))
        message = f"{short(reference)!r} is no parameter of this experiment; {did_you_mean(reference, others)}"
        yield Issue(at=at, message=message, slug="reference-unknown")
    elif wanted.key not in (*META_KEYS, *META_MAPS) or (wanted.key in META_MAPS) != bool(wanted.entry):
        known = ", ".join((*META_KEYS, *(f"{key}[…]" for key in META_MAPS)))
        message = f"{short(reference)!r} is no metadata of a trial; known are {known}"
        yield Issue(at=at, message=message, slug="reference-unknown")


def _unused(template: TrialTemplate, names: Sequence[str]) -> Iterator[Issue]:
    used = {one.reference for one in template.parameters}
    for i, name in enumerate(names):
        if name and name not in used:
            message = f"parameter {short(name)} reaches no trial; add a trialParameter that refers to it, or remove it"
            yield Issue(at=("spec", "parameters", i, "name"), message=message, slug="parameter-unused")


def _unknown(text: str, at: Place, declared: AbstractSet[str], found: AbstractSet[str]) -> Iterator[Issue]:
    for name in dict.fromkeys(placeholders(text)):
        if name not in declared and name not in found:
            guess = did_you_mean(name, tuple(sorted(declared))) if declared else "declare it under trialParameters"
            message = f"${{trialParameters.{short(name)}}} has no trialParameter; {guess}"
            yield Issue(at=at, message=message, slug="placeholder-unknown")


def _odd(text: str, at: Place, body: Json) -> Iterator[Issue]:
    """What is allowed but hardly meant."""
    if REFERENCE.search(text):
        message = f"{short(text)!r} is left as it is; refer to it from a trialParameter and use that placeholder"
        yield Issue(at=at, message=message, slug="reference-in-template", severity=Severity.WARNING)
    for found in _MISSPELT.finditer(PLACEHOLDER.sub("", text)):
        meant = f"${{trialParameters.{short(found[1])}}}"
        message = f"{short(found[0])!r} is no placeholder and stays as it is; did you mean {meant}?"
        yield Issue(at=at, message=message, slug="placeholder-misspelt", severity=Severity.WARNING)
    if not PLACEHOLDER.search(text):
        return
    if at[-1] == text:
        message = f"the key {short(text)!r} has another name in each trial; use placeholders in values only"
        yield Issue(at=at, message=message, slug="placeholder-in-key", severity=Severity.WARNING)
    elif at[-1] in _NUMBERS and not isinstance(text, Unquoted) and not is_job(body):
        message = (
            f"{at[-1]} is a number, and what replaces a placeholder here is text; give a fixed value, or move the "
            "template to a ConfigMap, where a placeholder without quotes may become a number"
        )
        yield Issue(at=at, message=message, slug="placeholder-not-text", severity=Severity.WARNING)


def _metadata(template: TrialTemplate, body: Json) -> Iterator[Issue]:
    """References to labels and annotations that the template does not have: no trial could be made."""
    for i, one in enumerate(template.parameters):
        wanted = metadata(one.reference)
        if wanted is None or wanted.key not in META_MAPS or not wanted.entry:
            continue
        there = look(body, "metadata", META_MAPS[wanted.key])
        if not isinstance(look(there, wanted.entry), str):
            known = tuple(mapping(there))
            guess = did_you_mean(wanted.entry, known) if known else f"add it to its metadata.{META_MAPS[wanted.key]}"
            message = f"the template's {META_MAPS[wanted.key]} have no {short(wanted.entry)}; {guess}"
            yield Issue(at=(*AT, "trialParameters", i, "reference"), message=message, slug="metadata-missing")
