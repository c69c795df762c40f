"""What `describe` and `get` say: the effective spec line by line, defaults marked, and how old something is."""

import copy
from pathlib import Path

import pytest
import yaml

from kagit.v1beta1 import defaults
from reconciler.commands import effective
from reconciler.commands.get import age
from tests.katib.test_corpus import FILES

BASE = yaml.safe_load((Path(__file__).parents[1] / "cases" / "katib" / "base.yaml").read_text())["spec"]

CASES = [
    ({}, "Goal", "0.11"),
    ({}, "Strategy of testme", "max (default)"),
    (
        {"objective": BASE["objective"] | {"metricStrategies": [{"name": "testme", "value": "latest"}]}},
        "Strategy of testme",
        "latest",
    ),
    (
        {"objective": BASE["objective"] | {"additionalMetricNames": ["loss", "time"]}},
        "Additional metrics",
        "loss, time",
    ),
    ({"objective": BASE["objective"] | {"goal": 0}}, "Goal", "0"),
    ({}, "Early stopping", "test"),
    ({}, "Parallel trials", "3 (default)"),
    ({"parallelTrialCount": 3}, "Parallel trials", "3"),
    ({}, "Max trials", "6"),
    ({}, "Max failed trials", "no limit (default)"),
    ({"maxFailedTrialCount": 0}, "Max failed trials", "0"),
    ({}, "Resume policy", "Never (default)"),
    ({}, "Metrics collector", "StdOut"),
    ({"metricsCollectorSpec": None}, "Metrics collector", "StdOut (default)"),
    (
        {"metricsCollectorSpec": {"collector": {"kind": "File"}}},
        "fileSystemPath.path",
        "/var/log/katib/metrics.log (default)",
    ),
    (
        {
            "metricsCollectorSpec": {
                "collector": {"kind": "File"},
                "source": {"fileSystemPath": {"path": "/m.log"}, "filter": {"metricsFormat": ["(a)=(b)"]}},
            }
        },
        "fileSystemPath.path",
        "/m.log",
    ),
    (
        {"metricsCollectorSpec": {"collector": {"kind": "Custom", "customCollector": {"name": "c", "image": "i"}}}},
        "Container",
        "c i",
    ),
    ({}, "Trial template", "Job (batch/v1)"),
    (
        {
            "trialTemplate": {
                "configMap": {"configMapName": "t", "configMapNamespace": "n", "templatePath": "a.yaml"},
                "retain": True,
            }
        },
        "Trial template",
        "ConfigMap n/t a.yaml",
    ),
    ({"trialTemplate": BASE["trialTemplate"] | {"retain": True}}, "Retain", "true"),
    ({"trialTemplate": BASE["trialTemplate"] | {"primaryPodLabels": {"a": "b"}}}, "Primary pod labels", "a=b"),
    ({"nasConfig": {"graphConfig": {"numLayers": 8, "inputSizes": [3]}}}, "Network", "numLayers 8, inputSizes [3]"),
]


@pytest.mark.parametrize(("spec", "name", "value"), CASES)
def test_a_line_says_what_counts_and_whether_somebody_wrote_it(spec, name, value):
    given = {key: one for key, one in (copy.deepcopy(BASE) | spec).items() if one is not None}
    told = {line.strip().rstrip(":"): said for line, said in effective.lines(given, defaults.effective(given))}
    assert told[name] == value


@pytest.mark.skipif(not FILES, reason="no corpus")
def test_every_example_can_be_described():
    described = 0
    for path in FILES:
        for body in yaml.safe_load_all(path.read_text()):
            if not body or body.get("kind") != "Experiment":
                continue
            given = body["spec"]
            full = defaults.effective(given)
            assert dict(effective.lines(given, full))
            tables = effective.parameters(given, full), effective.placeholders(full)
            assert all(len(row) == len(table.columns) for table in tables for row in table.rows)
            assert tables[0].rows
            described += 1
    assert described >= len(FILES)


@pytest.mark.parametrize(
    ("since", "said"),
    [
        ("2023-11-14T22:13:20Z", "0s"),
        ("2023-11-14T22:13:20.750000Z", "0s"),
        ("2023-11-14T22:12:00Z", "80s"),
        ("2023-11-14T22:11:20Z", "2m"),
        ("2023-11-14T20:13:20Z", "2h"),
        ("2023-11-11T22:13:20Z", "3d"),
        ("2024-11-11T22:13:20Z", "0s"),
        ("", "-"),
        ("yesterday", "-"),
    ],
)
def test_age_is_kubectls(since, said):
    assert age(since, now=1_700_000_000.0) == said
