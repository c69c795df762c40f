"""Scripts of behaviour: commands after `> `, below each what kagit then said and did; see scripts/README.md."""

import shlex
from collections.abc import Iterator

from kagit.conditions import last_true
from kagit.shapes import at
from kagit.v1beta1.pieces import conditions_in
from reconciler.ports import Work
from tests.sim.executor_scripted import Script, ScriptedExecutor
from tests.sim.universe import START, Crash, Universe, argument, manifest

LISTED = {"trials": int, "parallel": int, "failed": int, "goal": float, "top": str, "resume": str, "algorithm": str,
          "onchange": str, "step": str, "stopping": str}  # fmt: skip
WISHES = ("max-duration", "suspend", "retries", "reuse-results", "stop-trials-at-end", "stop-without-gain")
HABITS = {
    "well": {},
    "fails": {"exit_code": 3, "output": b"boom\n"},
    "silently": {"output": b"nothing to see\n"},
    "nan": {"output": b"loss=nan\n"},
    "deaf": {"ignores_term": True, "grace": 2.0, "seconds": 60.0},
    "slowly": {"seconds": 60.0},
    "evicted": {"reason": "Evicted", "message": "the node was low on memory", "exit_code": 137, "output": b""},
    "missing": {"reason": "StartError", "message": "no such command: train", "output": b""},
}


class Teller:
    """Plays the commands of one script and tells what came of each."""

    def __init__(self) -> None:
        self.universe = Universe(self._habit, slots=2)
        self.habits: dict[str, str] = {}
        self.commits: dict[str, str] = {}
        self.seen: dict[tuple, str] = {}
        self.tip = ""
        self.running: list[str] = []
        self.foreign = 0

    def _habit(self, work: Work) -> Script:
        x = argument(work)
        usual = {"seconds": 1.0, "output": f"loss={x * x:.3f}\n".encode()}
        number = work.trial.rpartition("-")[2].lstrip("0") or "0"
        habit = self.habits.get(work.name) or self.habits.get(f"{work.trial}") or self.habits.get(number, "well")
        if habit == "curve":  # a report every half second, going down to the usual result
            lines = tuple((0.5 * (n + 1), f"loss={x * x + 0.5**n:.3f}\n".encode()) for n in range(6))
            return Script(seconds=3.1, output=lines)
        return Script(**{**usual, **HABITS[habit]})

    def play(self, line: str) -> Iterator[str]:
        """Do one command; yields what happened, a line each."""
        command, *words = shlex.split(line)
        getattr(self, f"do_{command}")(*words)
        yield from self.drain()

    # ------------------------------------------------------------------------------------------------- commands

    def do_slots(self, count: str) -> None:
        """`slots 1`: how much may run at once."""
        self.universe.slots = int(count)

    def do_push(self, place: str, *wishes: str) -> None:
        """`push a trials=4 parallel=2`: a manifest appears or is replaced."""
        self.universe.push({path(place): self._body(place, dict(one.split("=") for one in wishes))})

    def _body(self, place: str, given: dict[str, str]) -> dict:
        space, _, name = place.rpartition("/")
        want = {key: LISTED[key](value) for key, value in given.items() if key not in WISHES}
        body = manifest(
            name,
            trials=want.get("trials", 2),
            parallel=want.get("parallel", 2),
            algorithm=want.get("algorithm", "random"),
        )
        spec = body["spec"]
        if space:
            body["metadata"]["namespace"] = space
        if "failed" in want:
            spec["maxFailedTrialCount"] = want["failed"]
        if "goal" in want:
            spec["objective"]["goal"] = want["goal"]
        if "resume" in want:
            spec["resumePolicy"] = want["resume"]
        notes = {f"kagit.dev/{key}": given[key] for key in WISHES if key in given}
        if "onchange" in want:
            notes["kagit.dev/on-spec-change"] = want["onchange"]
        if notes:
            body["metadata"]["annotations"] = notes
        if "stopping" in want:  # judged after two reports, once two have succeeded
            settings = [{"name": "min_trials_required", "value": "2"}, {"name": "start_step", "value": "2"}]
            spec["earlyStopping"] = {"algorithmName": want["stopping"], "algorithmSettings": settings}
        feasible = spec["parameters"][0]["feasibleSpace"]
        feasible |= {key: value for key, value in (("max", want.get("top")), ("step", want.get("step"))) if value}
        return body

    def do_remove(self, *places: str) -> None:
        """`remove a b`: manifests vanish from the repository."""
        self.universe.push({path(place): None for place in places})

    def do_break(self, place: str) -> None:
        """`break a`: a manifest is YAML no more."""
        self.universe.push({path(place): "spec: [\n"})

    def do_foreign(self) -> None:
        """`foreign`: somebody pushes a file that is no manifest."""
        self.foreign += 1
        self.universe.push({"notes.txt": str(self.foreign)})

    def do_race(self) -> None:
        """`race`: somebody pushes just before kagit does, once."""
        repo = self.universe.follower.repo._real
        push = repo.push

        def racing(**given) -> None:
            repo.push = push
            self.do_foreign()
            push(**given)

        repo.push = racing

    def do_trial(self, number: str, habit: str) -> None:
        """`trial 3 fails`, or `trial a-1-0003 fails`: how a trial will go."""
        assert habit == "curve" or habit in HABITS, f"habits are {sorted([*HABITS, 'curve'])}"
        self.habits[number] = habit

    def do_tick(self, seconds: str) -> None:
        """`tick 1.5`: so many seconds pass."""
        until = self.universe.clock.now() + float(seconds)
        while self.universe.clock.now() < until - 1e-6:
            self._step()

    def do_wait(self) -> None:
        """`wait`: until everything is over, quiet and reported, at most ten minutes."""
        least = self.universe.clock.now() + 1.5
        for _ in range(2400):
            if self._step() and self.universe.clock.now() >= least:
                return
        raise AssertionError("it is never quiet")

    def _step(self) -> bool:
        try:
            return self.universe.step()
        except Crash:
            self.do_crash()
            return False

    def do_crash(self) -> None:
        """`crash`: kill -9 of the reconciler; its trials go on running, and the next tick starts a new one."""
        self.universe.crashed()

    def do_interrupt(self) -> None:
        """`interrupt`: Ctrl-C; the reconciler stops its trials and ends."""
        self.universe.follower.loop.finish()
        ScriptedExecutor(self.universe.machine).close()
        self.universe.follower = None

    def do_lose(self) -> None:
        """`lose`: the machine goes down; what ran is lost, and nobody knows how it would have ended."""
        self.universe.machine.lose()
        self.universe.crashed()

    def do_plan(self) -> None:
        """`plan`: why nothing happens now."""
        for ledger in self.universe.follower.shown():
            self.universe.said.append(f"{ledger.title} waits: {', '.join(ledger.waiting) or 'for nothing'}")

    # ------------------------------------------------------------------------------------------------ what happened

    def drain(self) -> Iterator[str]:
        """What changed since the last command."""
        yield from self._objects()
        for line in self.universe.said:
            if not line.startswith("report committed"):
                yield f"said: {self._plain(line)}"
        self.universe.said.clear()
        yield from self._commits()
        yield from self._ends()

    def _plain(self, line: str) -> str:
        for commit, name in self.commits.items():
            line = line.replace(commit[:12], name)
        return line

    def _objects(self) -> Iterator[str]:
        present: dict[tuple, str] = {}
        for kind, words in (("Experiment", _experiment), ("Trial", _trial)):
            for body in self.universe.objects(kind):
                meta = body["metadata"]
                present[kind, meta["namespace"], meta["name"]] = words(body)
        for key, text in present.items():
            if self.seen.get(key) != text:
                yield f"{_title(key)}: {text}"
        for key in self.seen:
            if key not in present:
                yield f"{_title(key)}: deleted"
        self.seen = present

    def _commits(self) -> Iterator[str]:
        remote, new = self.universe.remote, []
        tip = remote.refs.get("refs/heads/main", "")
        at_ = tip
        while at_ and at_ != self.tip:
            new.append(at_)
            at_ = remote.commits[at_].parent
        for commit in reversed(new):
            self.commits[commit] = f"c{len(self.commits) + 1}"
            subject = remote.commits[commit].message.partition("\n")[0]
            yield f"commit {self.commits[commit]}: {subject}"
        self.tip = tip

    def _ends(self) -> Iterator[str]:
        running = sorted(self.universe.machine.running())
        if self.running != running:
            self.running = running
            yield f"running now: {', '.join(running) or 'nothing'}"


