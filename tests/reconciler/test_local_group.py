"""Trials of several processes: who runs with what, when it is over, and that nothing of it is left."""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from kagit.errors import Unavailable
from kagit.experiment import Collector
from reconciler.ports import Sighting, State
from tests.contract.executor_rigs import LocalRig, eventually, job, text

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
FAST = [sys.executable, "-I", "-S", "-c"]
LONG = ["sleep", "600"]
FIELDS = {
    "PyTorchJob": "pytorchReplicaSpecs",
    "XGBoostJob": "xgbReplicaSpecs",
    "TFJob": "tfReplicaSpecs",
    "MPIJob": "mpiReplicaSpecs",
}


@pytest.fixture
def rig(tmp_path: Path):
    made = LocalRig(tmp_path, first_backoff=0.05)
    yield made
    made.executor.close()
    eventually(lambda: not made.processes(), "no process is left")


def sh(script: str) -> list[str]:
    """A shell command in which $ is the shell's: Kubernetes takes $$ for one."""
    return ["sh", "-c", script.replace("$", "$$")]


def replica(command: list[str], *, replicas: int = 1, restart: str = "Never", **pod: Any) -> dict[str, Any]:
    spec = {"containers": [{"name": "main", "command": command}], **pod}
    return {"replicas": replicas, "restartPolicy": restart, "template": {"spec": spec}}


def kubeflow(kind: str, spec: dict[str, Any] | None = None, **roles: dict[str, Any]) -> dict[str, Any]:
    meta = {"name": "one", "namespace": "default"}
    return {
        "apiVersion": "kubeflow.org/v1",
        "kind": kind,
        "metadata": meta,
        "spec": {FIELDS[kind]: roles, **(spec or {})},
    }


def train(command: list[str], **trainer: Any) -> dict[str, Any]:
    spec = {"runtimeRef": {"name": "torch-distributed"}, "trainer": {"command": command, **trainer}}
    return {"apiVersion": "trainer.kubeflow.org/v1alpha1", "kind": "TrainJob", "metadata": {"name": "t"}, "spec": spec}


def jobset(*jobs: dict[str, Any], **spec: Any) -> dict[str, Any]:
    body = {"replicatedJobs": list(jobs), **spec}
    return {"apiVersion": "jobset.x-k8s.io/v1alpha2", "kind": "JobSet", "metadata": {"name": "s"}, "spec": body}


def replicated(name: str, command: list[str], *, replicas: int = 1, pod: dict[str, Any] | None = None, **more: Any):
    spec = {"restartPolicy": "Never", "containers": [{"name": "main", "command": command}], **(pod or {})}
    inner = {"backoffLimit": 0, **more.pop("job", {}), "template": {"spec": spec}}
    return {"name": name, "replicas": replicas, "template": {"spec": inner}, **more}


def submitted(rig: LocalRig, manifest: dict[str, Any], name: str = "a", **more: Any) -> Sighting:
    rig.submit(name, manifest, **more)
    return rig.until(name)


def other(rig: LocalRig, container: str, name: str = "a") -> str:
    return rig.executor.output(name, container=container).data.decode()


def variables(printed: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in printed.splitlines() if "=" in line)


# ------------------------------------------------------------------------------------------- what the members are told


TORCH = ("MASTER_ADDR", "MASTER_PORT", "WORLD_SIZE", "RANK", "PYTHONUNBUFFERED")
PET = ("PET_MASTER_ADDR", "PET_MASTER_PORT", "PET_NNODES", "PET_NPROC_PER_NODE", "PET_NODE_RANK")


def test_a_pytorchjob_gets_the_operators_environment(rig: LocalRig):
    end = submitted(
        rig, kubeflow("PyTorchJob", Master=replica(sh("env; sleep 0.3")), Worker=replica(["env"], replicas=2))
    )
    assert end.succeeded
    master, first, second = (variables(one) for one in (text(rig), other(rig, "worker-0"), other(rig, "worker-1")))
    port = master["MASTER_PORT"]
    assert 20000 <= int(port) <= 32767
    assert [master[name] for name in TORCH] == ["127.0.0.1", port, "3", "0", "1"]
    assert [second[name] for name in TORCH] == ["127.0.0.1", port, "3", "2", "1"]
    assert [first[name] for name in PET] == ["127.0.0.1", port, "3", "auto", "1"]
    assert master["KATIB_TRIAL_NAME"] == second["KATIB_TRIAL_NAME"] == "a"
    assert master["KAGIT_TRIAL_DIR"] == second["KAGIT_TRIAL_DIR"]


