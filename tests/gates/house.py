"""The house rules that no linter knows (ARCHITECTURE.md, section 5).

`python tests/gates/house.py [ROOT]` prints each breach as `file:line: what and the way out`; exits 1 on one.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOMS = ("kagit", "algorithms", "reports", "repo_layout", "reconciler")
NOT_ROOMS = {"tests", "benchmarks", "examples", "docs", "manifests"}
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 50
SHAPELESS_NAMES = ("utils", "util", "helpers", "common", "misc", "manager", "managers")


def breaches(root: Path) -> Iterator[str]:
    """Each breach below `root` as `file:line: what and the way out`."""
    yield from _unknown_folders(root)
    for room in ROOMS:
        files = sorted(path for path in (root / room).rglob("*.py") if "__pycache__" not in path.parts)
        if not files:
            yield f"{room}:1: the room is missing or holds no Python"
        for folder in sorted({path.parent for path in files}):
            yield from _folder(folder, root)
        for path in files:
            yield from _file(path, path.relative_to(root))


def _unknown_folders(root: Path) -> Iterator[str]:
    for folder in sorted(root.iterdir()):
        name = folder.name
        if (
            folder.is_dir()
            and name not in {*ROOMS, *NOT_ROOMS}
            and not name.startswith(".")
            and any(folder.glob("*.py"))
        ):
            yield f"{name}:1: a folder with Python that no gate knows; list it in tests/gates/house.py"


def _folder(folder: Path, root: Path) -> Iterator[str]:
    init = folder / "__init__.py"
    where = f"{init.relative_to(root)}:1"
    if not init.is_file():
        yield f"{where}: missing; without it import-linter does not see the folder"
    elif "Law: " not in (ast.get_docstring(_parsed(init)) or ""):
        yield f'{where}: the docstring does not state the folder\'s law; add a sentence "Law: ..."'


def _file(path: Path, shown: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    lines = text.count("\n") + (not text.endswith("\n") and text != "")
    if lines > MAX_FILE_LINES:
        yield f"{shown}:{MAX_FILE_LINES + 1}: {lines} lines, at most {MAX_FILE_LINES}; split it by what it decides"
    if path.stem in SHAPELESS_NAMES:
        yield f"{shown}:1: a file called {path.name} collects anything; name it after what it promises"
    for node in ast.walk(_parsed(path)):
        yield from (f"{shown}:{line}: {what}" for line, what in _node(node))


def _parsed(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError as error:
        sys.exit(f"{path}:{error.lineno}: {error.msg}; the house rules can only be read off Python")


def _node(node: ast.AST) -> Iterator[tuple[int, str]]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            size = _size(node)
            if size > MAX_FUNCTION_LINES:
                yield node.lineno, f"{node.name} has {size} lines, at most {MAX_FUNCTION_LINES}; split it"
        case ast.ClassDef(name=name) if name.endswith(("Manager", "Helper", "Util", "Utils")):
            yield node.lineno, f"class {name}: no managers; name it after what it is or does"
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING") | ast.alias(name="TYPE_CHECKING"):
            yield node.lineno, "TYPE_CHECKING: the arrow is wrong; move the type to the room below"
        case ast.ImportFrom(level=level) if level:
            yield node.lineno, "relative import; write the whole name"


def _size(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    size = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None:
        size -= (first.end_lineno or first.lineno) - first.lineno + 1
    return size


def main() -> int:
    """Print the breaches; 1 where there is one."""
    found = list(breaches(Path(sys.argv[1] if len(sys.argv) > 1 else ".")))
    for breach in found:
        print(breach)  # noqa: T201 - this is a command
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
