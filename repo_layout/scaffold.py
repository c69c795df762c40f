"""`kagit init`: the files of a new user's repository."""

from importlib import resources

from kagit.errors import Refused
from kagit.filetree import FileTree

_FILES = {
    ".gitattributes": "gitattributes",
    ".github/workflows/validate.yaml": "ci/github.yaml",
    ".gitlab-ci.yml": "ci/gitlab.yaml",
    ".kagit.yaml": "kagit.yaml",
    "README.md": "README.md",
    "experiments/hello.py": "experiments/hello.py.txt",
    "experiments/hello.yaml": "experiments/hello.yaml",
    "reports/README.md": "reports/README.md",
}
_LONGEST_NAME = 100


def files(name: str) -> FileTree:
    """The files of a repository called `name`, which validate without findings; Refused if that is no title."""
    if not name.strip() or not name.isprintable() or len(name) > _LONGEST_NAME:
        short = name[:_LONGEST_NAME]
        raise Refused(f"name {short!r} cannot be a title; give one line of at most {_LONGEST_NAME} characters")
    here = resources.files("repo_layout") / "template"
    tree = {path: (here / source).read_bytes() for path, source in _FILES.items()}
    tree["README.md"] = tree["README.md"].replace(b"{name}", name.strip().encode())
    return FileTree(tree)