def test_a_tfjob_gets_tf_config_with_a_port_for_each_replica(rig: LocalRig):
    roles = {"Chief": replica(sh("env; sleep 0.3")), "PS": replica(["env"]), "Worker": replica(["env"], replicas=2)}
    assert submitted(rig, kubeflow("TFJob", **roles)).succeeded
    config = json.loads(variables(text(rig))["TF_CONFIG"])
    assert config["task"] == {"type": "chief", "index": 0}
    assert config["environment"] == "cloud"
    assert {role: len(hosts) for role, hosts in config["cluster"].items()} == {"chief": 1, "worker": 2, "ps": 1}
    hosts = [host for group in config["cluster"].values() for host in group]
    assert len(set(hosts)) == 4
    assert all(host.startswith("127.0.0.1:") for host in hosts)
    mine = json.loads(variables(other(rig, "worker-1"))["TF_CONFIG"])
    assert mine == {**config, "task": {"type": "worker", "index": 1}}


def test_a_tfjob_of_one_gets_no_tf_config(rig: LocalRig):
    assert submitted(rig, kubeflow("TFJob", Worker=replica(["env"]))).succeeded
    assert "TF_CONFIG" not in text(rig)


def test_an_xgboostjob_gets_the_operators_environment(rig: LocalRig):
    roles = {"Master": replica(sh("env; sleep 0.3")), "Worker": replica(["env"], replicas=2)}
    assert submitted(rig, kubeflow("XGBoostJob", **roles)).succeeded
    found = variables(other(rig, "worker-1"))
    assert [found[name] for name in TORCH] == ["127.0.0.1", variables(text(rig))["MASTER_PORT"], "3", "2", "1"]
    assert found["WORKER_ADDRS"] == "127.0.0.1,127.0.0.1"
    assert found["WORKER_PORT"].isdecimal()
    assert found["WORKER_PORT"] != found["MASTER_PORT"]


def test_a_trainjob_gets_only_pet_variables(rig: LocalRig):
    assert submitted(rig, train(["env"], numNodes=2, numProcPerNode=3, env=[{"name": "OWN", "value": "x"}])).succeeded
    found = variables(other(rig, "node-1"))
    assert [found[name] for name in PET] == ["127.0.0.1", variables(text(rig))["PET_MASTER_PORT"], "2", "3", "1"]
    assert found["OWN"] == "x"
    assert not {"MASTER_ADDR", "RANK", "WORLD_SIZE"} & set(found)


def test_indexes_of_an_indexed_job_are_told_and_all_of_it_has_to_succeed(rig: LocalRig):
    script = sh("echo $JOB_COMPLETION_INDEX > $JOB_COMPLETION_INDEX.ran")
    end = submitted(rig, job(*script, completions=5, parallelism=2, completionMode="Indexed"))
    assert end.succeeded
    assert sorted(path.name for path in rig.home.glob("*.ran")) == [f"{index}.ran" for index in range(5)]
    assert end.status["succeeded"] == 5


def test_no_more_pods_run_at_once_than_parallelism_says(rig: LocalRig):
    script = sh("mkdir one || exit 1; sleep 0.05; rmdir one")
    assert submitted(rig, job(*script, completions=4, parallelism=1)).succeeded


def test_devices_are_handed_out_by_replica(rig: LocalRig):
    limits = {"resources": {"limits": {"nvidia.com/gpu": 1}}}
    show = sh("echo cuda=$CUDA_VISIBLE_DEVICES; sleep 0.2")
    one = {"containers": [{"name": "main", "command": show, **limits}]}
    manifest = kubeflow("PyTorchJob", Master=replica(show), Worker=replica(show, replicas=2, **one))
    assert submitted(rig, manifest, gpus=("4", "7")).succeeded
    assert [text(rig), other(rig, "worker-0"), other(rig, "worker-1")] == ["cuda=\n", "cuda=4\n", "cuda=7\n"]


