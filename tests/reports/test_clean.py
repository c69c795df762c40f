import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import clean

SECRETS = (
    "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY",
    "ghp_" + "a1B2" * 9,
    "github_pat_" + "a1B2_" * 9,
    "glpat-" + "a1B2" * 5,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "Authorization: Basic dXNlcjpwYXNzd29yZA==",
    "authorization: token a1b2c3",
    "Proxy-Authorization=Bearer abc",
    "bearer abcdefgh12345678",
    "https://user:pass%20word@git.example/x.git",
    "postgresql://me:p@ss@db.example:5432/x",
    "AIza" + "a1B2c" * 7,
    "xoxb-" + "1234567890-" * 3,
    "hf_" + "abcd" * 8,
    "password = 'correct-horse'",
    '{"api_key": "0123456789"}',
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEcut",
)
WORDS = (
    "wJalr",
    "a1B2",
    "dozj",
    "dXNl",
    "a1b2c3",
    "abcdefgh",
    "pass%20",
    "p@ss",
    "abcdabcd",
    "horse",
    "012345",
    "b3Bl",
    "MIIE",
    "IOSF",
    "67890-",
)


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_redacted_wherever_it_stands(secret):
    for text in (secret, f"step 1\nusing {secret} now\nstep 3", f"x={secret}"):
        for cleaned in (clean.redact(text), clean.block(text), clean.inline(text)):
            assert clean.REDACTED in cleaned
            assert not [word for word in WORDS if word in cleaned]


def test_a_secret_cut_by_colours_is_redacted():
    assert "EXAMPLE" not in clean.block("key AKIAIOSF\x1b[1mODNN7EXAMPLE\x1b[0m")


@pytest.mark.parametrize(
    "text",
    [
        "epoch 3 loss=0.25 tokens: 512",
        "https://git.example/a@b?c",
        "secretary",
        "the authorization failed",
        "sk-learn",
        "12:30@noon",
    ],
)
def test_ordinary_lines_are_left_alone(text):
    assert clean.block(text) == text


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("\x1b[31;1mred\x1b[0m", "red"),
        ("\x1b]0;title\x07shown", "shown"),
        ("\x1b]8;;https://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b31mred", "red"),
        ("\x1b]never closed\nnext", "\nnext"),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("\u202eabc\u2066\u200b\ufeff", "abc"),
        ("\ud800x", "\ufffdx"),
        ("tab\tstays", "tab\tstays"),
        ("naïve 紙 kâğ 🎈", "naïve 紙 kâğ 🎈"),
    ],
)
def test_terminal_and_invisible_characters_go(text, cleaned):
    assert clean.text(text) == cleaned


@given(text=st.text(st.characters(exclude_categories=())))
def test_cleaning_twice_changes_nothing_and_utf8_holds_it(text):
    once = clean.text(text)
    assert clean.text(once) == once
    once.encode("utf-8")


def test_lengths_are_bounded():
    assert len(clean.inline("x" * 10**6)) == clean.INLINE_LIMIT
    shown = clean.block("first\n" + "y" * 10**5 + "\n" + "z\n" * 50)
    assert shown.count("\n") + 1 == clean.BLOCK_LINES
    assert max(map(len, clean.block("y" * 10**5).split("\n"))) == clean.BLOCK_WIDTH


def test_a_block_ends_with_the_last_line():
    assert clean.block("one\ntwo\n\n\n") == "one\ntwo"
    assert clean.block(" \n\n") == ""
