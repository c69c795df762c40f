"""What the operator decides on the command line, as a value."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from kagit.errors import Refused
from kagit.wishes import endpoint

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One machine's state directory and what it may run at once; zero slots mean as many as there are cores.

    `endpoints` are the suggestion services (host:port) that experiments may ask.
    """

    state: Path
    slots: int = 0
    gpus: tuple[str, ...] | None = None
    endpoints: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refused for a number of slots that means nothing."""
        if self.slots < 0:
            raise Refused(f"--slots is {self.slots}; give at least 1, or leave it out for one per core")
        for address in self.endpoints:
            if not endpoint(address):
                raise Refused(
                    f"--suggestion-endpoint {address!r} is no address; give a host and a port, like tuner:6789"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """How a repository is followed."""

    url: str
    branch: str = ""
    once: bool = False
    interval: float = 60.0
    push: bool = True
    allow_local_execution: bool = False
    allow_mass_deletion: bool = False
    machine: Machine = field(default_factory=lambda: Machine(state=Path(".kagit")))


def seconds(text: str) -> float:
    """A time like `500ms`, `60s`, `5m` or `1h` in seconds; Refused for anything else."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)", text.strip())
    if found is None or float(found[1]) <= 0:
        raise Refused(f"{text!r} is not a time; write for example 500ms, 60s, 5m or 1h")
    return float(found[1]) * _UNITS[found[2]]


def devices(text: str) -> tuple[str, ...] | None:
    """The list of `--gpus`; None where it was not given, so that they are detected; `none` means no device."""
    if not text:
        return None
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    if names == ("none",):
        return ()
    for name in names:
        if re.fullmatch(r"[A-Za-z0-9:/_-]+", name) is None:
            raise Refused(f"--gpus has {name!r}; give device numbers or UUIDs, like 0,1")
    if len(set(names)) != len(names):
        raise Refused("--gpus names a device twice; name each once")
    return names
