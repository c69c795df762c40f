"""Templates that stand in ConfigMaps: experiments whose template was found."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import cast

from kagit import names
from kagit.experiment import Experiment, Json
from kagit.findings import Issue
from kagit.search import points
from kagit.template import Unquoted
from kagit.v1beta1 import digests
from kagit.v1beta1.checks import template
from kagit.v1beta1.pieces import note


def is_open(experiment: Experiment) -> bool:
    """Whether its template stands in a ConfigMap that was not looked for yet."""
    return experiment.template.trial_spec is None and experiment.template.config_map is not None


def with_template(experiment: Experiment, *, text: str, body: Json) -> Experiment:
    """The experiment with the template that was found; another template is another spec."""
    meant = digests.of(_marked(body))
    return replace(
        experiment,
        template=replace(experiment.template, trial_spec=body, source=text),
        spec_digest=digests.of([experiment.spec_digest, meant]),
        run_digest=digests.of([experiment.run_digest, meant]),
    )


def issues(experiment: Experiment, body: Json) -> Iterator[Issue]:
    """What is wrong with the template that was found, as for one that stands in the manifest."""
    return template.check_body(experiment.template, body, names=[one.name for one in experiment.space])


def with_start(experiment: Experiment, *, stored: Json) -> Experiment:
    """The experiment with the points of others that its run begins with, as they are kept in its object."""
    given = points(note(stored, names.ANNOTATION_STARTED_FROM))
    if not given:
        return experiment
    return replace(experiment, search=replace(experiment.search, started=given))


def name(experiment: str, run: int) -> str:
    """The ConfigMap in which a run keeps the text of its template."""
    return f"{experiment}-{run}-template"


def _marked(value: object) -> object:
    """A scalar without quotes means something else than the same one with them."""
    if isinstance(value, Unquoted):
        return {"unquoted": str(value)}
    if isinstance(value, Mapping):
        return {key: _marked(inner) for key, inner in cast("Mapping[str, object]", value).items()}
    if isinstance(value, list):
        return [_marked(inner) for inner in cast("list[object]", value)]
    return value
