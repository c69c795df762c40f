"""What tests of admission share: every case of tests/cases/katib with the rules that are to refuse it."""

import re
from pathlib import Path

import yaml

from kagit.v1beta1 import manifest
from kagit.v1beta1.admission import crd, policies
from tests.katib import test_templates as templates
from tests.katib import test_validation as validation

CASES = Path(__file__).parents[1] / "cases" / "katib"
CEL = yaml.safe_load((CASES / "cel.yaml").read_text(encoding="utf-8"))
RULES = (*crd.RULES, *policies.CONTENT)
SLUGS = {rule.slug for rule in RULES}
REASONED = {"not-a-number", "filter-invalid"}
"""Of these `kagit validate` says more than a rule can."""


def load():
    """Every case with its body, and its errors in full."""
    for name in ("validator", "beyond", "search"):
        yield from (
            {**case, "body": validation.changed(case)} for case in yaml.safe_load((CASES / f"{name}.yaml").read_text())
        )
    yield from ({**case, "body": validation.changed(case)} for case in CEL["cases"])
    for case in templates.CASES:
        errors = [*map(templates.long, case.get("errors", []))]
        yield {**case, "name": f"template: {case['name']}", "errors": errors, "body": templates.changed(case)}


ALL = list(load())


def issues(case):
    """The errors of `kagit validate`."""
    _, found = manifest.experiment(case["body"])
    return [one for one in found if one.severity == "error"]


def of(issue):
    """The rules that may have an issue's words."""
    of_slug = [rule for rule in RULES if rule.slug == issue.slug]
    return of_slug if issue.slug in REASONED else [rule for rule in of_slug if said(rule, issue.message)]


def is_plain(issue):
    """Whether a server can say the very same: it makes no guesses, gives no reasons, and escapes no characters."""
    return not re.search(r"did you mean|known are|\\|1E-", issue.message) and issue.slug not in REASONED


def said(rule, text):
    """Whether a text has a rule's words: all of them, or the first half where the rest is a guess or a reason."""
    before, _, after = rule.says.partition("; ")
    guesses = after.startswith("known are") or rule.slug == "reference-unknown"
    words = "(?s:.*)".join(map(re.escape, (before if guesses else rule.says).split("%s")))
    return re.search(words.replace(r";\ ", r"(?s:.*);\ "), text) is not None
