import re
from dataclasses import fields, replace

import pytest

from kagit.filetree import FileTree
from kagit.objective import Metric
from kagit.trial import Artifact, Comparison, EarlyStoppingRule, Phase
from reports import pages, series, site
from tests.reports import cases, reading


def text(tree, path):
    return tree[path].decode()


def test_a_report_has_its_five_files_and_no_best_file_without_a_best():
    files = ["README.md", "best.yaml", "history.svg", "index.html", "trials.csv"]
    assert list(site.build(cases.finished())) == files
    assert list(site.build(cases.all_failed())) == [name for name in files if name != "best.yaml"]
    assert list(site.build(replace(cases.finished(), best="no such trial"))) == [
        name for name in files if name != "best.yaml"
    ]


@pytest.mark.parametrize("path", ["index.html", "README.md"])
def test_both_editions_tell_the_same(path):
    shown = text(site.build(cases.failing()), path)
    for fact in (
        "ExperimentFailed",
        "max failed count has reached",
        "0.9047",
        "0.326943",
        "0.01 to 100",
        "3 of 3",
        "6 of 30",
        "OOMKilled",
        "exit code 1",
        "ntrusted program output",
        "MemoryError: would need 12 GiB",
        "[redacted]",
        "logUniform",
        cases.COMMIT,
        cases.DIGEST,
        "20260301",
        "optuna 5.0.0",
        "Python version",
        "3.11.7",
        "kagit version",
        "0.1.0",
        "experiments/digits-svm.yaml",
        "dirty",
        "registry.example/python:3.12-slim",
        "kagit run",
        "git checkout",
        "MetricsUnavailable",
        "EarlyStopped",
        "trials.csv",
        "best.yaml",
        "38 % on a log scale",
        "choice 3 of 3",
    ):
        assert fact in shown, fact
    assert "wJalr" not in shown


@pytest.mark.parametrize("path", ["index.html", "README.md"])
@pytest.mark.parametrize(
    ("make", "fact"),
    [
        (cases.running, "WaitingForSlot(position 3)"),
        (cases.empty, "No trials yet."),
        (cases.all_failed, "Every trial that is over has failed"),
        (cases.earlier, "0.9312"),
        (cases.finished, "model/weights.npz"),
        (cases.finished, "18.3 KiB"),
        (cases.mixed, "0.05 to 0.5 step 0.05"),
    ],
)
def test_states_are_told(path, make, fact):
    assert fact in text(site.build(make()), path)


def many(count):
    return cases.report([replace(cases.svm(index), name=f"t-{index:05d}") for index in range(count)], best="t-00009")


def test_at_most_five_hundred_rows_are_in_the_page_and_it_says_so():
    tree = site.build(many(600))
    page = reading.Page(text(tree, "index.html"))
    names = [one for one in page.texts if re.fullmatch(r"t-\d{5}", one)]
    assert len(set(names)) == 500
    assert "500 of 600 trials are shown" in " ".join(page.texts)
    assert "100 of 600 trials are shown" in text(tree, "README.md")
    assert text(tree, "trials.csv").count("\n") == 601


def test_other_long_tables_are_cut_and_say_so():
    failed = [cases.svm(at, phase=Phase.FAILED, reason=f"r{at}", observation=()) for at in range(60)]
    files = tuple(Artifact(path=f"f{at}", size=at, digest="") for at in range(300))
    before = tuple(replace(cases.earlier().earlier[0], run=at) for at in range(70))
    data = cases.report([*failed, replace(cases.svm(60), artifacts=files)], earlier=before)
    for path in ("index.html", "README.md"):
        shown = text(site.build(data), path)
        for note in (
            "50 of 60 reasons",
            "200 of 300 files",
            "50 of 70 earlier runs",
            "The last 20 of 60 failed trials",
        ):
            assert note in shown


def test_a_page_is_one_document_with_landmarks_and_described_tables():
    page = reading.Page(text(site.build(cases.failing()), "index.html"))
    tags = [tag for tag, _ in page.tags]
    assert (tags.count("main"), tags.count("h1"), tags.count("header"), tags.count("footer")) == (1, 1, 1, 1)
    assert tags.count("caption") == tags.count("table")
    assert all(attrs.get("scope") in {"col", "row"} for tag, attrs in page.tags if tag == "th")
    assert all(attrs["aria-labelledby"] in page.ids for tag, attrs in page.tags if tag == "section")
    assert all(
        "tabindex" in attrs and attrs["aria-label"] for tag, attrs in page.tags if attrs.get("class") == "scroll"
    )
    drawings = [attrs for tag, attrs in page.tags if tag == "svg"]
    assert all(
        attrs.get("aria-hidden") or attrs.get("aria-label") or attrs.get("aria-labelledby") for attrs in drawings
    )


