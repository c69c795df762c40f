"""`kagit init`: what it makes is valid and runs."""

import math
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from kagit import template
from kagit.errors import Refused
from repo_layout import lint, read, scaffold
from repo_layout.settings import Settings


@pytest.fixture
def repository(tmp_path):
    for path, data in scaffold.files("my experiments").items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    return tmp_path


def test_it_validates_without_findings(repository):
    assert lint.check([repository]).findings == ()
    assert lint.check([repository / "experiments"]).findings == ()


def test_the_settings_file_spells_out_the_defaults():
    assert read.settings(scaffold.files("x")[".kagit.yaml"]) == (Settings(), ())


def test_its_example_runs_with_python_alone(repository):
    (one,) = read.declared(scaffold.files("x"), Settings()).experiments
    experiment = one.experiment
    values = {p.name: str(p.minimum) if p.is_range else p.values[-1] for p in experiment.space}
    body = template.fill(experiment.template, trial="hello-1-0000", namespace="default", point=values)
    program, *arguments = body["spec"]["template"]["spec"]["containers"][0]["command"]
    assert program == "python3"
    done = subprocess.run([sys.executable, *arguments], cwd=repository, capture_output=True, text=True, check=True)
    losses = [float(line.split("loss=")[1]) for line in done.stdout.splitlines()]
    assert len(losses) == 20
    assert math.isfinite(losses[-1])
    assert losses[-1] < losses[0]


def test_the_example_is_worth_tuning(repository):
    worst, best = (
        float(
            subprocess.run(
                [sys.executable, "experiments/hello.py", f"--rate={rate}", "--momentum=0.5"],
                cwd=repository, capture_output=True, text=True, check=True,
            ).stdout.split("loss=")[-1]
        )
        for rate in ("0.01", "0.3")
    )  # fmt: skip
    assert best < worst / 10


def test_its_other_yaml_files_are_yaml(repository):
    for path in (".github/workflows/validate.yaml", ".gitlab-ci.yml"):
        assert "kagit validate" in repr(yaml.safe_load((repository / path).read_text()))


def test_it_is_the_same_every_time():
    assert scaffold.files("x").digest() == scaffold.files("x").digest()
    assert scaffold.files("my lab")["README.md"].startswith(b"# my lab\n")
    assert "reports/** text eol=lf" in scaffold.files("x")[".gitattributes"].decode()


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 101])
def test_names_that_are_no_titles(name):
    with pytest.raises(Refused, match="cannot be a title"):
        scaffold.files(name)


def test_every_template_is_used():
    folder = Path(scaffold.__file__).with_name("template")
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert len(scaffold.files("x")) == len(there)
