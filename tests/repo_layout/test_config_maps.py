"""Templates that experiments take from ConfigMaps: found among all files, checked, and shown where they stand."""

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kagit import template
from kagit.template import Unquoted
from repo_layout import lint, read
from repo_layout.settings import Settings

TEXT = """\
apiVersion: batch/v1
kind: Job
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: main
          image: a
          command: [train, "--lr=${trialParameters.lr}"]
"""
FAILED = 'status.conditions.#(type=="Failed")#|#(status=="True")#'


def experiment(name="e", *, config_map=None, **more):
    return {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "Experiment",
        "metadata": {"name": name},
        "spec": {
            "objective": {"type": "minimize", "objectiveMetricName": "loss"},
            "algorithm": {"algorithmName": "random"},
            "maxTrialCount": 4,
            "parameters": [
                {"name": "lr", "parameterType": "double", "feasibleSpace": {"min": "0.01", "max": "0.1"}},
            ],
            "trialTemplate": {
                "primaryContainerName": "main",
                "successCondition": FAILED.replace("Failed", "Complete"),
                "failureCondition": FAILED,
                "trialParameters": [{"name": "lr", "reference": "lr"}],
                "configMap": {
                    "configMapName": "templates",
                    "configMapNamespace": "kubeflow",
                    "templatePath": "job.yaml",
                    **(config_map or {}),
                },
                **more,
            },
        },
    }


def block(text=TEXT, *, name="templates", namespace="kubeflow", key="job.yaml", style="|"):
    lines = "".join(f"    {line}\n" if line else "\n" for line in text.splitlines())
    meta = f"metadata:\n  name: {name}\n" + (f"  namespace: {namespace}\n" if namespace else "")
    return f"apiVersion: v1\nkind: ConfigMap\n{meta}data:\n  {key}: {style}\n{lines}"


FIRST_LINE = 8
"""Line of the template's first line in `block()`."""


def seen(files, **settings):
    text = {path: (one if isinstance(one, str) else yaml.safe_dump(one)) for path, one in files.items()}
    return read.declared({path: one.encode() for path, one in text.items()}, Settings(**settings))


def both(text=TEXT, *, config_map=None, **more):
    return seen({"experiments/e.yaml": experiment(config_map=config_map, **more), "experiments/t.yaml": block(text)})


def test_a_template_from_another_file():
    found = both()
    assert found.findings == ()
    (one,) = found.experiments
    assert one.path == "experiments/e.yaml"
    assert one.experiment.template.source == TEXT
    assert one.experiment.manifest["spec"]["trialTemplate"]["configMap"]["configMapName"] == "templates"
    body = template.fill(one.experiment.template, trial="e-1", namespace="default", point={"lr": "0.05"})
    assert body["spec"]["template"]["spec"]["containers"][0]["command"] == ["train", "--lr=0.05"]
    assert body["metadata"] == {"name": "e-1", "namespace": "default"}


def test_it_is_the_same_as_one_in_the_manifest():
    inline = experiment()
    del inline["spec"]["trialTemplate"]["configMap"]
    inline["spec"]["trialTemplate"]["trialSpec"] = yaml.safe_load(TEXT)
    (one,), (two,) = both().experiments, seen({"experiments/e.yaml": inline}).experiments
    point = {"trial": "e-1", "namespace": "default", "point": {"lr": "0.05"}}
    assert template.fill(one.experiment.template, **point) == template.fill(two.experiment.template, **point)


@pytest.mark.parametrize(
    "files",
    [
        {"experiments/a.yaml": yaml.safe_dump(experiment()) + "---\n" + block()},
        {"experiments/a.yaml": block() + "---\n" + yaml.safe_dump(experiment())},
        {"experiments/z/t.yaml": block(), "experiments/e.yaml": experiment()},
        {
            "experiments/a.yaml": json.dumps(
                {"apiVersion": "v1", "kind": "List", "items": [experiment(), yaml.safe_load(block())]}
            )
        },
        {"experiments/e.yaml": experiment(), "experiments/t.yaml": block().replace("\n", "\r\n")},
        {"experiments/e.yaml": experiment(config_map={"configMapNamespace": "team"}),
         "experiments/t.yaml": block(namespace="")},
    ],
)  # fmt: skip
def test_wherever_it_stands(files):
    found = seen(files, namespace="team")
    assert found.findings == ()
    assert [one.experiment.template.source for one in found.experiments] == [TEXT]


