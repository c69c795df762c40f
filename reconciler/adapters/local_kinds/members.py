"""What every kind comes down to: pods, and the rules by which they are over."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kagit.errors import Refused
from kagit.experiment import Json
from kagit.shapes import mapping, text

HOST = "127.0.0.1"
DEFAULT_BACKOFF_LIMIT = 6
MOST_MEMBERS = 1000
_EMPTY: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One pod. `name` is empty where it is the only one; `at` is where its template stands; `role` its replica type.

    `retry` says what is tried again when a container fails: the `container`, the whole `pod`, the pod if the exit
    `code` is 128 or more, or nothing (`never`). `env` is what its controller adds and `files` what it mounts; there and
    in `env`, `port(name)` stands for one of the group's ports. The last seven are of steps only (keeper `late.py`):
    `tests` say whether it runs, `outputs` what it leaves (with defaults), `captured` that its standard output is one,
    `script` is what it runs, `shares` are directories of all steps; it may be `forgiven` when it fails, or `final`: it
    runs at any rate.
    """

    name: str = ""
    shown: str = ""
    role: str = ""
    at: str = ""
    template: Mapping[str, Any]
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    files: Mapping[str, str] = field(default_factory=dict[str, str])
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    retry: str = "pod"
    budget: str = ""
    deadline: float = 0.0
    after: tuple[str, ...] = ()
    tests: tuple[Json, ...] = ()
    outputs: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    captured: bool = False
    script: str = ""
    shares: tuple[str, ...] = ()
    forgiven: bool = False
    final: bool = False

    @property
    def pod(self) -> Mapping[str, Any]:
        """The pod's spec."""
        return mapping(self.template.get("spec"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Pods that are one trial. `need` names those that decide (none: all), with `any_of` one of them is enough.

    `budgets` say how many more tries pods have together, -1 for no bound; `restarts` how often all begin again. When it
    has succeeded, those that do not decide may go on for `linger` seconds. `idle` are pods whose work another one does
    here, and whose resources count. Of `steps` the primary one has to bear the labels.
    """

    members: tuple[Member, ...]
    idle: tuple[Member, ...] = ()
    need: frozenset[str] = frozenset()
    any_of: bool = False
    budgets: Mapping[str, int]
    deadline: float = 0.0
    parallel: int = 0
    linger: float = 0.0
    restarts: int = 0
    ports: tuple[str, ...] = ()
    steps: bool = False

    def primary(self, labels: Mapping[str, str]) -> Member:
        """The pod whose output is the trial's: the first with these labels, otherwise the first that decides, of steps
        the last; Refused where no step has the labels, or where its output is not the trial's alone."""
        for member in self.members if labels else ():
            found = {**mapping(mapping(member.template.get("metadata")).get("labels")), **member.labels}
            if labels.items() <= found.items():
                return _free(member)
        if self.steps and labels:
            shown = ", ".join(f"{key}: {value}" for key, value in labels.items())
            raise Refused(f"no step bears the primaryPodLabels {shown}; give these labels to the step that trains")
        if self.steps:
            return _free(self.members[-1])
        return next((member for member in self.members if member.name in self.need), self.members[0])


def _free(member: Member) -> Member:
    if member.captured:
        raise Refused(
            f"step {member.name} trains, and another step reads what it prints; "
            "give it an output parameter with valueFrom.path for that"
        )
    return member


def port(name: str) -> str:
    """What stands for a port of the group until it is known."""
    return f"\0{name}\0"


def count(value: object, *, default: int, at: str) -> int:
    """A number of pods, tries or seconds; Refused where it is none."""
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Refused(f"{at} is {value!r}; give a whole number, 0 or more")
    return value


def check_size(number: int, *, at: str) -> None:
    """Refuse more pods than one machine should be asked for."""
    if number > MOST_MEMBERS:
        raise Refused(
            f"{at}: {number:,} pods for one trial are more than this machine runs ({MOST_MEMBERS:,}); give fewer"
        )


def check_running(spec: Mapping[str, Any], *, at: str) -> None:
    """Refuse what would wait for ever."""
    if spec.get("suspend") is True:
        raise Refused(f"{at} is true, so it would never start; remove the line")


def name_of(manifest: Mapping[str, Any]) -> str:
    """metadata.name."""
    return text(mapping(manifest.get("metadata")).get("name"))
