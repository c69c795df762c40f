"""What trials do to the machine they run on: each ends in a clear word, and nothing of it is left."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kagit.errors import Unavailable
from tests.contract.executor_rigs import LocalRig, eventually, job, ran, text

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
FAST = (sys.executable, "-I", "-S", "-c")


@pytest.fixture
def rig(tmp_path: Path):
    made = LocalRig(tmp_path)
    yield made
    made.executor.close()
    assert made.processes() == []


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_file_in_the_directory_is_not_found_without_its_path_and_the_message_says_how(rig: LocalRig):
    (rig.home / "train.py").write_text("print(1)")
    assert "write ./train.py" in ran(rig, "train.py").message


def test_a_file_that_is_not_executable_says_how_to_make_it_so(rig: LocalRig):
    (rig.home / "train.py").write_text("print(1)")
    end = ran(rig, "./train.py")
    assert end.reason == "StartError"
    assert "chmod +x" in end.message


def test_a_missing_interpreter_is_told_apart_from_a_missing_file(rig: LocalRig):
    script = rig.home / "train.py"
    script.write_text("#!/no/such/python\n")
    script.chmod(0o755)
    assert "interpreter" in ran(rig, "./train.py").message
    assert "was not found" in ran(rig, "./other.py", name="b").message


def test_a_missing_working_directory_is_named(rig: LocalRig):
    container = {"name": "main", "command": ["true"], "workingDir": "/no/such/place"}
    end = ran(rig, "true", pod={"containers": [container]})
    assert end.reason == "StartError"
    assert "'/no/such/place' does not exist" in end.message


def test_a_relative_working_directory_counts_from_the_work_directory(rig: LocalRig):
    (rig.home / "sub").mkdir()
    container = {"name": "main", "command": ["pwd"], "workingDir": "sub"}
    ran(rig, "pwd", pod={"containers": [container]})
    assert text(rig) == f"{rig.home}/sub\n"


def test_the_environment_has_names_scratch_and_devices(rig: LocalRig):
    rig.submit("a", job("env"), gpus=("2", "GPU-5"), env={"EXTRA": "1"})
    rig.until("a")
    lines = text(rig).splitlines()
    scratch = f"{rig.state}/scratch/1"
    wanted = ["KATIB_TRIAL_NAME=a", f"KAGIT_TRIAL_DIR={scratch}", f"TMPDIR={scratch}", "CUDA_VISIBLE_DEVICES=2,GPU-5"]
    assert [line for line in [*wanted, "EXTRA=1", f"PATH={os.environ['PATH']}"] if line not in lines] == []


FACTS = """
ls /proc/self/fd | grep -v '^[3-9]$'; readlink /proc/self/fd/0; grep -i sigign /proc/self/status
ps -o sid= -p $$$$; echo $$$$
"""


def test_nothing_but_the_three_standard_files_is_open_in_a_trial(rig: LocalRig):
    ran(rig, "sh", "-c", FACTS)
    *descriptors, null, ignored, session, pid = text(rig).split("\n")[:-1]
    assert descriptors == ["0", "1", "2"]
    assert null == "/dev/null"
    # Signals 32 and 33 belong to the C library.
    assert int(ignored.split()[1], 16) & 0x7FFFFFFF == 0
    assert session.strip() == pid


def test_arguments_never_meet_a_shell(rig: LocalRig):
    nasty = "$(touch /tmp/pwned) `id` ; rm -rf / & | > \n '\" * ~"
    ran(rig, "printf", "%s", nasty)
    assert text(rig) == nasty


def test_an_end_by_signal_names_it(rig: LocalRig):
    end = ran(rig, "sh", "-c", "kill -SEGV $$$$")
    assert (end.exit_code, end.signal) == (139, 11)
    assert "SIGSEGV" in end.message


def test_a_hundred_megabytes_in_one_line_are_read_in_constant_pieces(rig: LocalRig):
    ran(rig, *FAST, "import os\nfor _ in range(100): os.write(1, b'x' * (1 << 20))")
    offset = total = 0
    while (piece := rig.executor.output("a", start=offset)).data:
        assert len(piece.data) <= 1 << 20
        offset, total = piece.end, total + len(piece.data)
    assert total == 100 << 20


def test_what_was_read_of_a_large_output_is_freed_and_offsets_stay(tmp_path: Path):
    rig = LocalRig(tmp_path, kept_output=2 << 20)
    ran(rig, *FAST, "import os\nfor i in range(16): os.write(1, bytes([65 + i]) * (1 << 20))")
    tail = rig.executor.output("a", start=(15 << 20) + 5, limit=10)
    assert tail == (b"P" * 10, (15 << 20) + 5, (15 << 20) + 15)
    assert rig.executor.output("a").start == 0, "a look at the tail must free nothing"
    offset = 0
    while (piece := rig.executor.output("a", start=offset)).data:
        assert piece.data == bytes([65 + (offset >> 20)]) * len(piece.data)
        offset = piece.end
    log = rig.state / "trials/default/a.log"
    assert log.stat().st_size == offset == 16 << 20
    rig.executor.close()
    if log.stat().st_blocks * 512 > 8 << 20:
        pytest.skip("this file system cannot free part of a file")
    first = rig.executor.output("a")
    assert first.start >= 8 << 20
    assert first.data == bytes([65 + (first.start >> 20)]) * len(first.data)


def test_children_grandchildren_and_runaways_die_with_the_main_process(rig: LocalRig):
    script = """
