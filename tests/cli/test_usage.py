"""The command line itself: help, completion, colour, pipes, start-up, and what `init` and `validate` print."""

import contextlib
import json
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.arguments import parser
from tests.cli.support import KAGIT, LOSS, environment, kagit, manifest

COMMANDS = ("init", "validate", "fmt", "completion", "run", "plan", "reconcile", "get", "describe", "logs", "query",
            "report-metric", "schema")  # fmt: skip
HEAVY = ("optuna", "duckdb", "jinja2", "git", "rich", "kubernetes", "numpy", "sqlite3", "watchdog", "ruamel", "shtab")


def test_every_command_is_listed_with_a_sentence(cli):
    done = cli("--help")
    assert done.code == 0
    assert all(re.search(rf"^    {name}\b", done.out, re.MULTILINE) for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_examples_that_the_parser_accepts(cli, name: str):
    done = cli(name, "--help")
    examples = re.findall(r"^  kagit (.*)$", done.out.partition("examples:")[2], re.MULTILINE)
    assert done.code == 0
    assert examples
    for example in examples:
        words = [a or b or c for a, b, c in re.findall(r'"([^"]*)"|\'([^\']*)\'|(\S+)', example.partition(" > ")[0])]
        assert parser().parse_args(words).command == name


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_says_what_it_does(name: str):
    commands = next(action for action in parser()._actions if action.dest == "command")
    silent = [one.option_strings for one in commands.choices[name]._actions if one.option_strings and not one.help]
    assert silent == []


@pytest.mark.parametrize("args", [(), ("fly",), ("get", "pods"), ("reconcile",), ("query", "SELECT 1", "-o", "xml")])
def test_wrong_usage_ends_with_2_and_the_usage(cli, args: tuple[str, ...]):
    done = cli(*args)
    assert done.code == 2
    assert "usage: kagit" in done.err
    assert done.out == ""


def test_the_version_is_printed(cli):
    assert re.fullmatch(r"kagit \d+\.\S+\n", cli("--version").out)


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion_is_a_script_that_its_shell_reads(cli, shell: str):
    done = cli("completion", shell)
    assert done.code == 0
    assert "--allow-local-execution" in done.out
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=done.out, text=True, check=True)


def test_completion_in_bash_completes(cli):
    script = cli("completion", "bash").out
    script += '\nCOMP_WORDS=(kagit rec); COMP_CWORD=1; _shtab_kagit; echo "${COMPREPLY[@]}"\n'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "reconcile"


