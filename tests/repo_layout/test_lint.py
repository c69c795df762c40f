"""`kagit validate` without its command line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kagit.errors import Refused
from kagit.findings import Finding, Issue, Severity
from repo_layout import lint

ROOT = Path(__file__).parents[2]
WHOLE = (ROOT / "tests" / "cases" / "katib" / "base.yaml").read_text()
GOOD = WHOLE[: WHOLE.index("  earlyStopping:")] + WHOLE[WHOLE.index("  metricsCollectorSpec:") :]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(path, text=GOOD):
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def told(*paths, **more):
    return [str(finding) for finding in lint.check([Path(path) for path in paths], **more).findings]


@pytest.mark.usefixtures("folder")
class TestCheck:
    def test_a_good_file(self):
        put("a.yaml")
        assert told("a.yaml") == []

    def test_a_missing_path(self):
        assert told("nope") == ["nope:0:0: there is no such file or folder; correct the path [path-missing]"]

    def test_folders_are_searched_and_hidden_ones_are_not(self):
        put("x/deep/a.yml", "")
        put("x/.hidden/b.yaml", "")
        put("x/.c.yaml", "")
        put("x/d.txt", "")
        assert told("x") == [
            "x/deep/a.yml:0:0: the file declares nothing; write an Experiment, or remove the file [empty-file]"
        ]

    def test_a_repository_is_read_by_its_settings(self):
        put("repo/.kagit.yaml", "experiments: mine\nnamespace: team\nreport: x\n")
        put("repo/mine/a.yaml", GOOD.replace("namespace: fakens", "labels: {}"))
        put("repo/mine/b.yaml", GOOD.replace("namespace: fakens", "namespace: team"))
        put("repo/other/c.yaml", "a: [")
        assert told("repo") == [
            "repo/.kagit.yaml:3:1: report is no setting; did you mean reports? [unknown-setting]",
            (
                "repo/mine/b.yaml:2:1: team/fake is declared already in repo/mine/a.yaml:2; rename or remove one "
                "[experiment-twice]"
            ),
        ]

    def test_a_repository_without_its_folder(self):
        put("repo/.kagit.yaml", "namespace: team\n")
        (finding,) = lint.check([Path("repo")]).findings
        assert (finding.slug, finding.severity) == ("experiments-missing", Severity.WARNING)

    def test_settings_alone(self):
        put(".kagit.yaml", "namespace: 5")
        assert [finding.slug for finding in lint.check([Path(".kagit.yaml")]).findings] == ["setting-invalid"]

    def test_a_file_that_is_named_twice_is_read_once(self):
        put("x/a.yaml")
        put("x/b.yaml", "a: [")
        assert len(told("x", "x/a.yaml", "./x/../x", str(Path("x").absolute()))) == 1

    def test_links_are_refused(self):
        put("a.txt")
        Path("x").mkdir()
        Path("x/a.yaml").symlink_to("../a.txt")
        assert [finding.slug for finding in lint.check([Path("x")]).findings] == ["symbolic-link"]

    def test_what_is_no_file(self):
        os.mkfifo("pipe.yaml")
        assert [finding.slug for finding in lint.check([Path("pipe.yaml")]).findings] == ["not-a-file"]

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_what_may_not_be_read(self):
        put("a.yaml")
        Path("a.yaml").chmod(0)
        assert [finding.slug for finding in lint.check([Path("a.yaml")]).findings] == ["unreadable"]

    def test_a_huge_file_is_not_read(self):
        with Path("a.yaml").open("wb") as file:
            file.truncate(1 << 40)
        assert [finding.slug for finding in lint.check([Path("a.yaml")]).findings] == ["file-too-large"]

    def test_a_folder_without_files(self):
        Path("x/y").mkdir(parents=True)
        put("x/a.txt", "")
        (finding,) = lint.check([Path("x")]).findings
        assert (finding.path, finding.slug, finding.severity) == ("x", "folder-empty", Severity.WARNING)

    def test_a_circle_of_links_is_no_file(self):
        Path("x").symlink_to("x")
        assert [finding.slug for finding in lint.check([Path("x"), Path("x/a.yaml")]).findings] == [
            "symbolic-link",
            "unreadable",
        ]

    def test_the_whole_in_one_line(self):
        put("x/a.yaml")
        assert lint.check([Path("x"), Path("x/a.yaml")]).summary == "1 file, no findings"
        put("x/b.yaml", "")
        put(".kagit.yaml", "experiments: x\n")
        assert lint.check([Path()]).summary == "3 files, 1 warning"
        put("x/c.yaml", "a: [")
        put("x/d.yaml", "a: [")
        assert lint.check([Path()]).summary == "5 files, 2 errors, 1 warning"
        assert lint.check([Path(".kagit.yaml")]).summary == "1 file, no findings"
        assert lint.Checked((), 1000).summary == "1,000 files, no findings"

    def test_a_number_that_cannot_be_read_is_not_missing_too(self):
        put("a.yaml", GOOD.replace('max: "5"', "max: 1e400"))
        (finding,) = lint.check([Path("a.yaml")]).findings
        assert (finding.slug, finding.line > 1) == ("not-finite", True)

    def test_extra_checks_get_places(self):
        put("a.yaml")
        issue = Issue(at=("spec", "algorithm", "algorithmName"), message="x; y", slug="z")
        assert told("a.yaml", extra=lambda _: (issue,)) == ["a.yaml:9:5: x; y [z]"]


FINDINGS = (
    Finding(path="a,b.yaml", line=1, column=2, message="x\n::error::y; 100%", slug="s"),
    Finding(path="c.yaml", message="w\x1b[0m; z", slug="t", severity=Severity.WARNING),
)


def test_text():
    assert lint.format(FINDINGS) == "a,b.yaml:1:2: x\\n::error::y; 100% [s]\nc.yaml:0:0: warning: w\\x1b[0m; z [t]"


def test_github():
    assert lint.format(FINDINGS, style="github").splitlines() == [
        "::error file=a%2Cb.yaml,line=1,col=2,title=s::x%0A::error::y; 100%25",
        "::warning file=c.yaml,title=t::w\x1b[0m; z",
    ]


def test_json():
    first, second = json.loads(lint.format(FINDINGS, style="json"))
    assert first == {
        "path": "a,b.yaml",
        "line": 1,
        "column": 2,
        "severity": "error",
        "message": "x\n::error::y; 100%",
        "slug": "s",
    }
    assert second["severity"] == "warning"
    assert lint.format((), style="json") == "[]"


def test_unknown_format():
    with pytest.raises(Refused, match="give text, github or json"):
        lint.format((), style="xml")


def test_validating_waits_for_no_heavy_library():
    code = "import sys; from repo_layout import lint; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "kagit.v1beta1.manifest" in loaded
    assert not loaded & {
        "yaml",
        "ruamel",
        "jinja2",
        "difflib",
        "asyncio",
        "socket",
        "importlib.resources",
        "subprocess",
    }