def test_the_index_is_sorted_and_links_to_each_report():
    tree = site.build_index(cases.entries())
    page = reading.Page(text(tree, "index.html"))
    names = ["tabular/cancer-boost", "tabular/new", "vision/broken", "vision/digits-svm"]
    assert [attrs["href"] for tag, attrs in page.tags if tag == "a"] == [
        "#main",
        *(f"{name}/index.html" for name in names),
    ]
    assert re.findall(r"\]\((.*?)\)", text(tree, "README.md")) == [f"{name}/README.md" for name in names]
    assert site.build_index(cases.entries()[::-1]).digest() == tree.digest()


@pytest.mark.parametrize("path", ["index.html", "README.md"])
def test_the_index_counts_what_became_of_the_trials_and_says_when_it_ended(path):
    rows = {}
    for line in re.split(r"</tr>|\n\|", text(site.build_index(cases.entries()), path)):
        words = " ".join(re.sub("<[^>]*>", " ", line).split())
        rows |= {name: words for name in ("digits-svm", "broken", "cancer-boost", "new") if f"/{name}" in words}
    done, broken, busy, new = (rows[name] for name in ("digits-svm", "broken", "cancer-boost", "new"))
    assert re.search(r"30 of 30:? 28 succeeded,? 2 failed", done)
    assert "2026-03-01 08:50:00" in done
    assert re.search(r"5 of 30:? 0 succeeded,? 5 failed", broken)
    assert "2026-03-01 09:10:00" in broken
    assert re.search(r"4 of 30:? 2 succeeded,? 1 failed", busy)
    assert "2026" not in busy
    assert "succeeded" not in new


@pytest.mark.parametrize("count", [14, 61, 600])
def test_the_line_of_blocks_has_a_mark_per_finished_trial_and_is_the_same_on_the_index(count):
    data = many(count)
    line = series.line(series.history(data.experiment.objective, data.trials))
    entry = replace(cases.entries()[0], history=series.thinned(line))
    marks = {
        re.search("[▁▂▃▄▅▆▇█]+", text(tree, "README.md"))[0] for tree in (site.build(data), site.build_index([entry]))
    }
    assert [len(one) for one in marks] == [min(count, 60)]


def test_versions_are_named_by_what_they_are_of():
    data = cases.finished()
    origin = replace(data.provenance, versions={"python": "3.11.7", "other": "2", "kagit": "0.1.0"})
    shown = text(site.build(replace(data, provenance=origin)), "README.md")
    assert re.findall(r"\| (.* version) \| `(.*)` \|", shown) == [
        ("kagit version", "0.1.0"),
        ("Other version", "other 2"),
        ("Python version", "3.11.7"),
    ]


def rules(media):
    """The rules of the style sheet inside a media query."""
    (block,) = re.findall(rf"@media {re.escape(media)} \{{\n(.*?)\n\}}", pages.asset("page.css"), re.DOTALL)
    return block


def test_a_narrow_index_shows_name_status_and_best_value():
    assert ".wide { display: none; }" in rules("screen and (max-width: 64rem)")
    assert ".roomy { display: none; }" in rules("screen and (max-width: 48rem)")
    page = reading.Page(text(site.build_index(cases.entries()), "index.html"))
    cells = [attrs.get("class", "") for tag, attrs in page.tags if tag in {"th", "td"}]
    kept = ["", "", "number", "roomy", "wide", "roomy", "wide"]
    assert cells == kept * 5
    texts = [attrs["class"] for tag, attrs in page.tags if tag == "span" and "roomy" in attrs.get("class", "")]
    assert texts == ["below roomy"], "the message of the one entry that has one"


def test_commands_are_wrapped_and_not_cut():
    page = reading.Page(text(site.build(cases.finished()), "index.html"))
    assert [attrs["class"] for tag, attrs in page.tags if tag == "pre" and "class" in attrs] == ["command"]
    assert ".command { white-space: pre-wrap; overflow-wrap: anywhere; }" in pages.style()


@pytest.mark.parametrize("name", ["..", "a/b", "A", "-x", "x" * 41, "a b", "%2e"])
def test_no_link_is_made_of_a_name_that_is_no_name(name):
    entry = replace(cases.entries()[0], name=name)
    tree = site.build_index([entry])
    assert [attrs["href"] for tag, attrs in reading.Page(text(tree, "index.html")).tags if tag == "a"] == ["#main"]
    assert "](" not in text(tree, "README.md")