# ----------------------------------------------------------------------------------------------------- when it is over


def test_workers_may_end_by_themselves_a_moment_after_the_master(rig: LocalRig):
    worker = replica(sh("echo up; until [ -e over ]; do sleep 0.01; done; sleep 0.1; echo done"))
    assert submitted(rig, kubeflow("PyTorchJob", Master=replica(sh("touch over")), Worker=worker)).succeeded
    assert other(rig, "worker-0") == "up\ndone\n"
    at_once = {"runPolicy": {"cleanPodPolicy": "Running"}}
    waiting = replica(sh("until [ -e up ]; do sleep 0.01; done"))
    worker = replica(sh("trap 'echo ended; exit' TERM; touch up; while :; do sleep 0.01; done"))
    assert submitted(rig, kubeflow("PyTorchJob", at_once, Master=waiting, Worker=worker), name="b").succeeded
    assert other(rig, "worker-0", "b").endswith("ended\n")


def test_others_are_stopped_when_the_master_has_succeeded(rig: LocalRig):
    end = submitted(rig, kubeflow("PyTorchJob", Master=replica(["true"]), Worker=replica(LONG, replicas=2)))
    assert (end.succeeded, end.exit_code, end.message) == (True, 0, "")
    assert end.status["conditions"][-1]["type"] == "Succeeded"
    assert end.status["replicaStatuses"] == {"Master": {"succeeded": 1}, "Worker": {}}


@pytest.mark.parametrize(
    ("manifest", "message", "reason"),
    [
        (
            kubeflow("PyTorchJob", Master=replica(LONG), Worker=replica(sh("echo no data; exit 3"))),
            "worker 0 ended with exit code 3; its last line: no data",
            "Error",
        ),
        (
            kubeflow("PyTorchJob", Master=replica(sh("exit 4")), Worker=replica(LONG)),
            "ended with exit code 4",
            "Error",
        ),
        (
            kubeflow("TFJob", Chief=replica(LONG), Worker=replica(sh("kill -SEGV $$"))),
            "worker 0 ended by signal 11 (SIGSEGV)",
            "Error",
        ),
        (
            kubeflow(
                "PyTorchJob",
                {"runPolicy": {"backoffLimit": 2}},
                Master=replica(LONG),
                Worker=replica(sh("exit 5"), restart="OnFailure"),
            ),
            "worker 0 ended with exit code 5 after 3 tries (backoffLimit 2)",
            "BackoffLimitExceeded",
        ),
        (
            kubeflow("PyTorchJob", Master=replica(LONG), Worker=replica(["no-such-command"])),
            "worker 0 command 'no-such-command' was not found in PATH; images are ignored here, so install it on this",
            "StartError",
        ),
        (
            jobset(replicated("a", LONG), replicated("b", sh("exit 6"), replicas=2)),
            "ended with exit code 6 (backoffLimit 0)",
            "BackoffLimitExceeded",
        ),
        (
            job(
                *LONG,
                pod={"containers": [{"name": "main", "command": LONG}, {"name": "side", "command": sh("exit 7")}]},
            ),
            "container side ended with exit code 7 (backoffLimit 0)",
            "BackoffLimitExceeded",
        ),
        (
            job(*LONG, pod={"initContainers": [{"name": "get", "command": sh("echo 404; exit 8")}]}),
            "container get ended with exit code 8 (backoffLimit 0); its last line: 404",
            "BackoffLimitExceeded",
        ),
    ],
)
def test_who_failed_is_named(rig: LocalRig, manifest: dict[str, Any], message: str, reason: str):
    end = submitted(rig, manifest, primary_container="main")
    assert message in end.message
    assert (end.state, end.reason, end.succeeded) == (State.ENDED, reason, False)
    last = end.status["conditions"][-1]
    assert (last["type"], last["status"], last["message"]) == ("Failed", "True", end.message)
    eventually(lambda: not rig.processes(), "the others are stopped")


