"""`kagit run`: one experiment here and now, without Git."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from kagit.errors import Refused, Unavailable
from kagit.filetree import FileTree
from kagit.findings import has_errors
from reconciler import settings, wiring
from reconciler.adapters.git_state import state_of
from reconciler.commands import session
from reconciler.shell import external, publish
from reconciler.world import Source, Wanted
from repo_layout import beside, read
from reports import site

TICK = 0.5


@session.stoppable()
def run(args: argparse.Namespace) -> int:
    """Run to the end, write the report, print where it is; 1 when the experiment failed or was refused."""
    wanted = _wanted(args.file)
    machine = settings.Machine(
        state=args.state, slots=args.slots, gpus=settings.devices(args.gpus), endpoints=tuple(args.suggestion_endpoint)
    )
    with wiring.engine(machine, here=Path.cwd()) as engine, session.display(engine) as display:
        spec = wanted.experiment
        if spec is None:
            raise Refused("; ".join(wanted.errors))
        title = (spec.namespace, spec.name)
        loop = engine.loop
        loop.say = display.say
        refusals = wiring.refusals({title: wanted}, loop.capacity, allowed=True, endpoints=machine.endpoints)
        refusals = refusals or external.objections({title: wanted}, engine.hands.connect)
        if title in refusals:
            raise Refused(f"{args.file}: {refusals[title]}")
        loop.keep(lambda ledger: (ledger.namespace, ledger.name) == title)
        known = loop.ledgers.get(title)
        if known is not None and known.run is not None and known.run.is_over:
            wanted = replace(wanted, after=known.run.number)
        loop.want({title: wanted}, refusals={})
        while not loop.quiet:
            loop.tick(timeout=TICK)
            display.show([loop.ledgers[title]])
        loop.finish()
        ledger = loop.ledgers[title]
        display.show([ledger], final=True)
        target = args.report or engine.state / "reports" / spec.namespace / spec.name
        data = publish.data(ledger, engine.hands, images=wiring.ignored_images)
        if data is not None:
            write(site.build(data), target)
            publish.mark(ledger, engine.hands)
    session.results([ledger])
    print(f"\nreport: {target / 'index.html'}")
    return session.exit_code([ledger])


def _wanted(path: Path) -> Wanted:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}; give the path of an Experiment manifest") from error
    alone = read.file(str(path), content)
    declared = read.together([alone, beside.config_maps([alone], [path])])
    for finding in declared.findings:
        print(finding, file=sys.stderr)
    if has_errors(declared.findings):
        raise Refused(f"{path} cannot be run; mend what is listed above")
    if len(declared.experiments) != 1:
        raise Refused(f"{path} declares {len(declared.experiments)} experiments; `run` takes a file with exactly one")
    here = Path.cwd()
    commit, clean = state_of(here)
    one = declared.experiments[0]
    source = Source(url=here.name, commit=commit, path=str(path), line=one.line, clean=clean)
    return Wanted(experiment=one.experiment, source=source)


def write(files: FileTree, directory: Path) -> None:
    """Write files below a directory, each whole or not at all."""
    try:
        for path, content in files.items():
            target = directory / path
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_name(f".{target.name}.part")
            part.write_bytes(content)
            part.replace(target)
    except OSError as error:
        raise Unavailable(f"report {error.filename}: {error.strerror}; give another place with --report") from error
