"""The repository as a source of wishes: what its experiments say at a commit, read again only where it changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kagit.findings import Finding, Severity
from reconciler.ports import Blob, Repo
from reconciler.shell.ledger import Title
from reconciler.world import Source, Wanted
from repo_layout import read
from repo_layout.paths import SETTINGS_FILE
from repo_layout.settings import Settings

LINK, SUBMODULE = "120000", "160000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a commit declares. `wanted` holds one entry per experiment, also for those that cannot be used."""

    commit: str
    settings: Settings
    wanted: Mapping[Title, Wanted]
    findings: tuple[Finding, ...]
    broken: frozenset[str]


@dataclass(slots=True, kw_only=True)
class GitSource:
    """Reads one branch. Blobs are parsed once: unchanged ones cost a look-up (gitops.md section 6.2)."""

    repo: Repo
    url: str
    branch: str
    parsed: dict[tuple[str, str, str], read.Declared] = field(default_factory=dict[tuple[str, str, str], read.Declared])
    last: Seen | None = None
    tip: str = ""
    trees: tuple[str, ...] = ()

    def look(self, *, commit: str = "") -> Seen:
        """What the branch (or the given commit) declares now; the very same value while nothing changed."""
        tip = commit or self.repo.fetch(self.branch)
        if self.last is not None and tip == self.tip:
            return self.last
        if not tip:
            empty = Finding(path=".", message=f"branch {self.branch!r} has no commit yet; push one", slug="no-branch")
            return Seen(commit="", settings=Settings(), wanted={}, findings=(empty,), broken=frozenset())
        settings, findings = self._settings(tip)
        folders = [self.repo.tree(tip, folder) for folder in settings.experiments]
        trees = (repr(settings), *(tree.id for tree in folders))
        if self.last is not None and trees == self.trees:
            self.tip = tip
            return self.last
        files = [blob for tree in folders for blob in tree.files if read.is_manifest(blob.path, settings)]
        declared = self._declared(files, settings)
        findings = (*findings, *_unreadable(files), *_too_large(files), *declared.findings)
        wanted = {
            (one.experiment.namespace, one.experiment.name): Wanted(
                experiment=one.experiment,
                source=Source(url=self.url, commit=tip, path=one.path, line=one.line, clean=True),
            )
            for one in declared.experiments
        }
        for refused in declared.refused:
            title = (refused.namespace, refused.name)
            if refused.name and title not in wanted:
                source = Source(url=self.url, commit=tip, path=refused.path, line=refused.line, clean=True)
                wanted[title] = Wanted(experiment=None, source=source, errors=tuple(map(str, refused.errors)))
        self.trees, self.tip = trees, tip
        self.last = Seen(
            commit=tip,
            settings=settings,
            wanted=wanted,
            findings=tuple(sorted(findings)),
            broken=declared.broken | {finding.path for finding in _too_large(files)},
        )
        return self.last

    def _settings(self, commit: str) -> tuple[Settings, tuple[Finding, ...]]:
        tree = self.repo.tree(commit, SETTINGS_FILE)
        blobs = [blob for blob in tree.files if blob.path == SETTINGS_FILE and blob.mode not in {LINK, SUBMODULE}]
        return read.settings(self.repo.read([blobs[0].id])[blobs[0].id] if blobs else None)

    def _declared(self, files: list[Blob], settings: Settings) -> read.Declared:
        plain = [blob for blob in files if blob.mode not in {LINK, SUBMODULE} and blob.size <= read.MAX_BYTES]
        space = settings.namespace
        missing = [blob for blob in plain if (blob.path, blob.id, space) not in self.parsed]
        contents: Mapping[str, bytes] = self.repo.read([blob.id for blob in missing]) if missing else {}
        for blob in missing:
            self.parsed[blob.path, blob.id, space] = read.file(blob.path, contents[blob.id], namespace=space)
        keys = [(blob.path, blob.id, space) for blob in plain]
        self.parsed = {key: self.parsed[key] for key in keys}
        return read.together([self.parsed[key] for key in keys])


def _unreadable(files: list[Blob]) -> list[Finding]:
    """Links are not followed: one could lead out of the repository (gitops.md section 5, row 1)."""
    return [
        Finding(
            path=blob.path,
            message="a symbolic link or submodule is not read; put the file itself here",
            slug="not-a-file",
            severity=Severity.WARNING,
        )
        for blob in files
        if blob.mode in {LINK, SUBMODULE}
    ]


def _too_large(files: list[Blob]) -> list[Finding]:
    return [
        Finding(
            path=blob.path,
            message=f"the file has {blob.size} bytes and is not read; at most {read.MAX_BYTES} are, so split it",
            slug="file-size",
        )
        for blob in files
        if blob.size > read.MAX_BYTES
    ]


def with_broken(seen: Seen, known: Mapping[Title, Source]) -> dict[Title, Wanted]:
    """What is wanted, where an experiment whose file cannot be read any more is not gone but in error."""
    wanted = dict(seen.wanted)
    for title, source in known.items():
        if title not in wanted and source.path in seen.broken:
            said = tuple(str(f) for f in seen.findings if f.path == source.path and f.severity is Severity.ERROR)
            wanted[title] = Wanted(experiment=None, source=source, errors=said)
    return wanted