def _title(key: tuple) -> str:
    kind, space, name = key
    return f"{kind.lower()} {name}" if space == "default" else f"{kind.lower()} {space}/{name}"


def _experiment(body: dict) -> str:
    status = body.get("status", {})
    last = last_true(conditions_in(status.get("conditions")))
    run = at(body, "metadata", "annotations", "kagit.dev/run")
    counts = {
        "waiting": "trialsPending",
        "running": "trialsRunning",
        "succeeded": "trialsSucceeded",
        "failed": "trialsFailed",
        "without metrics": "trialMetricsUnavailable",
        "killed": "trialsKilled",
        "stopped early": "trialsEarlyStopped",
    }
    said = [f"{status.get(key)} {word}" for word, key in counts.items() if status.get(key)]
    best = at(status, "currentOptimalTrial", "bestTrialName")
    reason = last.reason.removeprefix("Experiment") if last is not None else ""
    word = f"{last.type} ({reason})" if last is not None and reason != last.type else last.type if last else "new"
    limit = body["spec"].get("maxTrialCount", "any number")
    return f"run {run}, {word}, of {limit} trials {', '.join(said) or 'none'}{f'; best {best}' if best else ''}"


def _trial(body: dict) -> str:
    status = body.get("status", {})
    last = last_true(conditions_in(status.get("conditions")))
    phase = last.type if last is not None else "Created"
    source = at(body, "metadata", "annotations", "kagit.dev/result-of")
    attempt = f", attempt {status['attempt']}" if status.get("attempt", 1) > 1 else ""
    latest = [f", {one['name']} {one['latest']}" for one in at(status, "observation", "metrics") or []]
    why = (
        status.get("message", "")
        if phase == "Created"
        else last.message
        if phase in {"Failed", "MetricsUnavailable"}
        else ""
    )
    source = f", result of {source}" if source else ""
    return f"{phase}{attempt}{source}{''.join(latest)}{f' ({why})' if why else ''}"


def path(place: str) -> str:
    """The file of an experiment."""
    return f"experiments/{place.replace('/', '-')}.yaml"


def told(text: str, teller: Teller | None = None) -> str:
    """A script played anew: its commands and comments, with what happens now."""
    teller, lines = teller or Teller(), []
    for line in text.splitlines():
        if line.startswith("> "):
            lines.append(line)
            began = teller.universe.clock.now() - START
            happened = list(teller.play(line[2:]))
            ended = teller.universe.clock.now() - START
            clock = f"    [{ended:.2f} s]" if ended != began else ""
            lines += [f"    {one}" for one in happened]
            if clock:
                lines.append(clock)
        elif not line.startswith("    "):
            lines.append(line)
    return "\n".join(lines) + "\n"