ONCE = "echo x >> tries; [ $(wc -l < tries) -ge 3 ] || exit {code}"


MEETING = "echo x >> tries; until cmp -s tries steady; do sleep 0.01; done; [ $(wc -l < tries) -ge 3 ]"


@pytest.mark.parametrize(
    ("restart", "code", "tries"),
    [("OnFailure", 1, 3), ("Always", 1, 3), ("ExitCode", 130, 3), ("ExitCode", 1, 1), ("Never", 130, 1)],
)
def test_restart_policies_of_replicas(rig: LocalRig, restart: str, code: int, tries: int):
    master = replica(sh(ONCE.format(code=code)), restart=restart)
    end = submitted(rig, kubeflow("PyTorchJob", Master=master, Worker=replica(LONG)))
    assert end.succeeded is (tries == 3)
    assert len((rig.home / "tries").read_text().split()) == tries


def test_all_workers_have_to_succeed_where_the_policy_says_so(rig: LocalRig):
    worker = replica(sh("i=$(echo $TF_CONFIG | grep -c 'index\":1'); sleep 0.$i; exit $i"), replicas=2)
    assert submitted(rig, kubeflow("TFJob", Worker=worker)).succeeded
    end = submitted(rig, kubeflow("TFJob", {"successPolicy": "AllWorkers"}, Worker=worker), name="b")
    assert (end.succeeded, end.exit_code) == (False, 1)


def test_a_jobset_begins_again_as_its_failure_policy_says(rig: LocalRig):
    manifest = jobset(
        replicated("flaky", sh(MEETING)),
        replicated("steady", sh("echo x >> steady; sleep 600")),
        failurePolicy={"maxRestarts": 2},
        successPolicy={"operator": "Any", "targetReplicatedJobs": ["flaky"]},
    )
    end = submitted(rig, manifest)
    assert end.succeeded
    assert end.status["terminalState"] == "Completed"
    assert len((rig.home / "steady").read_text().split()) == 3


def test_a_job_of_a_jobset_waits_for_what_it_depends_on(rig: LocalRig):
    first = replicated("first", sh("sleep 0.1; echo done > first"), replicas=2)
    second = replicated("second", ["cat", "first"], dependsOn=[{"name": "first", "status": "Complete"}])
    end = submitted(rig, jobset(first, second), primary_pod_labels={"jobset.sigs.k8s.io/replicatedjob-name": "second"})
    assert end.succeeded
    assert text(rig) == "done\n"


def test_a_deadline_ends_all_of_it(rig: LocalRig):
    policy = {"runPolicy": {"activeDeadlineSeconds": 1}}
    end = submitted(rig, kubeflow("PyTorchJob", policy, Master=replica(LONG), Worker=replica(LONG)))
    assert end.reason == "DeadlineExceeded"
    assert "activeDeadlineSeconds (1 s)" in end.message


def test_memory_is_limited_by_container(rig: LocalRig):
    hog = [*FAST, "keep = bytearray(b'x') * (60 << 20)\nimport time; time.sleep(600)"]
    small = {"resources": {"limits": {"memory": "40Mi"}}}
    pod = {"containers": [{"name": "main", "command": LONG}, {"name": "hog", "command": hog, **small}]}
    end = submitted(rig, job("x", pod=pod), primary_container="main")
    assert end.reason == "OOMKilled"
    assert "container hog used more memory than its limit of 41,943,040 bytes" in end.message


# ------------------------------------------------------------------------------------------------------ parts of a pod


def test_init_containers_run_one_after_the_other_and_share_volumes(rig: LocalRig):
    def mounting(name: str, command: list[str], path: str, **more: Any) -> dict[str, Any]:
        return {"name": name, "command": command, "volumeMounts": [{"name": "v", "mountPath": path, **more}]}

    pod = {
        "volumes": [{"name": "v", "emptyDir": {}}],
        "initContainers": [
            mounting("one", sh("mkdir -p /data/sub; echo 1 > /data/sub/x"), "/data"),
            mounting("two", sh("echo 2 >> /in/x"), "/in", subPath="sub"),
        ],
        "containers": [mounting("main", ["cat", "/mnt/volume/sub/x"], "/mnt/volume/")],
    }
    assert submitted(rig, job("x", pod=pod)).succeeded
    assert text(rig) == "1\n2\n"


