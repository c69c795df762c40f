"""Payloads in every slot stay text in every format."""

import csv
import io
import re

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from reports import clean, exports, figures, markdown, pages, site
from tests.reports import cases, reading

TEXTS = st.one_of(st.sampled_from(cases.PAYLOADS), st.text(st.characters(exclude_categories=()), max_size=40))


def turns(texts):
    """The payloads shifted, so that each comes into each slot once over all cases."""
    return [texts[at:] + texts[:at] for at in range(0, len(texts), 3)]


def check_csv(data, text):
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    head, *body = rows
    taken = ("result_of",) if any(trial.result_of for trial in data.trials) else ()
    further = ("front", "breaks", "parent", *taken, "stopped_by")
    assert len(body) == len(data.trials)
    assert {len(row) for row in rows} == {
        4 + len(data.experiment.space) + len(dict.fromkeys(data.experiment.objective.metrics)) + len(further)
    }
    assert tuple(head[-len(further) :]) == further
    assert len({name.lower() for name in head}) == len(head)
    for row, trial in zip(body, data.trials, strict=True):
        assert row[0] == exports.guarded(trial.name)
        for cell, parameter in zip(row[2:], data.experiment.space, strict=False):
            assert cell in {trial.point[parameter.name], exports.guarded(trial.point[parameter.name])}
    for cell in (cell for row in rows for cell in row):
        assert not re.match("\\s*[=+\\-@|%\uff1d\uff0b\uff0d\uff20]", cell) or figures.FLOAT_NUMBER.fullmatch(cell), (
            cell
        )


def check_yaml(data, text):
    winner = data.trials[0]
    tame = {name: re.sub("[\ud800-\udfff]", "\ufffd", value) for name, value in winner.point.items()}
    point = {re.sub("[\ud800-\udfff]", "\ufffd", name): value for name, value in tame.items()}
    if len(point) != len(winner.point):
        return  # names that differ in lone surrogates only: no manifest can hold them
    for loaded in (yaml.safe_load(text), YAML(typ="safe", pure=True).load(text)):
        assert {one["name"]: one["value"] for one in loaded["parameterAssignments"]} == point
        assert list(loaded["parameters"]) == list(point)
        assert loaded["experiment"] == re.sub("[\ud800-\udfff]", "\ufffd", data.experiment.name)


def check_markdown(text):
    tokens = reading.markdown(text)
    for rows in reading.tables(tokens):
        assert len(set(rows)) == 1
    lines = text.split("\n")
    written = sum(line.startswith("| ") for line in outside_fences(lines))
    assert written == sum(len(rows) + 1 for rows in reading.tables(tokens))
    assert not [line for line in outside_fences(lines) if line.startswith(("/", "\t", "    ", "<"))]
    return tokens


def outside_fences(lines):
    fence = ""
    for line in lines:
        if fence:
            fence = "" if line == fence else fence
        elif line.startswith("```") and line.endswith("text"):
            fence = line.removesuffix("text")
        else:
            yield line
    assert fence == ""


def check(data):
    tree = {path: data.decode("utf-8") for path, data in site.build(data).items()}
    assert sorted(tree) == ["README.md", "best.yaml", "front.svg", "history.svg", "index.html", "trials.csv"]
    page = reading.Page(tree["index.html"])
    assert len(set(page.ids)) == len(page.ids)
    check_markdown(tree["README.md"])
    reading.drawing(tree["history.svg"])
    reading.drawing(tree["front.svg"])
    check_csv(data, tree["trials.csv"])
    check_yaml(data, tree["best.yaml"])
    return page, tree


@pytest.mark.parametrize("texts", turns(cases.PAYLOADS), ids=lambda texts: f"from-{cases.PAYLOADS.index(texts[0])}")
def test_payloads_stay_text_in_every_slot(texts):
    page, tree = check(cases.hostile(texts))
    shown = " ".join(page.texts)
    assert "<script>alert(1)</script>" in shown or "<script>" not in tree["README.md"]
    for text in (tree["index.html"], tree["README.md"], tree["history.svg"], tree["front.svg"]):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b\ufeff\u2028\u2029]", text)


