"""The generated CRDs and policies on a real API server: accepted, and refusing in the words of `kagit validate`.

Run by tests/e2e/run-cluster; the file's name keeps it out of the everyday suite.
"""

import copy
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from kagit.errors import KagitError, NotFound, Refused
from kagit.v1beta1.admission import policies
from reconciler import wiring
from reconciler.adapters.kubernetes_http import ApiServer, Request
from tests.cli.support import LOSS, kagit, manifest
from tests.contract.cluster_world import KUBECONFIG, eventually
from tests.kagit import admission
from tests.katib import test_corpus as corpus
from tests.katib import test_validation as validation

MANIFESTS = Path(__file__).parents[2] / "manifests"
PLURALS = ("experiments", "suggestions", "trials")
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
BINDINGS = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"
MATCHED = set()
"""Rules that refused something."""
ASKED = set()
"""Names of the cases in which they could."""
TEAM = f"team-{os.getpid()}"


needs_kubectl = pytest.mark.skipif(not shutil.which("kubectl"), reason="there is no kubectl")


def kubectl(*args, stdin=""):
    command = ["kubectl", "--kubeconfig", KUBECONFIG, *args]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, check=False)


def generated():
    """The objects in manifests/ with their URLs, CRDs first."""
    for file in sorted(MANIFESTS.glob("*/*.yaml")):
        for body in yaml.safe_load_all(file.read_text(encoding="utf-8")):
            root = {"CustomResourceDefinition": CRDS, "ValidatingAdmissionPolicy": POLICIES}.get(body["kind"], BINDINGS)
            if body["kind"] != "Kustomization":
                yield body, f"{root}/{body['metadata']['name']}"


@pytest.fixture(scope="session")
def server():
    """The server with our manifests applied, and a namespace."""
    connection = ApiServer.connect(kubeconfig=Path(KUBECONFIG))
    for body, where in generated():
        options = "?fieldManager=e2e&force=true&fieldValidation=Strict"
        kind = "application/apply-patch+yaml"
        connection.send(Request(method="PATCH", path=where + options, body=body, content_type=kind))
    eventually(lambda: all("True" in established(connection, plural) for plural in PLURALS))
    connection.send(Request(method="POST", path="/api/v1/namespaces", body={"metadata": {"name": TEAM}}))
    # Policies are taken up within seconds; until then nothing is refused.
    bad = validation.changed({"set": {"metadata.annotations": {"kagit.dev/seed": "x"}}})
    eventually(lambda: "no seed" in answer(connection, bad))
    yield connection
    for where in (f"/api/v1/namespaces/{TEAM}", *(where for _, where in generated())):
        connection.send(Request(method="DELETE", path=where))
    connection.close()


def established(server, plural):
    status = server.send(Request(method="GET", path=f"{CRDS}/{plural}.kubeflow.org")).get("status", {})
    return [one["status"] for one in status.get("conditions", []) if one["type"] == "Established"]


def path(body, *, dry=True):
    where = f"/apis/kubeflow.org/v1beta1/namespaces/{TEAM}/{body['kind'].lower()}s"
    return where + ("?dryRun=All" if dry else "")


def placed(body):
    """The body in our namespace."""
    return {**body, "metadata": {**body["metadata"], "namespace": TEAM}}


def answer(server, body):
    """What the server says against a body, nothing if it takes it."""
    try:
        server.send(Request(method="POST", path=path(body), body=placed(body)))
    except KagitError as error:
        return str(error)
    return ""


def as_user(server, name):
    """The same server, asked by another user."""
    return ApiServer(
        base=server._base,
        pool=server._pool,
        login=lambda: {"Impersonate-User": name, "Impersonate-Group": "system:masters"},
    )


@pytest.mark.parametrize("plural", PLURALS)
def test_a_crd_is_established_and_structural(server, plural):
    status = server.send(Request(method="GET", path=f"{CRDS}/{plural}.kubeflow.org"))["status"]
    conditions = {one["type"]: one["status"] for one in status["conditions"]}
    assert conditions["Established"] == "True"
    assert conditions.get("NonStructuralSchema", "False") == "False"


@pytest.mark.parametrize("name", ["kagit-experiment-content", "kagit-experiment-update"])
def test_a_policy_is_checked_without_a_warning(server, name):
    def checked():
        return server.send(Request(method="GET", path=f"{POLICIES}/{name}")).get("status", {})

    # Touched, because the types may have been checked before the CRD was there.
    patch = {"metadata": {"annotations": {"touched": "yes"}}, "spec": {"failurePolicy": "Fail"}}
    kind = "application/merge-patch+json"
    server.send(Request(method="PATCH", path=f"{POLICIES}/{name}", body=patch, content_type=kind))
    assert eventually(lambda: "typeChecking" in checked())
    assert not checked()["typeChecking"].get("expressionWarnings")


@pytest.mark.parametrize("plural", PLURALS)
def test_what_git_says_is_what_is_stored(server, plural):
    """No default is added: whoever compares finds no drift."""
    ours = yaml.safe_load((MANIFESTS / "crds" / f"{plural}.yaml").read_text(encoding="utf-8"))
    assert server.send(Request(method="GET", path=f"{CRDS}/{plural}.kubeflow.org"))["spec"] == ours["spec"]