def test_volumes_are_new_for_a_new_pod_and_stay_for_a_container_that_is_restarted(rig: LocalRig):
    container = {
        "name": "main",
        "command": sh("echo x >> tries; echo x >> /v/tries; cat /v/tries | wc -l; [ $(wc -l < tries) -ge 3 ]"),
        "volumeMounts": [{"name": "v", "mountPath": "/v"}],
    }
    pod = {"volumes": [{"name": "v", "emptyDir": {}}], "containers": [container]}
    assert submitted(rig, job("x", pod=pod, backoffLimit=3)).succeeded
    assert text(rig).split() == ["1", "1", "1"]
    (rig.home / "tries").unlink()
    assert submitted(rig, job("x", pod={**pod, "restartPolicy": "OnFailure"}, backoffLimit=3), name="b").succeeded
    assert text(rig, "b").split() == ["1", "2", "3"]


def test_native_sidecars_run_beside_and_end_with_the_pod(rig: LocalRig):
    beside = {"name": "beside", "restartPolicy": "Always", "command": sh("echo up; touch up; exec sleep 600")}
    pod = {"initContainers": [beside], "containers": [{"name": "main", "command": sh("until [ -e up ]; do :; done")}]}
    assert submitted(rig, job("x", pod=pod)).succeeded
    assert other(rig, "beside") == "up\n"


def test_further_containers_have_to_end_too(rig: LocalRig):
    main, side = {"name": "main", "command": ["echo", "m"]}, {"name": "side", "command": sh("sleep 0.3; touch late")}
    assert submitted(rig, job("x", pod={"containers": [side, main]}), primary_container="main").succeeded
    assert (rig.home / "late").exists()
    assert rig.executor.containers("a") == ["side"]
    assert text(rig) == "m\n"


# ------------------------------------------------------------------------------------------------------ the collector


def collector(kind: str, **source: Any) -> Collector:
    custom = source.pop("custom", {})
    return Collector(kind=kind, source=source, custom=custom)


FILE = collector("File", fileSystemPath={"kind": "File", "path": "/katib/mnist.log"})
EVENTS = collector("TensorFlowEvent", fileSystemPath={"kind": "Directory", "path": "/mnist-logs/test"})


def test_a_file_collectors_directory_is_beside_the_output(rig: LocalRig):
    container = {
        "name": "main",
        "command": sh("echo loss=1 > $LOG; cat $KAGIT_METRICS_DIR/mnist.log"),
        "env": [{"name": "LOG", "value": "/katib/mnist.log"}],
    }
    assert submitted(rig, job("x", pod={"containers": [container]}), collector=FILE).succeeded
    assert rig.executor.files("a") == ["mnist.log"]
    assert rig.executor.output("a", file="mnist.log").data == b"loss=1\n"
    assert text(rig) == "loss=1\n"
    assert not list(rig.state.glob("trials/default/*.plan.json")), "one process needs no launcher"


def test_a_directory_above_the_collectors_is_followed_down_to_it(rig: LocalRig):
    script = "import os, sys\nos.makedirs(sys.argv[1] + '/test', exist_ok=True)\nopen(sys.argv[1] + '/test/e', 'w').write('x')"  # noqa: E501 - one program
    assert submitted(rig, job(*FAST, script, "/mnist-logs"), collector=EVENTS).succeeded
    assert rig.executor.files("a") == ["e"]


def test_only_the_primary_pod_writes_where_the_collector_looks(rig: LocalRig):
    command = sh("echo $RANK > /katib/mnist.log; sleep 0.2")
    manifest = kubeflow("PyTorchJob", Master=replica(command), Worker=replica(command, replicas=2))
    labels = {"training.kubeflow.org/replica-type": "worker", "training.kubeflow.org/replica-index": "1"}
    assert submitted(rig, manifest, collector=FILE, primary_pod_labels=labels).succeeded
    assert rig.executor.output("a", file="mnist.log").data == b"2\n"
    assert rig.executor.containers("a") == ["master-0", "worker-0"]


