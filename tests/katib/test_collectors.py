"""Spec katib.md sections 13.10 and 13.5: the file collector's table and the trial controller's roll-ups."""

from operator import itemgetter
from pathlib import Path

import pytest
import yaml

from kagit.experiment import Collector
from kagit.names import UNAVAILABLE
from kagit.objective import Metric, Objective, ObjectiveType, Strategy
from reconciler.core import collectors
from reconciler.core.tally import Tally

CASES = Path(__file__).parents[1] / "cases" / "katib" / "collector.yaml"


class _Texts(yaml.SafeLoader):
    """Times stay texts, as in the files that the collectors read."""


_Texts.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
TABLE = yaml.load(CASES.read_text(encoding="utf-8"), _Texts)


def collector(case) -> Collector:
    path = {"kind": "File", "path": "/katib/metrics.log", "format": case.get("format", "TEXT")}
    return Collector(kind="File", filters=tuple(case.get("filters", ())), source={"fileSystemPath": path})


def read(case):
    parser = collectors.parser(collector(case), trial="ns/t", metrics=case["metrics"], file="metrics.log")
    data = (case["input"] or "").encode()
    found = [one for at in range(0, len(data), 40) for one in parser.feed(data[at : at + 40])]
    return parser, found + parser.finish()


def note(case, parser) -> str:
    metric = case["metrics"][0]
    if parser.rejected:
        count, example = parser.rejected, parser.rejected_example
        return collectors.unusable(collector(case), metric, count=count, example=example)
    return (collectors.absent if case["input"] is None else collectors.nothing)(collector(case), metric)


@pytest.mark.parametrize("case", TABLE, ids=itemgetter("name"))
def test_case(case):
    parser, found = read(case)
    expected = case.get("ours", case["katib"])
    rows = [(metric, text, time[0] if time else "") for metric, text, *time in expected if text != UNAVAILABLE]
    assert sorted((one.metric, one.text, one.time) for one in found) == sorted(rows)
    for metric in case["metrics"]:
        assert [one.text for one in found if one.metric == metric] == [row[1] for row in rows if row[0] == metric]
    objective = case["metrics"][0]
    unavailable = [UNAVAILABLE in row for row in case["katib"]] == [True]
    tally = Tally()
    tally.add(found)
    words = Objective(type=ObjectiveType.MINIMIZE, metric=objective, strategies={objective: Strategy.LATEST})
    if unavailable and not any(row[0] == objective for row in rows):
        assert words.value(tally.observation(words.metrics)) is None, "its metrics are unavailable, as in Katib"
    if "note" in case:
        assert case["note"] in note(case, parser)
    if "roll-up" in case:
        assert (tally.observation() or (Metric(name=objective),))[0] == Metric(name=objective, **case["roll-up"])


def test_where_we_differ_the_case_says_why():
    assert all(("ours" in case) == ("why" in case) for case in TABLE)
    assert sum("ours" in case for case in TABLE) == 9


@pytest.mark.parametrize(("strategy", "value"), [(Strategy.MIN, 0.01), (Strategy.MAX, 0.1), (Strategy.LATEST, 0.07)])
def test_the_strategy_says_which_of_all_readings_counts(strategy, value):
    case = next(one for one in TABLE if one["name"] == "TestGetObjectiveMetricValue, error")
    tally = Tally()
    tally.add(read(case)[1])
    words = Objective(type=ObjectiveType.MINIMIZE, metric="error", strategies={"error": strategy})
    assert words.value(tally.observation()) == value
