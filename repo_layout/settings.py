"""`.kagit.yaml`: what the user's repository says about itself."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from kagit import names
from kagit.errors import Refused
from kagit.filetree import check_path
from kagit.findings import Issue
from kagit.shapes import mapping, sequence, text
from kagit.spelling import describe, did_you_mean, short
from kagit.v1beta1.schema import Place

DURATION = re.compile(r"([0-9]{1,7})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
BRANCH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.+-]*)*")
LONGEST = 200
_MOST_ISSUES = 100
_MAPPING = describe({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """Where reports go: a folder, a branch (empty: the one that is watched), at most every `interval` seconds."""

    path: str = "reports"
    branch: str = ""
    interval: int = 300
    push: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole file with its defaults; paths have no slash at their ends."""

    experiments: tuple[str, ...] = ("experiments",)
    reports: Reports = field(default_factory=Reports)
    namespace: str = "default"


class _Reader:
    """Collects issues while values are read one by one."""

    def __init__(self) -> None:
        self.issues: list[Issue] = []

    def wrong(self, at: Place, message: str, slug: str) -> None:
        self.issues.append(Issue(at=at, message=message, slug=slug))

    def known(self, fields: Mapping[str, Any], known: tuple[str, ...], at: Place) -> None:
        for key in fields:
            if key not in known and len(self.issues) < _MOST_ISSUES:
                way = did_you_mean(str(key), known)
                self.wrong((*at, key), f"{short(key)} is no setting; {way}", "unknown-setting")

    def path(self, value: object, at: Place, default: str) -> str:
        if not isinstance(value, str):
            self.wrong(at, f"{at[-1]} is {describe(value)}; give a path inside the repository", "path-invalid")
            return default
        cut = value.removeprefix("./").rstrip("/")
        try:
            if len(cut) > LONGEST or cut.startswith("~") or re.match(r"[A-Za-z]:", cut):
                raise Refused("")  # noqa: TRY301 - one way out for all bad paths
            return check_path(cut)
        except Refused:
            message = f"path {short(value)!r} leaves the repository or is no plain path; give one like {default}"
            self.wrong(at, message, "path-invalid")
            return default

    def take(self, fields: Mapping[str, Any], key: str, at: Place, read: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - of any type
        """`read` of the value, or None where it is absent or refused (ValueError says why)."""
        if fields.get(key) is None:
            return None
        try:
            return read(fields[key])
        except ValueError as error:
            self.wrong((*at, key), f"{key} is {describe(fields[key])}; {error}", "setting-invalid")
            return None


def settings(value: object) -> tuple[Settings, tuple[Issue, ...]]:
    """Settings from the parsed `.kagit.yaml` (None: all defaults); what is wrong keeps its default and is an issue."""
    reader = _Reader()
    if value is not None and describe(value) != _MAPPING:
        reader.wrong(
            (), f"settings are a mapping, this is {describe(value)}; write e.g. namespace: default", "not-settings"
        )
    fields = mapping(value)
    reader.known(fields, ("experiments", "reports", "namespace"), ())
    experiments = _experiments(fields.get("experiments"), reader)
    reports = _reports(fields.get("reports"), reader)
    if any(is_below(reports.path, one) or is_below(one, reports.path) for one in experiments):
        message = f"reports {reports.path} and experiments {', '.join(experiments)} overlap; give them separate folders"
        reader.wrong(("reports", "path"), message, "paths-overlap")
    namespace = reader.take(fields, "namespace", (), _namespace)
    known = Settings(experiments=experiments, reports=reports, namespace=namespace or "default")
    return known, tuple(reader.issues)


def _experiments(value: object, reader: _Reader) -> tuple[str, ...]:
    default = Settings().experiments
    if value is None:
        return default
    if isinstance(value, list | tuple):
        paths = [
            reader.path(one, ("experiments", i), default[0]) for i, one in enumerate(sequence(cast("object", value)))
        ]
        if not paths:
            reader.wrong(("experiments",), "experiments is empty; give at least one folder", "setting-invalid")
        return tuple(dict.fromkeys(paths)) or default
    return (reader.path(value, ("experiments",), default[0]),)


def _reports(value: object, reader: _Reader) -> Reports:
    at: Place = ("reports",)
    default = Reports()
    if value is None:
        return default
    if isinstance(value, str):
        return Reports(path=reader.path(value, at, default.path))
    if describe(value) != _MAPPING:
        reader.wrong(
            at, f"reports is {describe(value)}; give a folder, or path, branch, interval and push", "setting-invalid"
        )
    fields = mapping(value)
    reader.known(fields, ("path", "branch", "interval", "push"), at)
    path = default.path
    if fields.get("path") is not None:
        path = reader.path(fields["path"], (*at, "path"), default.path)
    push = reader.take(fields, "push", at, _flag)
    interval = reader.take(fields, "interval", at, duration)
    return Reports(
        path=path,
        branch=reader.take(fields, "branch", at, _branch) or "",
        interval=default.interval if interval is None else interval,
        push=default.push if push is None else push,
    )


def duration(value: object) -> int:
    """Seconds in a duration such as `30s`, `5m`, `1h` or `2d`; ValueError with the way out for anything else."""
    found = DURATION.fullmatch(text(value))
    if found is None:
        raise ValueError("give a duration such as 30s, 5m or 1h")
    return int(found[1]) * _SECONDS[found[2]]


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("give true or false")  # noqa: TRY004 - all refusals of a value are one kind here
    return value


def _namespace(value: object) -> str:
    if not names.is_namespace(text(value)):
        raise ValueError("give at most 63 of a-z, 0-9 and '-'")
    return text(value)


def _branch(value: object) -> str:
    name = text(value)
    if name and (not BRANCH.fullmatch(name) or ".." in name or name.endswith((".lock", ".")) or len(name) > LONGEST):
        raise ValueError("give a branch name of letters, digits and - _ . /")
    if not isinstance(value, str):
        raise ValueError("give a branch name")  # noqa: TRY004 - all refusals of a value are one kind here
    return name


def is_below(path: str, folder: str) -> bool:
    """Whether a path is a folder itself or inside it; `.` holds everything."""
    return path == folder or path.startswith(f"{folder}/")