def test_a_program_is_told_where_to_push_its_metrics(rig: LocalRig):
    assert submitted(rig, job(*sh("echo '{}' >> $KAGIT_METRICS_FILE")), collector=collector("Push")).succeeded
    assert rig.executor.output("a", file="pushed.jsonl").data == b"{}\n"


def test_a_custom_collector_runs_beside_and_is_told_to_end(rig: LocalRig):
    custom = {
        "name": "mine",
        "command": sh("trap 'cp /katib/x $KAGIT_METRICS_FILE; exit 1' TERM; while :; do sleep 0.05; done"),
    }
    made = collector("Custom", custom=custom, fileSystemPath={"kind": "File", "path": "/katib/x"})
    assert submitted(rig, job(*sh("echo 1 > /katib/x")), collector=made).succeeded
    assert rig.executor.output("a", file="pushed.jsonl").data == b"1\n"


def test_a_file_in_the_way_of_the_plan_is_unavailable_and_nothing_is_started(rig: LocalRig):
    (rig.state / "trials/default").mkdir(parents=True)
    (rig.state / "trials/default/a.metrics").write_text("")
    with pytest.raises(Unavailable, match="cannot be used"):
        rig.submit("a", job("true"), collector=FILE)
    assert rig.look() == []


# ----------------------------------------------------------------------------------------------- who dies, and when


def pid_of(rig: LocalRig, word: str) -> int:
    def found() -> int | None:
        for pid in rig.processes():
            try:
                if word.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                    return pid
            except OSError:
                continue
        return None

    return eventually(found, f"a process with {word} runs")


TALKING = kubeflow(
    "PyTorchJob",
    Master=replica(sh("echo up; exec sleep 601")),
    Worker=replica(sh("echo up; setsid sleep 602 & exec sleep 603"), replicas=2),
)


def started(rig: LocalRig, name: str = "a") -> None:
    rig.submit(name, TALKING)
    rig.until(name, State.RUNNING)
    eventually(lambda: len(rig.processes()) == 6, "all of it runs: launcher, master, two workers, two runaways")


def test_a_stop_ends_all_of_it_and_keeps_what_was_printed(rig: LocalRig):
    started(rig)
    rig.executor.stop("a")
    end = rig.until("a")
    assert (end.reason, end.signal, end.exit_code, end.status) == ("Stopped", 15, 143, {})
    eventually(lambda: not rig.processes(), "nothing is left")
    assert [text(rig), other(rig, "worker-0"), other(rig, "worker-1")] == ["up\n"] * 3


def test_who_ignores_sigterm_is_killed_after_the_grace_period(rig: LocalRig):
    deaf = replica(sh("trap '' TERM; echo deaf; while :; do sleep 0.1; done"), terminationGracePeriodSeconds=0)
    rig.submit("a", kubeflow("PyTorchJob", Master=deaf, Worker=deaf))
    eventually(lambda: text(rig) == "deaf\n" == other(rig, "worker-0"), "both are deaf")
    rig.executor.stop("a")
    assert (rig.until("a").reason, rig.seen[-1].signal) == ("Stopped", 9)
    assert not rig.processes()


def test_a_killed_launcher_takes_its_members_with_it_and_the_attempt_is_lost(rig: LocalRig):
    started(rig)
    os.kill(pid_of(rig, "group.py"), signal.SIGKILL)
    end = rig.until("a")
    assert (end.state, end.message) == (State.LOST, "its launcher was killed, so how it ended is not known")
    eventually(lambda: not rig.processes(), "nothing is left")
    assert text(rig) == "up\n"


def test_a_killed_member_fails_the_job_by_name(rig: LocalRig):
    started(rig)
    os.kill(pid_of(rig, "603"), signal.SIGKILL)
    assert "ended by signal 9 (SIGKILL); its last line: up" in rig.until("a").message


def test_after_a_killed_reconciler_the_same_group_is_still_running(rig: LocalRig):
    started(rig)
    before = set(rig.processes())
    rig.crash()
    rig.submit("a", TALKING)
    rig.until("a", State.RUNNING)
    assert set(rig.processes()) == before
    rig.executor.stop("a")
    assert rig.until("a").reason == "Stopped"