@settings(max_examples=40)
@given(texts=st.lists(TEXTS, min_size=3, max_size=9))
def test_any_text_in_any_slot_leaves_every_file_well_formed(texts):
    check(cases.hostile(tuple(texts)))


@pytest.mark.parametrize("texts", turns(cases.PAYLOADS)[:4], ids=lambda texts: f"from-{cases.PAYLOADS.index(texts[0])}")
def test_payloads_stay_text_on_the_index(texts):
    tree = site.build_index(cases.hostile_entries(texts))
    page = reading.Page(tree["index.html"].decode())
    check_markdown(tree["README.md"].decode())
    assert [attrs["href"] for tag, attrs in page.tags if tag == "a"] == ["#main"]


@given(text=TEXTS)
def test_a_code_span_shows_the_cleaned_text_and_nothing_else(text):
    (paragraph,) = [token for token in reading.markdown(markdown.span(text)) if token.type == "inline"]
    (child,) = paragraph.children
    assert child.content == (clean.inline(text) or figures.NOTHING)


@given(text=st.one_of(TEXTS, st.text("\\\\|`a ")))
def test_no_renderer_finds_the_end_of_a_cell_in_it(text):
    made = markdown.cell(text)
    # markdown-it looks at the character before a pipe; cmark-gfm takes a back-slash and its follower at once.
    assert not re.search(r"(?<!\\)\|", made)
    assert not re.search(r"\|", re.sub(r"\\[!-/:-@\[-`{-~]", "", made))


@pytest.mark.parametrize("text", ["max trial count has reached", "exit code 1", "Killed, then started again."])
def test_plain_words_need_no_code_span(text):
    assert markdown.prose(text) == text


@pytest.mark.parametrize(
    "text", ["see www.evil.example", "GH-1", "a1b2c3d", "1. item", "@me", "#1", "a_b_", "/close", "see: x", "", "a\nb*"]
)
def test_all_else_is_put_in_one(text):
    assert markdown.prose(text) == markdown.span(text)


@given(text=TEXTS)
def test_a_fence_holds_its_lines(text):
    text = clean.block(text)
    (token,) = reading.markdown(markdown.fence(text))
    assert token.content.rstrip("\n") == text.rstrip("\n")


@given(text=TEXTS)
def test_a_page_shows_a_log_tail_to_the_letter(text):
    data = cases.failing()
    name = data.trials[1].name
    page = reading.Page(site.build(cases.replace(data, log_tails={name: text}))["index.html"].decode())
    tail = clean.block(text)
    assert not tail or tail in page.texts


def test_templates_trust_only_our_own_style_and_drawings():
    folder = pages._HERE / "templates"
    trusted = {
        match
        for file in folder.glob("*.j2")
        for match in re.findall(r"\{\{([^}]*\|\s*safe[^}]*)\}\}", file.read_text("utf-8"))
    }
    assert {one.strip() for one in trusted} == {
        "style|safe",
        "chart|safe",
        "front|safe",
        'one.spark|safe if one.spark else "–"',
    }
    source = "".join(file.read_text("utf-8") for file in folder.glob("*.j2"))
    assert not re.search(r"Markup|autoescape|<script|style=|\son[a-z]+=|=\{\{", source)
    assert set(re.findall(r'href="\{\{([^}]*)\}\}"', source)) == {" one.link "}


def test_nothing_can_be_fetched_and_only_our_style_applies():
    page = reading.Page(site.build(cases.finished())["index.html"].decode())
    (policy,) = [attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv")]
    assert policy == pages.policy()
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; img-src data:; "
        r"base-uri 'none'; form-action 'none'",
        policy,
    )
    assert "url(" not in pages.style()
    assert "</" not in pages.style()
    assert "@import" not in pages.style()


def test_the_policy_names_the_hash_of_the_style_in_the_page():
    import base64
    import hashlib

    html = site.build(cases.finished())["index.html"].decode()
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    assert base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() in pages.policy()
