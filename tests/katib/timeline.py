"""What a client that watches Experiment, Suggestion and Trials sees: every change of their conditions, in order."""

from collections.abc import Iterator

from kagit.shapes import at, sequence
from tests.sim.script import Teller

KINDS = ("Experiment", "Suggestion", "Trial")
WRITES = ("create", "patch", "delete")


class Watched:
    """The cluster, with everything that is written to it told to whoever watches."""

    def __init__(self, real, seen) -> None:
        self._real, self._seen = real, seen

    def __getattr__(self, name):
        found = getattr(self._real, name)
        if name not in WRITES:
            return found

        def write(*args, **kwargs):
            written = found(*args, **kwargs)
            self._seen(written or {"kind": kwargs.get("kind"), "metadata": kwargs, "deleted": True})
            return written

        return write


class Witness(Teller):
    """Plays a script like the simulator's; tells what was seen of conditions instead of how it all stands."""

    def __init__(self) -> None:
        super().__init__()
        self.universe.cluster = Watched(self.universe.cluster, self._seen)
        self.conditions: dict[tuple[str, str], dict[str, dict]] = {}
        self.lines: list[str] = []

    def _seen(self, body: dict) -> None:
        kind, name = body.get("kind"), at(body, "metadata", "name")
        if kind not in KINDS:
            return
        if body.get("deleted"):
            self.lines.append(f"{kind.lower()} {name}: deleted")
            self.conditions.pop((kind, name), None)
            return
        now = {one["type"]: one for one in sequence(at(body, "status", "conditions"))}
        before = self.conditions.get((kind, name), {})
        self.conditions[kind, name] = now
        if [facts(one) for one in now.values()] == [facts(one) for one in before.values()]:
            return
        said = ", ".join(f"{type_} {one['status'][0]}" for type_, one in now.items())
        self.lines.append(f"{kind.lower()} {name}: {said or 'no conditions'}{more(body)}")
        for type_, one in now.items():
            if facts(one) != facts(before.get(type_, {})):
                self.lines.append(f"    {type_} {one['status'][0]}: {one['reason']} | {one['message']}")

    def drain(self) -> Iterator[str]:
        """What was seen since the last command."""
        yield from self.lines
        self.lines.clear()
        yield from (f"said: {line}" for line in self.universe.said if not line.startswith("report committed"))
        self.universe.said.clear()


def facts(condition: dict) -> tuple:
    """A condition without its times."""
    return tuple(condition.get(key) for key in ("type", "status", "reason", "message"))


def more(body: dict) -> str:
    """What else a client waits for."""
    status = body.get("status", {})
    match body["kind"]:
        case "Suggestion":
            return f" ({body['spec']['requests']} wanted, {status['suggestionCount']} given)"
        case "Experiment" if best := at(status, "currentOptimalTrial", "bestTrialName"):
            return f" (best {best}{', completed' if status.get('completionTime') else ''})"
        case _:
            return " (completed)" if status.get("completionTime") else ""