def test_the_order_of_trials_and_mappings_does_not_show():
    data = cases.failing()
    turned = replace(
        data,
        trials=data.trials[::-1],
        log_tails=dict(reversed(data.log_tails.items())),
        provenance=replace(data.provenance, versions=dict(reversed(data.provenance.versions.items()))),
    )
    assert site.build(turned).digest() == site.build(data).digest()


TRIAL = {
    "name": "other",
    "run": 9,
    "index": 77,
    "point": {"C": "2", "gamma": "1", "kernel": "rbf"},
    "phase": Phase.KILLED,
    "reason": "Other",
    "message": "other",
    "started": "2026-01-01T00:00:00Z",
    "finished": "2026-01-01T00:00:01Z",
    "observation": (Metric(name="accuracy", min="7", max="7", latest="7"),),
    "artifacts": (Artifact(path="a", size=1, digest="b"),),
    "parent": 3,
    "result_of": "other",
    "rules": (EarlyStoppingRule(metric="accuracy", value="0.5", comparison=Comparison.LESS),),
}
STOPPED = 5
"""The trial of which rules are told."""
ORIGIN = {
    "source": "other",
    "commit": "f" * 40,
    "clean": None,
    "manifest_path": "other.yaml",
    "spec_digest": "other",
    "seed": 1,
    "engine": "other",
    "versions": {"x": "1"},
    "images_ignored": ("other",),
}
DATA = {
    "status": "Suspended",
    "reason": "Other",
    "message": "other",
    "run": 4,
    "trials": (),
    "best": "",
    "waiting": ("X",),
    "started": "2026-01-01T00:00:00Z",
    "finished": "2026-01-01T00:00:01Z",
    "log_tails": {"digits-svm-1-0001": "other"},
    "earlier": cases.earlier().earlier,
    "provenance": cases.Provenance(),
    "experiment": cases.experiment(name="other"),
}
EXPERIMENT = {
    "namespace": "other",
    "space": cases.Space((cases.KERNEL,)),
    "objective": replace(cases.experiment().objective, goal=0.5),
    "max_trials": 99,
    "algorithm": cases.Algorithm(name="grid"),
    "max_failed": 99,
    "search": cases.Search(fixed={"kernel": "rbf"}),
}


def variants():
    data = cases.failing()
    yield from ((name, replace(data, **{name: value})) for name, value in DATA.items())
    for name, value in ORIGIN.items():
        yield f"provenance.{name}", replace(data, provenance=replace(data.provenance, **{name: value}))
    for name, value in EXPERIMENT.items():
        yield f"experiment.{name}", replace(data, experiment=replace(data.experiment, **{name: value}))
    for name, value in TRIAL.items():
        trials, at = list(data.trials), STOPPED if name == "rules" else 1
        trials[at] = replace(trials[at], **{name: value})
        yield f"trial.{name}", replace(data, trials=tuple(trials))


@pytest.mark.parametrize(("name", "other"), list(variants()), ids=lambda value: value if isinstance(value, str) else "")
def test_whatever_changes_the_report_changes_its_digest(name, other):
    data = cases.failing()
    if site.build(other).digest() != site.build(data).digest():
        assert site.digest(other) != site.digest(data)
    else:
        assert name == "trial.run", "this field is shown nowhere: drop it from the report data or show it"


def test_the_variants_above_name_every_field_of_the_report_data():
    assert set(DATA) == {one.name for one in fields(cases.ReportData)}
    assert set(ORIGIN) == {one.name for one in fields(cases.Provenance)}
    assert set(TRIAL) == {one.name for one in fields(cases.Trial)} - {"attempt", "lost"}


def test_the_same_data_has_the_same_digest():
    assert site.digest(cases.failing()) == site.digest(cases.failing())
    assert site.digest(cases.hostile()) == site.digest(cases.hostile())


def test_a_built_report_is_a_file_tree_of_utf8():
    tree = site.build(cases.hostile())
    assert isinstance(tree, FileTree)
    assert all(data.decode("utf-8").endswith("\n") for data in tree.values())


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(("scheme", "block"), [("light", 0), ("dark", 1)])
def test_colours_keep_their_contrast(scheme, block):
    blocks = re.findall(r":root \{([^}]*--page[^}]*)\}", pages.asset("page.css"))
    colours = dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", blocks[block]))
    for ground in ("page", "card"):
        for name, least in {
            "ink": 4.5,
            "mute": 4.5,
            "link": 4.5,
            "good": 4.5,
            "bad": 4.5,
            "warn": 4.5,
            "best": 4.5,
            "dot": 3.0,
        }.items():
            light, dark = sorted((luminance(colours[name]), luminance(colours[ground])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= least, (scheme, name, ground)