sleep 600 &
setsid sleep 601 &
(setsid sh -c 'sleep 602 & sleep 603' &) &
(trap '' TERM HUP; setsid env -i sleep 604 &)
sleep 0.2; echo done
"""
    end = ran(rig, "sh", "-c", script)
    assert end.succeeded
    eventually(lambda: not rig.processes(), "no marked process is left")
    hidden = eventually(lambda: not _sleepers("604") or None, "the process without environment is gone")
    assert hidden


def _sleepers(seconds: str) -> list[int]:
    wanted = b"sleep\0" + seconds.encode() + b"\0"
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if entry.read_bytes() == wanted:
                found.append(int(entry.parent.name))
        except OSError:
            continue
    return found


def test_a_neighbours_children_are_left_alone(rig: LocalRig):
    rig.submit("long", job("sh", "-c", "(setsid sleep 600 &); exec sleep 600"))
    eventually(lambda: len(rig.processes()) == 2, "the neighbour has its runaway")
    for number in range(5):
        assert ran(rig, "sh", "-c", "(setsid sleep 600 &); true", name=f"a{number}").succeeded
    eventually(lambda: len(rig.processes()) == 2, "only the neighbour's processes are left")


def test_a_small_fork_bomb_is_put_out(rig: LocalRig):
    bomb = "import os\nfor _ in range(5): os.fork()\nif os.fork(): os.setsid() if os.getpid() != os.getsid(0) else 0\n"
    rig.submit("a", job(*FAST, bomb + "import time; time.sleep(600)"))
    eventually(lambda: len(rig.processes()) >= 64, "all forks are there")
    rig.executor.stop("a")
    assert rig.until("a").reason == "Stopped"
    eventually(lambda: not rig.processes(), "none is left")


def test_more_memory_than_the_limit_is_an_oom_kill_even_when_children_take_it(rig: LocalRig):
    hog = "import os, time\nos.fork()\nkeep = bytearray(os.urandom(1)) * (40 << 20)\ntime.sleep(600)"
    container = {"name": "main", "command": [*FAST, hog], "resources": {"limits": {"memory": "50Mi"}}}
    end = ran(rig, "x", pod={"containers": [container]})
    assert (end.reason, end.exit_code) == ("OOMKilled", 137)
    assert "52,428,800 bytes" in end.message


def test_a_deadline_ends_even_who_ignores_sigterm(rig: LocalRig):
    script = "trap '' TERM; while :; do sleep 0.1; done"
    pod = {"terminationGracePeriodSeconds": 0}
    container = {"name": "main", "command": ["sh", "-c", script]}
    end = ran(rig, "x", activeDeadlineSeconds=1, pod={"containers": [container], **pod})
    assert (end.reason, end.signal) == ("DeadlineExceeded", 9)
    assert "activeDeadlineSeconds (1 s)" in end.message


def test_an_unwritable_state_directory_is_unavailable(tmp_path: Path):
    (tmp_path / "file").write_text("")
    rig = LocalRig(tmp_path / "file")
    with pytest.raises(Unavailable, match="state"):
        rig.submit("a", job("true"))
    rig.executor.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_disk_is_the_trials_own_failure_and_is_said_and_healed(tmp_path: Path):
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", tmp_path], check=False).returncode:
        pytest.skip("no small file system can be mounted here")
    rig = LocalRig(tmp_path)
    try:
        end = ran(rig, "sh", "-c", "head -c 4000000 /dev/zero; exit $?")
        assert end.reason == "BackoffLimitExceeded"
        with pytest.raises(Unavailable, match="disk"):
            _until_full(rig)
        (tmp_path / "state/trials/default/a.log").write_bytes(b"")
        assert rig.until("b").succeeded
    finally:
        rig.executor.close()
        subprocess.run(["umount", tmp_path], check=True)


def _until_full(rig: LocalRig) -> None:
    journal = rig.state / "journal"
    spare = 4096 - journal.stat().st_size % 4096
    for number in range(spare // 20 + 2):
        rig.executor.forget(f"name-of-nobody-{number}")
    rig.submit("b", job("true"))
    eventually(lambda: rig.look(timeout=0.1) and None, "the disk is full")


def test_a_path_longer_than_a_socket_may_have_works(tmp_path: Path):
    rig = LocalRig(tmp_path / ("x" * 100) / ("y" * 100))
    rig.home.mkdir(parents=True)
    assert ran(rig, "true").succeeded
    rig.executor.close()


def test_close_kills_who_ignores_sigterm_after_its_own_grace(tmp_path: Path):
    rig = LocalRig(tmp_path, closing_grace=0.2)
    rig.submit("a", job("sh", "-c", "trap '' TERM; echo set; while :; do sleep 0.1; done"))
    eventually(lambda: (rig.executor.sightings() and None) or text(rig) == "set\n", "the trap is set")
    keeper = rig.keeper()
    rig.executor.close()
    assert rig.processes() == []
    assert not is_alive(keeper)