@pytest.mark.parametrize(
    ("config_map", "says"),
    [
        ({"configMapName": "template"}, "no ConfigMap kubeflow/template among the files; did you mean templates?"),
        ({"configMapName": "x"}, "no ConfigMap kubeflow/x among the files; known are templates; add its manifest"),
        ({"configMapNamespace": "x"}, "ConfigMap templates is in namespace kubeflow, not x; did you mean kubeflow?"),
        ({"configMapName": "z", "configMapNamespace": "x"}, "no ConfigMap x/z among the files; add its manifest"),
        ({"templatePath": "job.yml"}, "templates (experiments/t.yaml:2) has no 'job.yml'; did you mean job.yaml?"),
    ],
)  # fmt: skip
def test_what_is_missing_is_said_at_the_reference(config_map, says):
    found = both(config_map=config_map)
    (one,) = found.findings
    assert says in one.message
    field = "configMapName" if "configMapName" in config_map else next(iter(config_map))
    lines = yaml.safe_dump(experiment(config_map=config_map)).splitlines()
    assert lines[one.line - 1].strip().startswith(field)
    assert [(one.namespace, one.name) for one in found.refused] == [("default", "e")]
    assert found.refused[0].errors == (one,)
    assert found.experiments == ()


def test_two_of_the_same_name():
    found = seen({"experiments/e.yaml": experiment(), "experiments/t.yaml": block(), "experiments/u.yaml": block()})
    (one,) = found.findings
    assert "stands in experiments/t.yaml:2 and experiments/u.yaml:2; remove all but one" in one.message
    assert found.experiments == ()


def test_two_of_the_same_name_that_nobody_wants():
    assert seen({"experiments/t.yaml": block(), "experiments/u.yaml": block()}).findings == ()


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "slug"),
    [
        ("image: a", "imag: a", 9, 11, "unknown-field"),
        ("trialParameters.lr}", "trialParameters.lx}", 10, 28, "placeholder-unknown"),
        ("restartPolicy: Never", "restartPolicy: Always", 6, 7, "restart-policy"),
        ("restartPolicy: Never", "backoffLimit: ${trialParameters.lr}", 6, 7, "unknown-field"),
        ("kind: Job", "kind: Job\nkind: Job", 3, 1, "duplicate-key"),
        ("image: a", "image: .nan", 9, 11, "not-finite"),
        ("image: a", "image: yes", 9, 11, "not-text"),
        ("image: a", "image: [a", 10, 18, "yaml-syntax"),
        ("image: a", "\timage: a", 9, 11, "yaml-tab"),
        (
            "  restart",
            "  terminationGracePeriodSeconds: '${trialParameters.lr}'\n      restart",
            6,
            7,
            "placeholder-not-text",
        ),
    ],
)
def test_findings_stand_in_the_config_map(old, new, line, column, slug):
    found = both(TEXT.replace(old, new))
    places = {(one.path, one.line, one.column, one.slug) for one in found.findings}
    assert ("experiments/t.yaml", FIRST_LINE - 1 + line, column + 4, slug) in places


def test_findings_about_the_experiment_stand_there():
    found = both(TEXT.replace("name: main", "name: other"))
    (one,) = found.findings
    assert (one.path, one.slug) == ("experiments/e.yaml", "container-unknown")
    found = both(TEXT.replace("${trialParameters.lr}", "1"))
    assert [(one.path, one.slug) for one in found.findings] == [("experiments/e.yaml", "placeholder-missing")]


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("", "template-object"),
        ("# nothing\n", "template-object"),
        ("[]\n", "template-object"),
        ("just text\n", "template-object"),
        ("12\n", "template-object"),
        ("kind: Job\n", "template-kind"),
        # Katib's own row of section 13.2: a plain scalar with `: `.
        (TEXT + "          args:\n            - --p={'num_layers': 2, 'sizes': [32, 3]}\n", "yaml-syntax"),
    ],
)
def test_texts_that_are_no_template(text, slug):
    found = both(text)
    assert slug in {one.slug for one in found.findings}
    assert found.experiments == ()


