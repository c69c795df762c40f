"""What the docs say can be typed, and where they point there is something."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler import arguments

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])
SHELL_PAGES = [*PAGES, ROOT / "repo_layout/template/README.md"]
FENCE = re.compile(r"^(```+)(\w*)\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]\n]*\]\(([^)\s]+)\)")


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def commands(text: str) -> Iterator[str]:
    """Lines of shell fences and indented blocks that call kagit, without what a shell does with the output."""
    lines = [line for _, kind, body in FENCE.findall(text) if kind == "sh" for line in body.splitlines()]
    lines += [line.strip() for line in text.splitlines() if line.startswith("    kagit ")]
    for line in lines:
        words = shlex.split(line, comments=True)
        names = [at for at, word in enumerate(words) if Path(word).name == "kagit"]
        if names and all(word in {"uvx", "--from", "."} or "=" in word for word in words[: names[0]]):
            yield shlex.join(words[names[0] :])


def sections(text: str) -> set[str]:
    """Anchors of the headings, as forges make them."""
    found = set()
    for heading in re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE):
        found.add(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-"))
    return found


@pytest.mark.parametrize("page", SHELL_PAGES, ids=named)
def test_every_kagit_command_parses(page: Path, capsys) -> None:
    for command in commands(page.read_text(encoding="utf-8")):
        words = shlex.split(command)[1:]
        words = words[: next((at for at, word in enumerate(words) if word in {">", "|", "&&"}), len(words))]
        try:
            arguments.parser().parse_args(words)
        except SystemExit:
            pytest.fail(f"{named(page)}: {command}\n{capsys.readouterr().err}")


def test_commands_are_found_at_all() -> None:
    found = [command for page in SHELL_PAGES for command in commands(page.read_text(encoding="utf-8"))]
    assert len(found) > 30
    assert {shlex.split(command)[1] for command in found} >= {"init", "run", "reconcile", "plan", "validate", "query"}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for link in LINK.findall(text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_relative_to(ROOT), f"{named(page)}: {link} leaves the project"
        assert target.exists(), f"{named(page)}: {link} leads nowhere"
        if anchor:
            assert anchor in sections(target.read_text(encoding="utf-8")), f"{named(page)}: {link} has no such section"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_no_page_starts_a_module_from_the_current_directory(page: Path) -> None:
    for line in page.read_text(encoding="utf-8").splitlines():
        if "python" in line and re.search(r"\s-m\b", line):
            assert "-P" in line, f"{named(page)}: {line}"


@pytest.mark.parametrize("target", ["demo", "test", "check", "bench", "e2e"])
def test_make_targets_of_the_readme_are_there(target: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{target}:", makefile, re.MULTILINE)
    assert f"make {target}" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_demo_and_test_stand_above_everything_else() -> None:
    top = (ROOT / "README.md").read_text(encoding="utf-8").split("\n## ", maxsplit=1)[0]
    assert "make demo" in top
    assert "make test" in top
