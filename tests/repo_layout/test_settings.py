"""`.kagit.yaml` and the paths that follow from it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagit.errors import Refused
from kagit.experiment import Algorithm, Experiment, TrialTemplate
from kagit.objective import Objective, ObjectiveType
from kagit.space import Space
from repo_layout import read
from repo_layout.paths import report_folder
from repo_layout.settings import Reports, Settings, duration, is_below, settings


def told(text):
    return [str(finding) for finding in read.settings(text.encode())[1]]


@pytest.mark.parametrize("data", [None, b"", b"# nothing\n"])
def test_no_file_means_defaults(data):
    known, findings = read.settings(data)
    assert known == Settings()
    assert [finding.slug for finding in findings] == []


def test_all_of_it():
    text = """
experiments: [teams/a/, ./teams/b]
reports: {path: out/reports, branch: kagit/reports, interval: 1h, push: false}
namespace: team-a
"""
    known, findings = read.settings(text.encode())
    assert findings == ()
    assert known.experiments == ("teams/a", "teams/b")
    assert known.reports == Reports(path="out/reports", branch="kagit/reports", interval=3600, push=False)
    assert known.namespace == "team-a"


def test_reports_may_be_a_path_only():
    assert settings({"reports": "out"})[0].reports == Reports(path="out")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("experiment: a", ".kagit.yaml:1:1: experiment is no setting; did you mean experiments? [unknown-setting]"),
        (
            "reports:\n  intervall: 5m",
            ".kagit.yaml:2:3: intervall is no setting; did you mean interval? [unknown-setting]",
        ),
        (
            "reports: {interval: 5}",
            (".kagit.yaml:1:11: interval is the number 5; give a duration such as 30s, 5m or 1h [setting-invalid]"),
        ),
        ("reports: {push: maybe}", ".kagit.yaml:1:11: push is the text 'maybe'; give true or false [setting-invalid]"),
        (
            "reports: {branch: -x}",
            (
                ".kagit.yaml:1:11: branch is the text '-x'; give a branch name of letters, digits and "
                "- _ . / [setting-invalid]"
            ),
        ),
        (
            "namespace: Team",
            (".kagit.yaml:1:1: namespace is the text 'Team'; give at most 63 of a-z, 0-9 and '-' [setting-invalid]"),
        ),
        (
            "- a",
            ".kagit.yaml:1:1: settings are a mapping, this is a list; write e.g. namespace: default [not-settings]",
        ),
        (
            "experiments: [a, ../b]",
            (
                ".kagit.yaml:1:18: path '../b' leaves the repository or is no plain path; give one like "
                "experiments [path-invalid]"
            ),
        ),
        ("experiments: []", ".kagit.yaml:1:1: experiments is empty; give at least one folder [setting-invalid]"),
        (
            "reports: 5",
            (
                ".kagit.yaml:1:1: reports is the number 5; give a folder, or path, branch, interval and push "
                "[setting-invalid]"
            ),
        ),
        (
            "a: [",
            (
                ".kagit.yaml:1:5: not YAML: did not find expected node content while parsing a flow node; correct the "
                "line or the one before [yaml-syntax]"
            ),
        ),
        (
            "namespace: a\n---\nnamespace: b",
            ".kagit.yaml:3:1: settings are one document; remove the second [not-settings]",
        ),
    ],
)
def test_what_is_wrong_is_said(text, message):
    assert message in told(text)


@pytest.mark.parametrize(
    "path", ["/abs", "../x", "a/../b", "~/x", "C:/x", "a\\b", ".git", "x/.git/hooks", "", ".", "a//b", "a\nb", 5, ["a"]]
)
def test_no_path_leaves_the_repository(path):
    for known, issues in (settings({"experiments": [path]}), settings({"reports": {"path": path}})):
        assert known == Settings()
        assert [issue.slug for issue in issues] == ["path-invalid"]


@pytest.mark.parametrize(
    ("experiments", "reports", "fine"),
    [("a", "a", False), ("a", "a/b", False), ("a/b", "a", False), ("a", "ab", True), ("ab", "a", True)],
)
def test_reports_and_experiments_stay_apart(experiments, reports, fine):
    issues = settings({"experiments": experiments, "reports": {"path": reports}})[1]
    assert [issue.slug for issue in issues] == ([] if fine else ["paths-overlap"])


@pytest.mark.parametrize(("text", "seconds"), [("0s", 0), ("30s", 30), ("5m", 300), ("1h", 3600), ("2d", 172800)])
def test_durations(text, seconds):
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "m", "-5m", "1.5h", "5 m", "5M", "99999999s", 5, None, "5m\n", "\u0665m"])
def test_durations_that_are_none(text):
    with pytest.raises(ValueError, match="give a duration"):
        duration(text)


KEYS = st.sampled_from(["experiments", "reports", "namespace", "path", "branch", "interval", "push", "x"])
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=8)


@given(JSON)
def test_any_value_gives_usable_settings(value):
    known, _ = settings(value)
    assert known.experiments
    for path in (*known.experiments, known.reports.path):
        assert not path.startswith("/")
        assert ".." not in path.split("/")


def experiment(namespace, name):
    return Experiment(
        namespace=namespace,
        name=name,
        space=Space(()),
        objective=Objective(type=ObjectiveType.MINIMIZE, metric="loss"),
        algorithm=Algorithm(name="random"),
        template=TrialTemplate(trial_spec={}),
    )


def test_report_folder():
    assert report_folder(experiment("team", "mnist"), Settings()) == "reports/team/mnist"
    assert report_folder(experiment("team", "mnist"), Settings(reports=Reports(path="a/b"))) == "a/b/team/mnist"


@pytest.mark.parametrize(("namespace", "name"), [("..", "x"), ("x", ".."), ("a/b", "x"), ("x", ".git"), ("", "x")])
def test_report_folder_never_leaves_its_place(namespace, name):
    with pytest.raises(Refused):
        report_folder(experiment(namespace, name), Settings())


def test_below():
    assert is_below("a/b", "a")
    assert is_below("a", "a")
    assert not is_below("ab", "a")
