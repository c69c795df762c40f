"""Algorithms of other packages: found by their entry point, held to the same promises, refused under their own name."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from algorithms import catalog, plugins
from algorithms.contract import Absence
from kagit.errors import Refused
from kagit.space import Space
from tests.algorithms import test_promises as promises
from tests.algorithms.harness import parameter, problem
from tests.cli.support import kagit

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples/algorithm"
SPACE = Space((parameter("x", "double", low="0", high="1"), parameter("k", "categorical", values=("a", "b"))))

SOUND = """
from algorithms.contract import Absence, Proposal
class Sound:
    name, is_blind, settings = "sound", False, ()
    check = lambda self, problem: ()
    start = lambda self, problem: self
    engine = lambda self: "sound 1"
    tell = lambda self, trial: None
    ask = lambda self, *, index, running: Proposal(point={"x": "0.5", "k": "a"})
"""


@pytest.fixture(autouse=True)
def forgetful():
    def forget():
        plugins.named.cache_clear()
        plugins._entries.cache_clear()

    forget()
    yield
    forget()


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Puts a package on the path as an installer would: a module and its metadata."""

    def installed(distribution: str, entry: str, code: str) -> None:
        folder = tmp_path / distribution
        info = folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[kagit.algorithms]\n{entry}\n")
        module = entry.partition("=")[2].partition(":")[0].strip()
        (folder / f"{module}.py").write_text(code)
        monkeypatch.syspath_prepend(folder)
        monkeypatch.delitem(sys.modules, module, raising=False)

    return installed


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the example, built into a wheel and installed from it."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-P", "-m", "hatchling", "build", "-d", str(folder), "-t", "wheel"]
    subprocess.run(command, cwd=EXAMPLE, check=True, capture_output=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder)
    return folder


QUADRATIC = """
apiVersion: kubeflow.org/v1beta1
kind: Experiment
metadata: {name: climb}
spec:
  objective: {type: minimize, objectiveMetricName: loss}
  algorithm: {algorithmName: hill-climber, algorithmSettings: [{name: random_state, value: "3"}]}
  maxTrialCount: 6
  parallelTrialCount: 2
  parameters:
    - {name: x, parameterType: double, feasibleSpace: {min: "-1", max: "1"}}
  trialTemplate:
    primaryContainerName: main
    trialParameters: [{name: x, reference: x}]
    trialSpec:
      apiVersion: batch/v1
      kind: Job
      spec:
        template:
          spec:
            restartPolicy: Never
            containers:
              - {name: main, image: none, command: [sh, -c, "echo loss=${trialParameters.x}"]}
"""


def test_the_example_runs_through_its_entry_point(site, tmp_path):
    (tmp_path / "climb.yaml").write_text(QUADRATIC)
    assert kagit("validate", "climb.yaml", cwd=tmp_path).returncode == 1
    path = f"{site}:{ROOT}"
    assert kagit("validate", "climb.yaml", cwd=tmp_path, PYTHONPATH=path).returncode == 0
    done = kagit("run", "climb.yaml", "--report", "out", cwd=tmp_path, PYTHONPATH=path)
    assert done.returncode == 0, done.stderr
    assert "hill-climber 1.0" in (tmp_path / "out/README.md").read_text()
    rows = (tmp_path / "out/trials.csv").read_text().splitlines()
    assert len(rows) == 7


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_the_example_keeps_the_promises(site, monkeypatch, direction):
    monkeypatch.syspath_prepend(site)
    promises.test_points_are_in_the_space_and_come_again("hill-climber")
    promises.test_a_restart_changes_no_point("hill-climber")
    promises.test_order_of_completion_does_not_matter("hill-climber", direction)
    promises.test_points_that_were_never_made_leave_gaps("hill-climber")
    promises.test_neither_a_failure_nor_a_finished_trial_among_the_running_ones_leaves_a_trace("hill-climber")
    promises.test_a_history_of_failures_is_survived("hill-climber")
    promises.test_the_seed_decides_and_random_state_overrides_it("hill-climber")


