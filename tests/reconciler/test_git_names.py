"""Remote addresses and branch names: rows 6 to 13 of gitops.md section 5."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagit.errors import Refused
from reconciler.adapters.git_names import check_id, check_person, full_ref, parse_remote


@pytest.mark.parametrize(
    "url",
    [
        "ssh://-oProxyCommand=touch%20x/path",
        "ssh://host/-oProxyCommand=x",
        "ssh://-x@host/path",
        "-u@host:path",
        "host:-oProxyCommand=x",
        "-oProxyCommand=x:y",
        "--upload-pack=touch x",
        "https://-host/x",
        "https://host/%2dx",
        "ssh://host name/x",
        "ssh://host;id/x",
        "git@ho$(id)st:x",
    ],
)
def test_row_6_no_option_or_command_gets_through_an_address(url):
    with pytest.raises(Refused):
        parse_remote(url)


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c id",
        "fd::17",
        "EXT::sh",
        "transport::address",
        "ftp://h/x",
        "git://h/x",
        "ext://h/x",
        "::x",
        "s3://b/x",
    ],
)
def test_row_7_no_transport_that_runs_commands_or_is_not_wanted(url):
    with pytest.raises(Refused, match="transport"):
        parse_remote(url)


def test_row_7_the_operator_says_what_is_allowed(tmp_path):
    with pytest.raises(Refused, match="file is not allowed"):
        parse_remote(str(tmp_path), protocols=("https",))
    with pytest.raises(Refused, match="ssh is not allowed"):
        parse_remote("git@example.org:a/b", protocols=("https", "file"))
    assert parse_remote("https://example.org/x", protocols=("https",)).scheme == "https"


@pytest.mark.parametrize(
    "url",
    [
        "https://h/x\n[core]",
        "https://h/%0ax",
        "https://h/x\0",
        "h\ro:x",
        "file:///x%0ay",
        "/tmp/x\ny",
        "",
        "https://h/\u202ex",
    ],
)
def test_row_9_control_characters_never_reach_a_setting(url):
    with pytest.raises(Refused):
        parse_remote(url)


@pytest.mark.parametrize(
    "url",
    ["http://example.org/x", "http://10.0.0.1/x", "http://127.0.0.1.example.org/x", "http://localhost.example.org/x"],
)
def test_row_11_plain_http_is_for_loopback_only(url):
    with pytest.raises(Refused, match="https"):
        parse_remote(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/x", "http://localhost/x", "http://[::1]:1/x"])
def test_row_11_loopback_may_be_plain(url):
    remote = parse_remote(url)
    assert (remote.scheme, remote.address) == ("http", url)


@pytest.mark.parametrize(
    "url", ["https:///x", "https://h", "https://h/", "https://h:port/x", "https://[::1/x", "file://host/x"]
)
def test_an_address_that_is_none_is_refused_with_the_way_out(url):
    with pytest.raises(Refused, match="write"):
        parse_remote(url)


def test_row_13_credentials_leave_the_address_and_are_masked():
    remote = parse_remote("https://robot:p%40ss%2Fw0rd@example.org:8443/a/b.git")
    assert remote.address == "https://example.org:8443/a/b.git"
    assert remote.shown == "https://***@example.org:8443/a/b.git"
    assert remote.header == "Authorization: Basic cm9ib3Q6cEBzcy93MHJk"
    said = "p@ss/w0rd p%40ss%2Fw0rd cm9ib3Q6cEBzcy93MHJk https://x:y@example.org/ \x1b[31mred\x07"
    assert remote.mask(said) == "*** *** *** https://***@example.org/  [31mred"
    assert "ss/w0rd" not in repr(remote)
    assert "token" not in str(parse_remote("https://token@example.org/x"))


def test_row_13_no_refusal_repeats_a_password():
    for url in (
        "https://u:s3cret@ho st/x",
        "http://u:s3cret@example.org/x",
        "ftp://u:s3cret@h/x",
        "https://u:s3cret@h:x/y",
    ):
        with pytest.raises(Refused) as caught:
            parse_remote(url)
        assert "s3cret" not in str(caught.value)


def test_a_user_name_stays_only_for_a_credential_helper():
    assert parse_remote("https://me@example.org/x").address == "https://example.org/x"
    assert parse_remote("https://me@example.org/x", keep_user=True).address == "https://me@example.org/x"
    assert parse_remote("https://me:pw@example.org/x", keep_user=True).address == "https://example.org/x"


def test_ssh_and_local_addresses(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert parse_remote("git@example.org:a/b.git").address == "git@example.org:a/b.git"
    assert parse_remote("ssh://git@example.org:2222/a.git").address == "ssh://git@example.org:2222/a.git"
    for url in ("r.git", "./r.git", f"{tmp_path}/r.git", f"file://{tmp_path}/r.git"):
        remote = parse_remote(url)
        assert (remote.address, remote.local) == (str(tmp_path / "r.git"), tmp_path / "r.git")
    assert parse_remote(f"file://{tmp_path}/a%20b").local == tmp_path / "a b"


@given(st.text(max_size=40))
def test_whatever_is_typed_is_refused_or_harmless(url):
    try:
        remote = parse_remote(url)
    except Refused:
        return
    assert not remote.address.startswith("-")
    assert remote.address.isprintable()
    assert "::" not in remote.address.split("/")[0]
    assert remote.scheme in {"https", "ssh", "file", "http"}


@given(st.text(max_size=30))
def test_rows_6_and_12_every_accepted_branch_is_a_plain_ref(name):
    try:
        ref = full_ref(name)
    except Refused:
        return
    assert ref.startswith(("refs/heads/", "refs/tags/"))
    assert ".." not in ref
    assert not set(ref) & set(" ~^:?*[\\\n\0")


def test_row_12_a_branch_is_never_another_kind_of_ref():
    assert full_ref("main") == "refs/heads/main"
    assert full_ref("refs/heads/a/b") == "refs/heads/a/b"
    assert full_ref("refs/notes/x") == "refs/heads/refs/notes/x"
    assert full_ref("HEAD") == "refs/heads/HEAD"
    with pytest.raises(Refused):
        full_ref("../../config")


@pytest.mark.parametrize("value", ["", "main", "HEAD", "-a", "a" * 39, "A" * 40, "a" * 40 + "^", "a" * 40 + "\n"])
def test_only_whole_ids_are_ids(value):
    with pytest.raises(Refused):
        check_id(value)


@pytest.mark.parametrize("author", [("", "a@b"), ("a\nb", "a@b"), ("a", "a@b> 1 +0000\n"), ("<a", "b")])
def test_row_9_an_author_cannot_add_lines_to_a_commit(author):
    with pytest.raises(Refused):
        check_person(author)
