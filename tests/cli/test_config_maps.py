"""Templates from ConfigMaps in real commands: validate, run, plan and reconcile find them where they stand."""

import json

import yaml

from kagit.v1beta1 import defaults
from tests.cli.support import LOSS, Origin, manifest, sh

E, T = "experiments/e.yaml", "experiments/t.yaml"


def files(command=LOSS, **spec) -> dict[str, str]:
    """An experiment, and the ConfigMap that its template stands in."""
    body = json.loads(manifest("e", command, **spec))
    template = body["spec"]["trialTemplate"]
    full = defaults.effective(body["spec"])["trialTemplate"]
    held = {"job.yaml": yaml.safe_dump(template.pop("trialSpec"))}
    template["configMap"] = {"configMapName": "t", "configMapNamespace": "team", "templatePath": "job.yaml"}
    template |= {key: full[key] for key in ("successCondition", "failureCondition")}
    meta = {"name": "t", "namespace": "team"}
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": held}
    return {E: json.dumps(body), T: yaml.safe_dump(config_map, default_style="|")}


def test_run_finds_it_beside_the_file_and_in_the_file(cli, tmp_path):
    made = files()
    (tmp_path / "e.yaml").write_text(made[E])
    alone = cli("run", tmp_path / "e.yaml")
    assert alone.code == 1
    assert "there is no ConfigMap team/t among the files; add its manifest beside the experiment" in alone.err
    (tmp_path / "t.yaml").write_text(made[T])
    assert cli("run", tmp_path / "e.yaml").code == 0
    (tmp_path / "t.yaml").unlink()
    (tmp_path / "e.yaml").write_text(f"{made[E]}\n---\n{made[T]}")
    assert cli("run", tmp_path / "e.yaml").code == 0


def test_reconcile_plan_and_what_is_kept(cli, origin: Origin):
    origin.push(files())
    planned = ("plan", "--repo", origin.url)
    assert cli(*planned).code == 2
    done = cli("reconcile", "--repo", origin.url, "--once")
    assert (done.code, len(origin.trials("e"))) == (0, 2)
    assert cli(*planned).code == 0
    origin.push(files(sh("echo loss=0.5 ${trialParameters.rate}")))
    changed = cli(*planned)
    assert changed.code == 2
    assert "new run" in changed.out
    origin.push({T: None})
    gone = cli(*planned)
    assert "no ConfigMap team/t among the files" in gone.out
    assert cli("reconcile", "--repo", origin.url, "--once").code == 1
    assert len(origin.trials("e")) == 2


def test_validate_shows_the_line_of_the_config_map(cli, tmp_path):
    made = files()
    (tmp_path / "e.yaml").write_text(made[E])
    (tmp_path / "t.yaml").write_text(made[T].replace("backoffLimit", "backofLimit"))
    (line,) = [i for i, one in enumerate(made[T].splitlines(), 1) if "backoffLimit" in one]
    found = cli("validate", tmp_path)
    assert found.code == 1
    assert f"t.yaml:{line}:" in found.out
    assert "did you mean backoffLimit?" in found.out