@pytest.mark.parametrize("file", corpus.each())
def test_katibs_examples_are_taken_as_they_are(server, file):
    """Also the broken one: what is wrong with it stands inside the template, where CEL does not look."""
    for body in yaml.safe_load_all(file.read_text(encoding="utf-8")):
        if body and body.get("kind") == "Experiment":
            # `kubectl apply` would ask for this too: a field that is dropped is an error.
            body["metadata"].setdefault("name", body["metadata"].pop("generateName", "x"))
            stored = server.send(Request(method="POST", path=f"{path(body)}&fieldValidation=Strict", body=placed(body)))
            assert stored["spec"] == body["spec"], "a default was added, or something lost"


def json_of(case):
    try:
        return json.loads(json.dumps(case["body"], allow_nan=False))
    except ValueError:
        return None


def kind_of(case):
    """What the server is to do: take it, refuse it in our words or in its own; empty where it cannot see."""
    slugs = {one.rpartition("[")[2].rstrip("]") for one in case.get("errors", [])}
    if json_of(case) is None or case["name"] in admission.CEL["unseen_cases"]:
        return ""
    if case["name"] in admission.CEL["typed_cases"] or slugs & set(admission.CEL["typed_slugs"]):
        return "typed"
    slugs -= set(admission.CEL["unseen_slugs"])
    return "refused" if slugs else "" if case.get("errors") else "taken"


def of_kind(kind):
    return [pytest.param(case, id=case["name"]) for case in admission.ALL if kind_of(case) == kind]


@pytest.mark.parametrize("case", of_kind("taken"))
def test_what_is_right_is_taken(server, case):
    assert answer(server, json_of(case)) == ""


@pytest.mark.parametrize("case", of_kind("typed"))
def test_what_has_the_wrong_type_is_refused(server, case):
    assert answer(server, json_of(case))


@pytest.mark.parametrize("case", of_kind("refused"))
def test_what_is_wrong_is_refused_in_our_words(server, case):
    told = answer(server, json_of(case))
    issues = [one for one in admission.issues(case) if one.slug not in admission.CEL["unseen_slugs"]]
    found = {one: [rule for rule in admission.of(one) if admission.said(rule, told)] for one in issues}
    ASKED.add(case["name"])
    MATCHED.update(rule for rules in found.values() for rule in rules)
    if "denied request" in told:
        assert any(found.values()), told  # a policy says one thing at a time
    else:
        assert all(found.values()), (found, told)
    assert any(one.message in told for one in issues) or not any(map(admission.is_plain, issues)), told


def test_every_rule_has_refused_something(server):
    assert server
    if len(ASKED) < len(of_kind("refused")):
        pytest.skip("not all cases were asked")
    assert [(rule.slug, rule.says) for rule in admission.RULES if rule not in MATCHED] == []


def test_an_experiment_as_large_as_may_be_is_taken(server):
    """Within the server's budget for rules, which is counted while they run."""
    body = validation.changed({"set": {"spec.metricsCollectorSpec": {"collector": {"kind": "StdOut"}}}})
    names = [f"a-parameter-{i:03d}" for i in range(200)]
    space = {"min": "0.000001", "max": "0.1", "step": "0.000001", "distribution": "logUniform"}
    body["spec"]["parameters"] = [{"name": n, "parameterType": "double", "feasibleSpace": space} for n in names]
    template = body["spec"]["trialTemplate"]
    template["trialParameters"] = [{"name": n, "reference": n} for n in names]
    assert answer(server, body) == ""
    body["spec"]["parameters"][0] = {
        "name": names[0],
        "parameterType": "discrete",
        "feasibleSpace": {"list": [f"{i}.5" for i in range(4096)]},
    }
    assert answer(server, body) == ""


def test_null_is_as_good_as_absent(server):
    assert (
        answer(server, validation.changed({"set": {"spec.maxFailedTrialCount": None, "spec.earlyStopping": None}}))
        == ""
    )


@pytest.mark.parametrize("case", [pytest.param(one, id=one["name"]) for one in admission.CEL["updates"]])
def test_update(server, case):
    before = placed(validation.changed({"set": case.get("base", {})}))
    before["metadata"]["annotations"] = case.get("annotations", {})
    stored = server.send(Request(method="POST", path=path(before, dry=False), body=before))
    where = f"{path(before, dry=False)}/fake"
    try:
        if "status" in case:
            patch = {"status": case["status"]}
            kind = "application/merge-patch+json"
            server.send(Request(method="PATCH", path=f"{where}/status", body=patch, content_type=kind))
        after = changed_copy(server.send(Request(method="GET", path=where)), case)
        user = as_user(server, policies.RECONCILER if case.get("as") == "reconciler" else "somebody")
        told = ""
        try:
            user.send(Request(method="PUT", path=where, body=after))
        except Refused as error:
            told = str(error)
        expected = [rule for rule in policies.UPDATE if rule.slug in case.get("slugs", [])]
        assert bool(told) == bool(expected), told
        assert all(admission.said(rule, told) for rule in expected), told
    finally:
        server.send(Request(method="DELETE", path=where))
    assert stored["spec"] == before["spec"]