def test_only_the_first_document_counts():
    found = both(TEXT + "---\nkind: Other\n")
    assert [(one.slug, one.line) for one in found.findings] == [("template-documents", FIRST_LINE + 11)]
    assert len(found.experiments) == 1


def test_texts_that_do_not_keep_their_lines_are_shown_at_their_key():
    text = json.dumps(yaml.safe_load(TEXT))
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "templates", "namespace": "kubeflow"},
        "data": {"job.yaml": text.replace('"image"', '"imag"')},
    }
    found = seen({"experiments/e.yaml": experiment(), "experiments/t.yaml": json.dumps(body, indent=1)})
    (one,) = found.findings
    assert (one.path, one.line, one.slug) == ("experiments/t.yaml", 9, "unknown-field")


def values(plain, **values):
    """What scalars of a template are after filling."""
    text = f"apiVersion: v1\nkind: K\nspec:\n{plain}"
    names = [*values]
    found = both(
        text,
        trialParameters=[
            {"name": name, "reference": "lr" if i == 0 else f"${{trialSpec.{name}}}"} for i, name in enumerate(names)
        ],
    )
    (one,) = found.experiments
    return template.fill(one.experiment.template, trial="t", namespace="n", point={"lr": values[names[0]]})["spec"]


@pytest.mark.parametrize(
    ("value", "becomes"),
    [
        ("3", 3),
        ("-3", -3),
        ("0.5", 0.5),
        ("1e-3", 0.001),
        ("1e3", 1000.0),
        ("true", True),
        ("yes", True),
        ("n", False),
        ("null", None),
        ("", None),
        ("012", 10),
        ("0x1f", 31),
        (".nan", ".nan"),
        (".inf", ".inf"),
        ("nan", "nan"),
        ("adam", "adam"),
        ("1.2.3", "1.2.3"),
        ("a: b", "a: b"),
        ("a # b", "a # b"),
        ("'a'", "'a'"),
        ('"a', '"a'),
        ("[1, 2]", "[1, 2]"),
        ("{a: b}", "{a: b}"),
        ("- a\n- b", "- a\n- b"),
        ("*a", "*a"),
        ("!!int 3", "!!int 3"),
        (" 3 ", 3),
        (" a ", " a "),
        ("${trialParameters.lr}", "${trialParameters.lr}"),
    ],
)
def test_scalars_without_quotes_become_what_kubectl_reads(value, becomes):
    spec = values(
        "  plain: ${trialParameters.lr}\n  single: '${trialParameters.lr}'\n  double: \"${trialParameters.lr}\"\n"
        "  flow: [${trialParameters.lr}, a]\n  block: |\n    ${trialParameters.lr}\n  inside: a${trialParameters.lr}\n",
        lr=value,
    )
    assert repr(spec["plain"]) == repr(becomes)
    assert repr(spec["flow"]) == repr([becomes, "a"])
    assert (spec["single"], spec["double"], spec["block"]) == (value, value, f"{value}\n")
    assert spec["inside"] == f"a{value}"


def test_longer_scalars_without_quotes_are_read_as_a_whole():
    spec = values(
        "  a: 1${trialParameters.lr}\n  b: ${trialParameters.lr}.${trialParameters.lr}\n"
        "  c: -${trialParameters.lr}e1\n",
        lr="5",
    )
    assert repr(spec) == repr({"a": 15, "b": 5.5, "c": -50.0})


def test_braces_that_a_parser_would_stumble_over():
    spec = values("  a: {b: ${trialParameters.lr}, c: [--x=${trialParameters.lr}]}\n", lr="5")
    assert spec == {"a": {"b": 5, "c": ["--x=5"]}}


