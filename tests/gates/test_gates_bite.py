"""Each gate of `make check` fails on a deliberate breach and says which; so none of them can rot unseen."""

import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("kagit", "algorithms", "reports", "repo_layout", "reconciler")
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONTRACTS = {contract["id"]: contract for contract in CONFIG["tool"]["importlinter"]["contracts"]}
BANNED = CONFIG["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-api"]
SLOW = CONFIG["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-module-level-imports"]

GATES = {
    "format": ["ruff", "format", "--check", "."],
    "lint": ["ruff", "check", "--output-format", "concise", "."],
    "imports": ["lint-imports", "--no-logo", "--no-cache"],
    "house": ["python", "-P", str(ROOT / "tests/gates/house.py"), "."],
    "docs": ["interrogate", "-vv", *ROOMS],
    "dead": ["vulture"],
    "deps": ["deptry", "--no-ansi", "."],
    "types": ["mypy"],
    "types-strict": ["basedpyright"],
}
ON_THE_REAL_TREE = [gate for gate in GATES if not gate.startswith("types")]


@dataclass(frozen=True, kw_only=True)
class Breach:
    """Texts to add to files of a clean tree, and what the gate has to say about them."""

    gate: str
    says: str
    files: dict[str, str]
    config: dict[str, str] = field(default_factory=dict)


def module(body: str) -> str:
    return f'"""A breach."""\n\n{body}'


def function(body: str, *, signature: str = "planted() -> None") -> str:
    return module(f'\ndef {signature}:\n    """Break a rule."""\n{body}')


def broken(contract: str) -> str:
    return f"{CONTRACTS[contract]['name']} BROKEN"


def imports(contract: str, files: dict[str, str]) -> Breach:
    return Breach(gate="imports", says=broken(contract), files={path: module(text) for path, text in files.items()})


def lint(code: str, text: str) -> Breach:
    return Breach(gate="lint", says=f" {code} ", files={"reconciler/core/breach.py": text})


def house(says: str, text: str, *, path: str = "reconciler/core/breach.py") -> Breach:
    return Breach(gate="house", says=says, files={path: text})


BREACHES = {
    "upward import": imports("rooms", {"kagit/breach.py": "import algorithms.contract\n"}),
    "sibling import": imports("rooms", {"reports/breach.py": "import algorithms.contract\n"}),
    "shell imported by core": imports("reconciler", {"reconciler/core/breach.py": "import reconciler.shell\n"}),
    "unlisted module": imports("reconciler", {"reconciler/breach.py": ""}),
    "adapter imports adapter": imports(
        "adapters", {"reconciler/adapters/clock.py": "import reconciler.adapters.repo_git\n"}
    ),
    "unlisted adapter": imports("adapters", {"reconciler/adapters/breach.py": ""}),
    "circle in a folder": imports(
        "circles", {"kagit/breach_a.py": "import kagit.breach_b\n", "kagit/breach_b.py": "import kagit.breach_a\n"}
    ),
    "core starts processes": imports("pure", {"reconciler/core/breach.py": "import subprocess\n"}),
    "third party in the words": imports("words", {"kagit/breach.py": "import numpy\n"}),
    "stale exception": Breach(
        gate="imports",
        says="No matches for ignored import reconciler.cli -> optuna",
        files={},
        config={'"algorithms.tpe -> optuna"': '"algorithms.tpe -> optuna", "reconciler.cli -> optuna"'},
    ),
    "clock in core": lint("TID251", module("from datetime import UTC, datetime\n\nNOW = datetime.now(tz=UTC)\n")),
    "TYPE_CHECKING for ruff": lint("TID251", module("from typing import TYPE_CHECKING\n\nprint(TYPE_CHECKING)\n")),
    "relative import for ruff": lint("TID252", module("from . import plan\n\nprint(plan)\n")),
    "complexity 9": lint("C901", function("".join(f"    if {n}:\n        return\n" for n in range(8)))),
    "five positional arguments": lint(
        "PLR0917", function("    print(a, b, c, d, e)\n", signature="f(a, b, c, d, e) -> None")
    ),
    "no docstring for ruff": lint("D103", module("\ndef planted() -> None:\n    return None\n")),
    "unformatted": Breach(gate="format", says="breach.py", files={"kagit/breach.py": module("x = {  'a':1 }\n")}),
    "no docstring": Breach(
        gate="docs",
        says="planted (L4) | MISSED",
        files={"kagit/breach.py": module("\ndef planted() -> None:\n    return None\n")},
    ),
    "unreachable code": Breach(
        gate="dead",
        says="unreachable code after 'return'",
        files={"kagit/breach.py": function("    return\n    print(1)\n")},
    ),
    "undeclared dependency": Breach(
        gate="deps",
        says="DEP001 'breach_library'",
        files={"reconciler/adapters/breach.py": module("import breach_library\n")},
    ),
    "dependency of a dependency": Breach(
        gate="deps", says="DEP003 'sqlalchemy'", files={"reconciler/adapters/breach.py": module("import sqlalchemy\n")}
    ),
    "unused dependency": Breach(
        gate="deps",
        says="DEP002 'attrs'",
        files={},
        config={"\ndependencies = [\n": '\ndependencies = [\n    "attrs>=1",\n'},
    ),
    "untyped function": Breach(
        gate="types",
        says="[no-untyped-def]",
        files={"kagit/breach.py": function("    return a\n", signature="planted(a)")},
    ),
    "unused private function": Breach(
        gate="types-strict",
        says="reportUnusedFunction",
        files={"kagit/breach.py": module("\ndef _planted() -> None: ...\n")},
    ),
    "TYPE_CHECKING": house("TYPE_CHECKING", module("import typing\n\nprint(typing.TYPE_CHECKING)\n")),
    "relative import": house("relative import", module("from . import plan\n")),
    "301 lines": house("301 lines", module("\n" * 299)),
    "function of 51 lines": house("planted has 51 lines", function("    print()\n" * 50)),
    "manager": house("no managers", module('\nclass TrialManager:\n    """It manages."""\n')),
    "utils.py": house("collects anything", module(""), path="kagit/utils.py"),
    "no __init__.py": house("reconciler/breach/__init__.py:1: missing", module(""), path="reconciler/breach/deed.py"),
    "no law": house("does not state the folder's law", module(""), path="kagit/breach/__init__.py"),
    "unknown folder": house("that no gate knows", module(""), path="breach/deed.py"),
}


