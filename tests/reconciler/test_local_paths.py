"""Paths of a container on this machine: which texts are rewritten, and to what."""

import pytest

from kagit.errors import Refused
from kagit.experiment import Collector
from reconciler.adapters.local_paths import Mount, below, collector_mounts, links, rewrite

MOUNTS = [Mount("/train", "/T"), Mount("/train/sub", "/S"), Mount("/logs", "/L", exact=True), Mount("/a.b", "/AB")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/train", "/T"),
        ("/train/", "/T/"),
        ("/train/x/y", "/T/x/y"),
        ("/train/sub/y", "/S/y"),
        ("/train/subway", "/T/subway"),
        ("--log-dir=/train", "--log-dir=/T"),
        ("file:///train/x", "file:///train/x"),
        ("s3://bucket/train/x", "s3://bucket/train/x"),
        ("/trainer", "/trainer"),
        ("/train.log", "/train.log"),
        ("/train-2", "/train-2"),
        ("./train", "./train"),
        ("../train", "../train"),
        ("~/train", "~/train"),
        ("$HOME/train", "$HOME/train"),
        ("${HOME}/train", "${HOME}/train"),
        ("$(pwd)/train", "$(pwd)/train"),
        ("\0/train", "\0/train"),
        ("a:/train:/train/sub", "a:/T:/S"),
        ("cp '/train/x' \"/train\";ls /train>/dev/null", "cp '/T/x' \"/T\";ls /T>/dev/null"),
        ('{"dir": "/train"}', '{"dir": "/T"}'),
        ("/logs", "/L"),
        ("--path=/logs --x", "--path=/L --x"),
        ("/logs/test", "/logs/test"),
        ("/logs2", "/logs2"),
        ("/a.b/c", "/AB/c"),
        ("/aXb/c", "/aXb/c"),
        ("/traïn", "/traïn"),
        ("", ""),
    ],
)
def test_paths_are_rewritten_where_they_begin_a_path(text: str, expected: str):
    assert rewrite(text, MOUNTS) == expected


def test_nothing_is_rewritten_twice():
    assert rewrite("/tmp/x", [Mount("/tmp", "/tmp/state/tmp"), Mount("/x", "/y")]) == "/tmp/state/tmp/x"


def test_a_long_hostile_text_is_rewritten_once():
    assert rewrite("/train" * 200_000, MOUNTS) == "/T" + "/train" * 199_999


def mounts(kind: str, path: str, sort: str = "File", *, there: tuple[str, ...] = ()) -> list[tuple[str, str, bool]]:
    collector = Collector(kind=kind, source={"fileSystemPath": {"kind": sort, "path": path}})
    return [tuple(one) for one in collector_mounts(collector, "/M", exists=there.__contains__)]


def test_the_collectors_directory_is_what_is_mapped():
    assert mounts("File", "/katib/mnist.log") == [("/katib", "/M", False)]
    assert mounts("TensorFlowEvent", "/train/", "Directory") == [("/train", "/M", False)]
    assert mounts("Custom", "/katib/x", "Directory", there=("/katib",)) == [("/katib/x", "/M", False)]
    assert mounts("StdOut", "/katib/x") == mounts("Custom", "") == mounts("File", "relative/x") == []


def test_a_file_in_the_root_is_mapped_alone():
    assert mounts("File", "/metrics.log") == [("/metrics.log", "/M/metrics.log", True)]


def test_directories_above_are_mapped_as_a_whole_unless_the_machine_has_them():
    found = mounts("TensorFlowEvent", "/a/b/c", "Directory")
    assert found == [("/a/b/c", "/M", False), ("/a/b", "\0/paths/a/b", True), ("/a", "\0/paths/a", True)]
    assert mounts("TensorFlowEvent", "/a/b/c", "Directory", there=("/a",))[1:] == [("/a/b", "\0/paths/a/b", True)]


def test_a_mount_inside_another_is_shown_there():
    outer, inner, other = Mount("/a", "/A"), Mount("/a/b/c", "/C"), Mount("/ab", "/AB")
    assert links([inner, other, outer]) == [["/A/b/c", "/C"]]
    assert links([Mount("/a", "/paths/a"), Mount("/a/b", "/paths/a/b")]) == []


@pytest.mark.parametrize("sub", ["/x", "..", "a/../../b"])
def test_a_sub_path_cannot_leave_its_volume(sub: str):
    with pytest.raises(Refused, match="give a relative path"):
        below("/v", sub)
    assert below("/v", "a/b/") == "/v/a/b"