def test_a_package_adds_an_algorithm_and_its_word_is_kept(install):
    install("sound-search", "sound = sound_module:Sound", SOUND)
    found = catalog.named("sound")
    assert found.engine() == "sound 1"
    assert found.start(problem(SPACE)).ask(index=0, running={}).point == {"x": "0.5", "k": "a"}
    assert catalog.everywhere() == (*catalog.names(), "sound")
    with pytest.raises(Refused, match="did you mean sound"):
        catalog.named("sounds")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("class Sound:", "class Other:"), "algorithm sound of sound-search 1.0 cannot be loaded: AttributeError"),
        (("from algorithms", "1 / 0\nfrom algorithms"), "cannot be loaded: ZeroDivisionError: division by zero; tell"),
        (("from algorithms", "import not_there\nfrom algorithms"), "No module named 'not_there'"),
        (('"sound", False', '"noise", False'), "calls itself 'noise'"),
        (("    tell =", "    check = None; del check\n    tell ="), "is no algorithm: it lacks check"),
    ],
)
def test_a_broken_package_is_refused_under_its_name(install, change, message):
    install("sound-search", "sound = sound_module:Sound", SOUND.replace(*change))
    with pytest.raises(Refused, match=message):
        catalog.named("sound")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ('Proposal(point={"x": "2", "k": "a"})', "gave point 7 outside the search space: .*'2'"),
        ('Proposal(point={"x": 0.5, "k": "a"})', "gave point 7 outside the search space: .*0.5"),
        ('Proposal(point={"x": "0.5"})', "gave point 7 outside the search space"),
        ('{"x": "0.5", "k": "a"}', "gave .* for point 7, no Proposal"),
        ("Absence.LATER", "waits for trials although none runs"),
        ("1 / 0", "failed when it was asked for point 7: ZeroDivisionError"),
    ],
)
def test_a_wrong_answer_is_refused_under_the_name_of_the_package(install, answer, message):
    install(
        "sound-search", "sound = sound_module:Sound", SOUND.replace('Proposal(point={"x": "0.5", "k": "a"})', answer)
    )
    search = catalog.named("sound").start(problem(SPACE))
    with pytest.raises(Refused, match=f"algorithm sound of sound-search 1.0 {message}"):
        search.ask(index=7, running={})


def test_an_end_and_a_pause_are_answers(install):
    code = SOUND.replace('Proposal(point={"x": "0.5", "k": "a"})', "Absence.LATER if running else Absence.EXHAUSTED")
    install("sound-search", "sound = sound_module:Sound", code)
    search = catalog.named("sound").start(problem(SPACE))
    assert search.ask(index=1, running={0: {"x": "0", "k": "a"}}) is Absence.LATER
    assert search.ask(index=1, running={}) is Absence.EXHAUSTED


def test_two_packages_with_one_name_are_refused(install):
    install("sound-search", "sound = sound_module:Sound", SOUND)
    install("louder-search", "sound = louder_module:Sound", SOUND)
    with pytest.raises(Refused, match=r"offered by louder-search 1\.0 and by sound-search 1\.0; uninstall all but one"):
        catalog.named("sound")


def test_no_package_hides_an_algorithm_of_ours(install):
    install("sound-search", "tpe = sound_module:Sound", SOUND.replace('"sound", F', '"tpe", F'))
    assert catalog.named("tpe").engine().startswith("optuna")
    assert catalog.everywhere() == catalog.names()
    assert "tpe is one of kagit's own, and sound-search 1.0 offers another one" in catalog.hidden("tpe")
    assert catalog.hidden("random") == ""


def test_packages_are_not_looked_for_where_our_own_name_fits():
    code = (
        "import sys; from algorithms import catalog; catalog.named('tpe'); print('importlib.metadata' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-P", "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {code}"],
                          capture_output=True, text=True, check=True)  # fmt: skip
    assert done.stdout == "False\n"