def test_validate_imports_nothing_heavy(here: Path):
    (here / "a.yaml").write_text(manifest("a", LOSS))
    code = (
        "import sys; from reconciler.cli import main; code = main(['validate', 'a.yaml']); "
        f"print(code, *sorted({HEAVY!r} & sys.modules.keys()))".replace(f"{HEAVY!r}", f"set({HEAVY!r})")
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=here, env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout == "0\n"


def test_a_closed_pipe_is_no_error_message(here: Path):
    for number in range(400):
        (here / f"bad{number}.yaml").write_text("a: 1\n")
    process = subprocess.Popen(
        [*KAGIT, "validate", "--format", "json", str(here)],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() == 1
    process.stderr.close()


def on_a_terminal(*args: object, cwd: Path, **env: str) -> tuple[int, str]:
    """Exit code and output of a command whose standard streams are a terminal."""
    ours, theirs = pty.openpty()
    wanted = environment(TERM="xterm-256color", COLUMNS="120", **env)
    process = subprocess.Popen(
        [*KAGIT, *map(str, args)],
        cwd=cwd,
        env={name: value for name, value in wanted.items() if value},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    said = b""
    with contextlib.suppress(OSError):  # the other side hung up
        while piece := os.read(ours, 4096):
            said += piece
    os.close(ours)
    return process.wait(), said.decode()


def test_progress_is_drawn_on_a_terminal_and_without_colour_where_it_is_not_wanted(here: Path):
    (here / "a.yaml").write_text(manifest("a", LOSS, trials=1))
    code, colourful = on_a_terminal("run", "a.yaml", cwd=here, NO_COLOR="")
    assert code == 0, colourful
    assert "\x1b[" in colourful
    code, plain = on_a_terminal("run", "a.yaml", cwd=here, NO_COLOR="1")
    assert code == 0, plain
    # the cursor still moves, but nothing is coloured (SGR 30-49, 90-107)
    assert not re.search(r"\x1b\[(?:\d+;)*(?:3\d|4\d|9\d|10\d)[;\dm]", plain)


def test_away_from_a_terminal_there_are_no_control_characters(cli, here: Path):
    (here / "a.yaml").write_text(manifest("a", LOSS, trials=1))
    done = cli("run", "a.yaml")
    assert done.code == 0
    assert "\x1b" not in done.out + done.err
    assert "\r" not in done.out + done.err
    assert "default/a: Succeeded, 1/1 trials, best loss=0." in done.err


def test_init_makes_a_repository_that_validates_and_runs(cli, here: Path):
    done = cli("init", "tuning")
    assert done.code == 0
    assert (here / "tuning" / ".kagit.yaml").exists()
    following = done.out.splitlines()[-1]
    assert following == "next: cd tuning && kagit validate . && kagit run experiments/hello.yaml"
    assert cli("validate", "tuning").code == 0


def test_init_takes_an_empty_directory_and_leaves_a_full_one_alone(cli, here: Path):
    (here / "empty").mkdir()
    assert cli("init", here / "empty").code == 0
    (here / "full").mkdir()
    (here / "full" / "README.md").write_text("mine\n")
    done = cli("init", here / "full")
    assert done.code == 1
    assert "README.md is there already" in done.err
    assert [path.name for path in (here / "full").iterdir()] == ["README.md"]
    assert (here / "full" / "README.md").read_text() == "mine\n"


def test_init_says_when_the_directory_is_a_file(cli, here: Path):
    (here / "file").write_text("")
    done = cli("init", here / "file")
    assert done.code == 1
    assert "file" in done.err
    assert "choose" in done.err or "give" in done.err


def broken(here: Path) -> None:
    (here / "bad.yaml").write_text(manifest("bad", LOSS, trials=0))


def test_findings_as_text(cli, here: Path):
    broken(here)
    done = cli("validate", "bad.yaml")
    assert done.code == 1
    for line in done.out.splitlines():
        assert re.fullmatch(r"bad\.yaml:\d+:\d+: .+ \[[a-z-]+\]", line)
    assert "maxTrialCount" in done.out


def test_findings_for_github(cli, here: Path):
    broken(here)
    done = cli("validate", "--format", "github", "bad.yaml")
    assert done.code == 1
    for line in done.out.splitlines():
        assert re.fullmatch(r"::error file=bad\.yaml,line=\d+,col=\d+,title=[a-z-]+::.+", line)


def test_findings_as_json(cli, here: Path):
    broken(here)
    found = json.loads(cli("validate", "--format", "json", "bad.yaml").out)
    assert {"path", "line", "column", "severity", "message", "slug"} == found[0].keys()
    (here / "bad.yaml").write_text(manifest("good", LOSS))
    done = cli("validate", "--format", "json", "bad.yaml")
    assert (done.code, json.loads(done.out)) == (0, [])


def test_no_findings_are_said_on_the_other_stream(cli, here: Path):
    (here / "a.yaml").write_text(manifest("a", LOSS))
    done = cli("validate", ".")
    assert (done.code, done.out, done.err) == (0, "", "1 file, no findings\n")


def test_the_module_is_the_console_script(tmp_path: Path):
    done = kagit("validate", "missing.yaml", cwd=tmp_path)
    assert done.returncode == 1
    assert "no such file" in done.stdout