def changed_copy(body, case):
    """The stored object with what the case changes in it."""
    after = copy.deepcopy(body)
    for one in case.get("remove", ()):
        *outer, last = validation.keys(one)
        holder = after
        for key in outer:
            holder = holder[key]
        del holder[last]
    for one, value in case.get("set", {}).items():
        *outer, last = validation.keys(one)
        holder = after
        for key in outer:
            holder = holder[key]
        holder[last] = value
    return after


def test_what_is_being_deleted_can_always_go(server):
    """A finalizer is taken off what no rule would let in any more."""
    body = placed(validation.changed({"set": {"metadata.name": "going"}}))
    body["metadata"]["finalizers"] = ["kagit.dev/wait"]
    server.send(Request(method="POST", path=path(body, dry=False), body=body))
    where = f"{path(body, dry=False)}/going"
    server.send(Request(method="DELETE", path=where))
    patch = {"metadata": {"finalizers": None, "annotations": {"kagit.dev/seed": "none"}}}
    server.send(Request(method="PATCH", path=where, body=patch, content_type="application/merge-patch+json"))
    with pytest.raises(NotFound):
        server.send(Request(method="GET", path=where))


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    """Everything that a real run writes into its cluster, one trial failed and one waiting for nothing."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "e.yaml").write_text(manifest("mnist", LOSS, trials=3), encoding="utf-8")
    done = kagit("run", "e.yaml", "--state", "state", cwd=folder)
    assert done.returncode == 0, done.stderr
    cluster = wiring.reader(folder / "state")
    try:
        return [body for kind in ("Experiment", "Suggestion", "Trial") for body in cluster.list(kind=kind).items]
    finally:
        cluster.close()


def test_what_kagit_writes_is_stored_without_loss(server, written):
    """Spec and status of every object of a run, field by field; then what a new run writes over them."""
    assert {body["kind"] for body in written} == {"Experiment", "Suggestion", "Trial"}
    for body in written:
        meta = {key: body["metadata"][key] for key in ("name", "labels", "annotations") if key in body["metadata"]}
        fresh = placed({"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": meta, "spec": body["spec"]})
        strict = "?fieldValidation=Strict"
        stored = server.send(Request(method="POST", path=path(body, dry=False) + strict, body=fresh))
        assert stored["spec"] == body["spec"]
        where = f"{path(body, dry=False)}/{meta['name']}"
        patch = {"status": body["status"]}
        kind = "application/merge-patch+json"
        request = Request(method="PATCH", path=f"{where}/status{strict}", body=patch, content_type=kind)
        assert server.send(request)["status"] == {key: v for key, v in body["status"].items() if v is not None}
    experiment = next(body for body in written if body["kind"] == "Experiment")
    spec = copy.deepcopy(experiment["spec"])
    spec["objective"]["type"] = "maximize"
    notes = {**experiment["metadata"]["annotations"], "kagit.dev/run": "2"}
    patch = [
        {"op": "replace", "path": "/metadata/annotations", "value": notes},
        {"op": "replace", "path": "/spec", "value": spec},
    ]
    where = f"{path(experiment, dry=False)}/{experiment['metadata']['name']}"
    as_user(server, policies.RECONCILER).send(
        Request(method="PATCH", path=where, body=patch, content_type="application/json-patch+json")
    )


@needs_kubectl
def test_kubectl_shows_type_status_and_age(server, written):
    assert server
    assert written
    for plural, columns in {
        "experiments": ["NAME", "TYPE", "STATUS", "AGE"],
        "suggestions": ["NAME", "TYPE", "STATUS", "REQUESTED", "ASSIGNED", "AGE"],
        "trials": ["NAME", "TYPE", "STATUS", "AGE"],
    }.items():
        found = kubectl("get", plural, "-n", TEAM)
        header, *lines = found.stdout.splitlines()
        assert header.split() == columns
        assert any("True" in line.split() for line in lines), found.stdout
    assert "experiment.kubeflow.org/mnist" in kubectl("get", "katib", "-n", TEAM, "-o", "name").stdout


@needs_kubectl
def test_kubectl_says_what_is_wrong_with_a_typo(server):
    assert server
    body = validation.changed({"set": {"spec.maxTrialCounts": 5}})
    told = kubectl(
        "create", "-n", TEAM, "--dry-run=server", "-f", "-", stdin=json.dumps({**body, "metadata": {"name": "x"}})
    )
    assert told.returncode != 0
    assert 'unknown field "spec.maxTrialCounts"' in told.stderr


@needs_kubectl
def test_kubectl_takes_the_folder_as_it_is(server):
    assert server
    found = kubectl("apply", "--server-side", "--force-conflicts", "--dry-run=server", "-k", str(MANIFESTS))
    assert found.returncode == 0, found.stderr
    assert len(found.stdout.splitlines()) == len(list(generated()))


@needs_kubectl
def test_kubectl_explains(server):
    assert server
    assert "Trials in all" in kubectl("explain", "experiment.spec.maxTrialCount").stdout