def small_tree(target: Path) -> None:
    """Five rooms without furniture, for the gates that would take too long on the real ones."""
    for room in ROOMS:
        (target / room).mkdir(parents=True)
        (target / room / "__init__.py").write_text(f'"""The room {room}. Law: empty."""\n', encoding="utf-8")
    shutil.copy(ROOT / "pyproject.toml", target)


def real_tree(target: Path) -> None:
    for room in ROOMS:
        shutil.copytree(ROOT / room, target / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", target)


def plant(breach: Breach, tree: Path) -> None:
    for path, text in breach.files.items():
        (tree / path).parent.mkdir(exist_ok=True)
        with (tree / path).open("a", encoding="utf-8") as file:
            file.write(text)
    config = (tree / "pyproject.toml").read_text(encoding="utf-8")
    for old, new in breach.config.items():
        assert old in config
        config = config.replace(old, new)
    (tree / "pyproject.toml").write_text(config, encoding="utf-8")


def run(gate: str, tree: Path) -> tuple[int, str]:
    """Exit code and output, each run of blanks as one."""
    tool, *arguments = GATES[gate]
    program = str(Path(sys.executable).with_name(tool)) if tool != "python" else sys.executable
    wide = {**os.environ, "COLUMNS": "300", "MYPY_CACHE_DIR": str(tree.parent / "mypy"), "CI": ""}
    done = subprocess.run([program, *arguments], cwd=tree, env=wide, capture_output=True, text=True, check=False)
    return done.returncode, " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize("gate", ON_THE_REAL_TREE)
def test_a_gate_lets_the_clean_tree_pass(gate: str, tmp_path: Path) -> None:
    real_tree(tmp_path / "tree")
    code, output = run(gate, tmp_path / "tree")
    assert code == 0, output


@pytest.mark.parametrize("name", [name for name, breach in BREACHES.items() if breach.gate in ON_THE_REAL_TREE])
def test_a_gate_fails_on_a_breach(name: str, tmp_path: Path) -> None:
    breach = BREACHES[name]
    real_tree(tmp_path / "tree")
    plant(breach, tmp_path / "tree")
    code, output = run(breach.gate, tmp_path / "tree")
    assert code != 0
    assert breach.says in output


@pytest.mark.parametrize("name", [name for name, breach in BREACHES.items() if breach.gate not in ON_THE_REAL_TREE])
def test_a_type_checker_passes_a_clean_tree_and_fails_on_a_breach(name: str, tmp_path: Path) -> None:
    breach = BREACHES[name]
    small_tree(tmp_path / "tree")
    code, output = run(breach.gate, tmp_path / "tree")
    assert code == 0, output
    plant(breach, tmp_path / "tree")
    code, output = run(breach.gate, tmp_path / "tree")
    assert code != 0
    assert breach.says in output


def test_every_door_is_the_only_one(tmp_path: Path) -> None:
    doors = [contract for name, contract in CONTRACTS.items() if name.startswith("door-")]
    real_tree(tmp_path / "tree")
    lines = [f"import {library}\n" for door in doors for library in door["forbidden_modules"]]
    (tmp_path / "tree/reconciler/shell/breach.py").write_text(module("".join(lines)), encoding="utf-8")
    code, output = run("imports", tmp_path / "tree")
    assert code != 0
    assert [door["name"] for door in doors if f"{door['name']} BROKEN" not in output] == []


def test_every_ban_bites_in_core_and_names_the_way_out(tmp_path: Path) -> None:
    small_tree(tmp_path / "tree")
    packages = sorted({name.split(".")[0] for name in BANNED})
    text = "".join(f"import {package}\n" for package in packages)
    text += "".join(f"print({name})\n" for name in BANNED if "." in name)
    (tmp_path / "tree/kagit/breach.py").write_text(module(text), encoding="utf-8")
    code, output = run("lint", tmp_path / "tree")
    assert code != 0
    assert [name for name in BANNED if f"TID251 `{name}` is banned: {BANNED[name]['msg']}" not in output] == []


def test_every_slow_library_has_to_be_imported_lazily(tmp_path: Path) -> None:
    small_tree(tmp_path / "tree")
    (tmp_path / "tree/reports/breach.py").write_text(
        module("".join(f"import {name}\n" for name in SLOW)), encoding="utf-8"
    )
    _, output = run("lint", tmp_path / "tree")
    assert [name for name in SLOW if f"TID253 `{name}` is banned at the module level" not in output] == []


def test_make_check_runs_every_gate() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    check = next(line for line in makefile.splitlines() if line.startswith("check:"))
    assert [gate for gate in GATES if f"check-{gate} " not in check] == []
