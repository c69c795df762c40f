"""The examples are what they say: manifests without findings, scripts that are there, a run that really runs."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from repo_layout import read

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
MANIFESTS = sorted(EXAMPLES.glob("*/experiments/*.yaml"))
SECONDS = 240


def named(manifest: Path) -> str:
    return manifest.relative_to(EXAMPLES).as_posix()


def test_there_are_the_promised_experiments() -> None:
    assert [named(one) for one in MANIFESTS] == [
        "darts/experiments/digits-darts.yaml",
        "demo/experiments/breast-cancer-boosting.yaml",
        "demo/experiments/digits-svm.yaml",
        "distributed/experiments/sgd.yaml",
        "enas/experiments/digits-enas.yaml",
        "hyperband/experiments/digits-network.yaml",
        "pbt/experiments/digits-pbt.yaml",
        "quadratic/experiments/quadratic.yaml",
        "stopping/experiments/digits-network.yaml",
    ]


def pods(value: object) -> Iterator[dict]:
    """Every pod template in a manifest."""
    for key, one in value.items() if isinstance(value, dict) else ():
        if key == "template":
            yield one["spec"]
        else:
            yield from pods(one)


@pytest.mark.parametrize("manifest", MANIFESTS, ids=named)
def test_it_has_no_findings_and_is_called_like_its_file(manifest: Path) -> None:
    declared = read.file(named(manifest), manifest.read_bytes())
    assert list(declared.findings) == []
    assert [one.experiment.name for one in declared.experiments] == [manifest.stem]


@pytest.mark.parametrize("manifest", MANIFESTS, ids=named)
def test_its_script_takes_what_it_is_given_and_prints_what_is_read(manifest: Path) -> None:
    body = yaml.safe_load(manifest.read_text(encoding="utf-8"))
    command = next(pods(body["spec"]["trialTemplate"]["trialSpec"]))["containers"][0]["command"]
    script = manifest.parents[1] / next(word for word in command if word.endswith(".py"))
    text = script.read_text(encoding="utf-8")
    for option in re.findall(r"^(--\w+)=", "\n".join(command), re.MULTILINE):
        assert f'"{option}"' in text
    objective = body["spec"]["objective"]
    for metric in [objective["objectiveMetricName"], *objective.get("additionalMetricNames", [])]:
        assert f"{metric}={{" in text


def kagit(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "reconciler.cli", *arguments]
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
    done = subprocess.run(
        command,
        cwd=place,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


def table(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def test_the_distributed_example_runs_as_its_page_says(tmp_path: Path) -> None:
    place = tmp_path / "distributed"
    shutil.copytree(EXAMPLES / "distributed", place)
    kagit(place, "run", "experiments/sgd.yaml", "--slots", "4", "--report", "out")
    rows = table(place / "out/trials.csv")
    assert {row["status"] for row in rows} == {"Succeeded"}
    assert len(rows) == 8
    assert min(float(row["loss"]) for row in rows) < 0.02
    shown = kagit(place, "logs", "sgd-1-0000")
    assert shown.stdout.startswith("loss=")
    assert shown.stderr == "more output, with --container NAME: worker-0\n"
    worker = kagit(place, "logs", "sgd-1-0000", "--container", "worker-0")
    assert worker.stdout == "rank 1 of 2 has 200 points\n"


def cut(manifest: Path, **counts: tuple[str, str]) -> None:
    """Leave the example as it is, but smaller."""
    text = manifest.read_text(encoding="utf-8")
    for old, new in counts.values():
        assert old in text
        text = text.replace(old, new)
    manifest.write_text(text, encoding="utf-8")


def test_the_enas_example_trains_the_networks_that_it_is_told(tmp_path: Path) -> None:
    place = tmp_path / "enas"
    shutil.copytree(EXAMPLES / "enas", place)
    cut(place / "experiments/digits-enas.yaml", trials=("maxTrialCount: 12", "maxTrialCount: 2"))
    kagit(place, "run", "experiments/digits-enas.yaml", "--report", "out")
    rows = table(place / "out/trials.csv")
    assert {row["status"] for row in rows} == {"Succeeded"}
    assert len({row["architecture"] for row in rows}) == 2
    assert all(row["nn_config"].startswith("{'num_layers': 3, 'input_sizes': [8, 8, 1]") for row in rows)
    assert max(float(row["Validation-Accuracy"]) for row in rows) > 0.8


def test_the_darts_example_ends_with_a_genotype(tmp_path: Path) -> None:
    place = tmp_path / "darts"
    shutil.copytree(EXAMPLES / "darts", place)
    manifest = place / "experiments/digits-darts.yaml"
    cut(manifest, epochs=('value: "5"', 'value: "2"'), channels=('value: "8"', 'value: "4"'))
    done = kagit(place, "run", "experiments/digits-darts.yaml", "--report", "out")
    (row,) = table(place / "out/trials.csv")
    best = yaml.safe_load((place / "out/best.yaml").read_text(encoding="utf-8"))
    genotype = best["objective"]["value"]
    assert genotype == row["Best-Genotype"]
    found = eval(genotype, {"Genotype": dict})
    assert found["normal_concat"] == found["reduce_concat"] == range(2, 4)
    operations = {"separable_convolution_3x3", "max_pooling_3x3", "avg_pooling_3x3", "skip_connection"}
    assert {name for node in (*found["normal"], *found["reduce"]) for name, _ in node} <= operations
    assert [len(node) for node in (*found["normal"], *found["reduce"])] == [2, 2, 2, 2]
    assert float(row["Validation-Accuracy"]) > 0.3
    assert genotype[:50] in done.stdout


def test_the_stopping_example_saves_epochs(tmp_path: Path) -> None:
    """The first eight of its trials."""
    place, epochs = tmp_path / "stopping", 60
    shutil.copytree(EXAMPLES / "stopping", place)
    manifest = place / "experiments/digits-network.yaml"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace("maxTrialCount: 30", "maxTrialCount: 8"), encoding="utf-8")
    kagit(place, "run", "experiments/digits-network.yaml", "--report", "out")
    rows = table(place / "out/trials.csv")
    assert len(rows) == 8
    assert {row["status"] for row in rows} == {"EarlyStopped", "Succeeded"}
    assert min(float(row["error"]) for row in rows) < 0.1
    found = kagit(place, "query", "select trial, count(*) as reports from readings group by trial", "--output", "json")
    reports = {one["trial"].rpartition("/")[2]: one["reports"] for one in json.loads(found.stdout)}
    assert all(reports[row["trial"]] == epochs for row in rows if row["status"] == "Succeeded")
    assert all(reports[row["trial"]] >= 4 for row in rows)
    assert sum(reports.values()) < epochs * len(rows)


def test_the_small_example_runs_as_its_page_says(tmp_path: Path) -> None:
    place = tmp_path / "quadratic"
    shutil.copytree(EXAMPLES / "quadratic", place)
    kagit(place, "run", "experiments/quadratic.yaml", "--report", "out")
    rows = table(place / "out/trials.csv")
    assert len(rows) == 25
    assert len({(row["east"], row["north"]) for row in rows}) == 25
    assert {row["status"] for row in rows} == {"Succeeded"}
    best = min(rows, key=lambda row: float(row["loss"]))
    assert (float(best["east"]), float(best["north"])) == (0.5, 0.0)
    assert f'trial: "{best["trial"]}"' in (place / "out/best.yaml").read_text(encoding="utf-8")


def test_the_network_of_the_hyperband_example_is_trained_for_as_many_epochs_as_it_is_given() -> None:
    script = EXAMPLES / "hyperband/experiments/digits_network.py"
    command = [sys.executable, str(script), "--epochs=2", "--rate=0.01", "--decay=0.0001", "--width=32"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True)
    first, second = (float(line.partition("accuracy=")[2]) for line in done.stdout.splitlines())
    assert 0.1 < first < second
    assert done.stderr == ""


def test_a_member_of_the_population_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    command = [sys.executable, EXAMPLES / "pbt/experiments/digits_pbt.py", "--rate=0.3", "--momentum=0.5", "--batch=32"]

    def trial(place: Path) -> list[tuple[int, float]]:
        done = subprocess.run(
            [*command, f"--checkpoints={place}"], capture_output=True, text=True, timeout=SECONDS, check=True
        )
        found = re.findall(r"^epoch (\d+): loss=([\d.]+) accuracy=", done.stdout, re.MULTILINE)
        return [(int(epoch), float(loss)) for epoch, loss in found]

    first, second = trial(tmp_path), trial(tmp_path)
    assert [epoch for epoch, _ in [*first, *second]] == [1, 2, 3, 4, 5, 6]
    assert second[-1][1] < 0.8 * first[-1][1]
    assert [one.name for one in tmp_path.iterdir()] == ["network.npz"]