def test_a_killed_keepers_group_is_stopped_by_its_successor(rig: LocalRig):
    started(rig)
    rig.kill_keeper()
    rig.crash()
    rig.submit("a", TALKING)
    rig.until("a", State.RUNNING)
    rig.executor.stop("a")
    assert rig.until("a").state is State.LOST
    eventually(lambda: not rig.processes(), "nothing is left")


def test_a_closing_engine_ends_groups(tmp_path: Path):
    rig = LocalRig(tmp_path)
    started(rig)
    rig.executor.close()
    assert rig.processes() == []


# ------------------------------------------------------------------------------------------------------ really talking


RING = """
import json, os, socket, sys, time
rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
address = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
if rank == 0:
    server = socket.create_server(address)
    peers = [server.accept()[0] for _ in range(size - 1)]
    total = sum(int(peer.makefile().readline()) for peer in peers)
    for peer in peers:
        peer.sendall(f"{total}\\n".encode())
    print(f"sum={total}", flush=True)
else:
    for _ in range(400):
        try:
            peer = socket.create_connection(address)
            break
        except ConnectionRefusedError:
            time.sleep(0.02)
    peer.sendall(f"{rank * int(sys.argv[1])}\\n".encode())
    print(f"told={peer.makefile().readline().strip()}", flush=True)
"""


@pytest.mark.parametrize("kind", ["PyTorchJob", "XGBoostJob"])
def test_members_talk_and_trials_beside_each_other_do_not_meet(rig: LocalRig, kind: str):
    (rig.home / "ring.py").write_text(RING)
    for number in range(1, 5):
        command = [sys.executable, "-I", "-S", "ring.py", str(number)]
        rig.submit(f"a{number}", kubeflow(kind, Master=replica(command), Worker=replica(command, replicas=2)))
    for number in range(1, 5):
        assert rig.until(f"a{number}").succeeded, rig.seen
        assert text(rig, f"a{number}") == f"sum={3 * number}\n"


CHAIN = """
import json, os, socket, time
config = json.loads(os.environ["TF_CONFIG"])
task, cluster = config["task"], config["cluster"]["worker"]
me = cluster[task["index"]].split(":")
server = socket.create_server((me[0], int(me[1])))
for index, other in enumerate(cluster):
    if index > task["index"]:
        for _ in range(400):
            try:
                socket.create_connection((other.split(":")[0], int(other.split(":")[1]))).sendall(b"x")
                break
            except ConnectionRefusedError:
                time.sleep(0.02)
for _ in range(task["index"]):
    assert server.accept()[0].recv(1) == b"x"
print("met")
"""


def test_workers_find_each_other_by_tf_config(rig: LocalRig):
    worker = replica([*FAST, CHAIN], replicas=3)
    assert submitted(rig, kubeflow("TFJob", {"successPolicy": "AllWorkers"}, Worker=worker)).succeeded
    assert [text(rig), other(rig, "worker-1"), other(rig, "worker-2")] == ["met\n"] * 3


def test_an_mpijob_runs_its_launcher_with_a_hostfile_where_there_is_mpirun(tmp_path: Path):
    tools = tmp_path / "bin"
    tools.mkdir()
    mpirun = tools / "mpirun"
    mpirun.write_text('#!/bin/sh\ncat "$OMPI_MCA_orte_default_hostfile"\n')
    mpirun.chmod(0o755)
    manifest = kubeflow(
        "MPIJob", {"slotsPerWorker": 2}, Launcher=replica(["mpirun", "train"]), Worker=replica([], replicas=3)
    )
    rig = LocalRig(tmp_path)
    rig.executor._environment["PATH"] = "/nowhere"
    assert "needs mpirun, which is not on PATH here; install Open MPI" in rig.executor.refusal(manifest)
    rig.executor._environment["PATH"] = f"{tools}:{os.environ['PATH']}"
    assert submitted(rig, manifest).succeeded
    assert text(rig) == "localhost slots=6\n"
    rig.executor.close()