@given(st.text(max_size=30))
def test_no_value_breaks_a_template(value):
    spec = values(
        "  a: ${trialParameters.lr}\n  b: '${trialParameters.lr}'\n  c: [x, ${trialParameters.lr}]\n", lr=value
    )
    assert spec["b"] == value
    assert spec["a"] == spec["c"][1]
    assert spec["a"] == value or not isinstance(spec["a"], str)


@given(st.text(alphabet=st.sampled_from("abk:{}[]\"'|>-#&*!%@\n \t$.,?\ue000\ue0010") | st.characters(), max_size=60))
def test_no_text_is_too_odd(text):
    parsed = read.template(text)
    assert parsed.body is None or isinstance(parsed.body, dict)
    assert parsed.body is not None or parsed.findings


def test_hidden_characters_of_a_text_are_its_own():
    text = "apiVersion: v1\nkind: K\na: \ue0000\ue001 ${trialParameters.lr}\nb: ${trialParameters.lr}\n"
    body = read.template(text).body
    assert body["a"] == "\ue0000\ue001 ${trialParameters.lr}"
    assert isinstance(body["b"], Unquoted)


def test_a_changed_template_is_another_spec_and_a_comment_is_none():
    def digests(text):
        (one,) = both(text).experiments
        return one.experiment.spec_digest, one.experiment.run_digest

    was = digests(TEXT)
    assert digests("# a comment\n" + TEXT.replace("image: a", "image:   'a'")) == was
    for other in (TEXT.replace("image: a", "image: b"), TEXT.replace('"--lr=', '"--rate=')):
        assert all(new != old for new, old in zip(digests(other), was, strict=True))
    quoted = TEXT.replace('["train', "[").replace('"--lr=${trialParameters.lr}"', "${trialParameters.lr}")
    assert digests(quoted) != digests(quoted.replace("${trialParameters.lr}", "'${trialParameters.lr}'"))


def test_the_budget_is_no_part_of_the_run():
    more = experiment()
    more["spec"]["maxTrialCount"] = 9
    (one,), (two,) = (
        both().experiments,
        seen({"experiments/e.yaml": more, "experiments/t.yaml": block()}).experiments,
    )
    assert one.experiment.run_digest == two.experiment.run_digest
    assert one.experiment.spec_digest != two.experiment.spec_digest


def test_a_broken_config_map_breaks_no_other_experiment():
    files = {
        "experiments/e.yaml": experiment(),
        "experiments/f.yaml": experiment("f", config_map={"configMapName": "good"}),
        "experiments/t.yaml": block("a: [\n"),
        "experiments/u.yaml": block(name="good"),
    }
    found = seen(files)
    assert [one.experiment.name for one in found.experiments] == ["f"]
    assert [one.name for one in found.refused] == ["e"]


def test_a_file_knows_nothing_of_others():
    alone = read.file("e.yaml", yaml.safe_dump(experiment()).encode())
    assert alone.findings == ()
    (one,) = alone.experiments
    assert one.find is not None
    assert one.experiment.template.trial_spec is None


def test_config_maps_that_are_odd():
    for data in ("data: [a]", "data: {a: 1, b: [2]}", "metadata: []\ndata: 3", "metadata: {name: 3}", ""):
        assert seen({"experiments/t.yaml": f"apiVersion: v1\nkind: ConfigMap\n{data}\n"}).findings == ()


def test_validate_looks_beside_the_file(tmp_path):
    (tmp_path / "e.yaml").write_text(yaml.safe_dump(experiment()))
    assert [one.slug for one in lint.check([tmp_path / "e.yaml"]).findings] == ["config-map-missing"]
    (tmp_path / "t.yaml").write_text(block(TEXT.replace("image", "imag")))
    (one,) = lint.check([tmp_path / "e.yaml"]).findings
    assert (one.path, one.slug) == (str(tmp_path / "t.yaml"), "unknown-field")
    assert lint.check([tmp_path]).findings == (one,)
    (tmp_path / "t.yaml").write_text(block())
    (tmp_path / "u.yaml").write_text("not: [yaml ConfigMap")
    assert lint.check([tmp_path / "e.yaml"]).findings == ()
