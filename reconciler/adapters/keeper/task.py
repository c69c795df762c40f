"""One process of a group: a container of a pod."""

import os

from reconciler.adapters.keeper import endings, late, processes
from reconciler.adapters.keeper.attempt import NEVER
from reconciler.adapters.keeper.journal import Record

LAST_BLOCK, LAST_LINE = 4096, 200
_SHOWN = 1 << 20


class Task:
    """A container and its process, if it runs.

    Its role says what its end means. `init`: the next one may start; `beside`: it is started again, and ended with the
    pod; `main`: the pod is over when all have ended well; `after`: as main, but it is told to end when they have.
    """

    __slots__ = ("_spec", "cut", "name", "output", "pid", "problem", "retry_at", "role", "status", "too_large", "tries")

    def __init__(self, spec: Record) -> None:
        """Nothing happens yet. An empty `output` is the attempt's own."""
        self._spec = spec
        self.name, self.role, self.output = spec["name"], spec["role"], spec["output"]
        self.tries = 0
        self.reset()

    def reset(self) -> None:
        """As if it had never run."""
        self.pid, self.status, self.problem = 0, -1, ""
        self.retry_at = NEVER
        self.cut = self.too_large = False

    @property
    def fresh(self) -> bool:
        """Whether it has not been started and does not wait for another try."""
        return not self.pid and self.status < 0 and not self.problem and self.retry_at == NEVER

    @property
    def good(self) -> bool:
        """Whether it has ended as it should: by itself with 0, or because it was told to."""
        return not self.pid and (self.status == 0 or (self.cut and self.status >= 0))

    @property
    def texts(self) -> list[str]:
        """All that is filled in before it starts."""
        return [*self._spec["argv"], *self._spec["env"].values()]

    @property
    def memory(self) -> int:
        """Bytes that its processes may take together, 0 for no limit."""
        return int(self._spec["memory"])

    def start(self, logs: str, fill: "Fill") -> None:
        """Start its process; what keeps it from starting is kept as `problem`."""
        self.reset()
        self.tries += 1
        argv = [fill(word) for word in self._spec["argv"]]
        cwd = fill(self._spec["cwd"])
        environment = {**fill.environment, **{name: fill(value) for name, value in self._spec["env"].items()}}
        try:
            output = self._open(logs)
        except OSError as error:
            self.problem = f"its output could not be opened: {error.strerror}"
            return
        stdout = self._capture(fill)
        try:
            os.chdir(cwd)
            self.pid = processes.spawn(argv, environment, output, stdout=stdout, session=False)
            if self.memory:
                processes.limit_memory(self.pid, self.memory)
        except (OSError, ValueError) as error:
            self.problem = endings.start_error(error, argv[0], cwd)
        finally:
            for descriptor in {output, stdout} - {-1}:
                os.close(descriptor)
            os.chdir("/")

    def _capture(self, fill: "Fill") -> int:
        """Where its standard output goes if another pod reads it; -1 for where all its output goes."""
        if not self._spec["stdout"]:
            return -1
        return os.open(fill(self._spec["stdout"]), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)

    def show(self, logs: str, fill: "Fill") -> None:
        """Put into its output, too, what another pod reads of it."""
        if self._spec["stdout"]:
            with open(fill(self._spec["stdout"]), "rb") as file:  # noqa: PTH123 - pathlib costs start-up time
                printed = file.read(_SHOWN)
            output = self._open(logs)
            try:
                os.write(output, printed)
            finally:
                os.close(output)

    def _open(self, logs: str) -> int:
        if not self.output:
            return os.dup(1)
        return os.open(f"{logs}/{self.output}.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def signal(self, number: int) -> None:
        """Signal all of its process group."""
        if self.pid:
            processes.send(self.pid, number)

    def last_line(self, logs: str) -> str:
        """What it printed last, for a message; empty for the attempt's own output, which is read elsewhere."""
        if not self.output:
            return ""
        try:
            with open(f"{logs}/{self.output}.log", "rb") as file:  # noqa: PTH123 - pathlib costs start-up time
                file.seek(max(0, os.fstat(file.fileno()).st_size - LAST_BLOCK))
                text = file.read().decode("utf-8", "replace")
        except OSError:
            return ""
        lines = ["".join(c if c.isprintable() else " " for c in line).strip() for line in text.split("\n")]
        return next((line for line in reversed(lines) if line), "")[:LAST_LINE]


class Fill:
    """Puts into texts what is only known on the spot: the scratch directory, the ports, what earlier pods have left."""

    __slots__ = ("_words", "base", "environment")

    def __init__(self, environment: dict[str, str], scratch: str, ports: dict[str, int]) -> None:
        """`environment` is what every task inherits, `base` the scratch directory."""
        self.environment, self.base = environment, scratch
        self._words = [(f"\0{name}\0", str(number)) for name, number in ports.items()] + [("\0", scratch)]

    def __call__(self, text: str) -> str:
        """The text as it is meant."""
        if "\0" in text:
            for mark, word in self._words:
                text = text.replace(mark, word)
        return late.filled(text, self.base)
