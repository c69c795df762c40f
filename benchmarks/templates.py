"""Trial templates: objects rendered, conditions looked at."""

import time
from collections.abc import Callable, Iterator

from experiments import COMMANDS, experiment, text
from lines import Line, Wishes

from kagit import gjson, outcome, template
from repo_layout import read

COMPLETE = 'status.conditions.#(type=="Complete")#|#(status=="True")#'
FAILED = 'status.conditions.#(type=="Failed")#|#(status=="True")#'
JOB = {
    "kind": "Job",
    "status": {
        "conditions": [
            {"type": "SuccessCriteriaMet", "status": "True", "reason": "CompletionsReached"},
            {"type": "Complete", "status": "True", "reason": "CompletionsReached"},
        ],
        "succeeded": 1,
    },
}


def rendering(wishes: Wishes) -> Iterator[Line]:
    """The object of one trial from its template, and one condition looked at."""
    file = text(experiment("bench", command=COMMANDS["sh"], trials=3)).encode()
    one = read.file("bench.yaml", file).experiments[0].experiment.template
    point = {"x": "0.123456789"}
    count = wishes.of(20_000, 5000)
    wishes.progress("templates")
    seconds = _each(lambda: template.fill(one, trial="bench-1-0001", namespace="default", point=point), count)
    yield Line(name="trial template rendered", value=1 / seconds, unit="per CPU second", about=f"{count:,} times")
    path = gjson.compiled(COMPLETE)
    seconds = _each(lambda: gjson.first(path, JOB), count)
    about = f"`{COMPLETE}`; compiled once in {_each(lambda: gjson.compiled.__wrapped__(COMPLETE), 1000) * 1e6:.0f} µs"
    yield Line(name="condition looked at", value=seconds * 1e6, unit="µs CPU", about=about)
    seconds = _each(lambda: outcome.of(JOB, success=COMPLETE, failure=FAILED), count)
    yield Line(name="outcome of a trial's object", value=seconds * 1e6, unit="µs CPU", about="failure, then success")


def _each(do: Callable[[], object], count: int) -> float:
    """CPU seconds of one call."""
    begin = time.process_time()
    for _ in range(count):
        do()
    return (time.process_time() - begin) / count
