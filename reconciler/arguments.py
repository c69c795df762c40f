"""The whole command line as a value, with examples for every command."""

import argparse
import os
from pathlib import Path

import kagit
from kagit import names

_OUTPUT = ("table", "json", "yaml")


def parser() -> argparse.ArgumentParser:
    """The whole command line as a value: help, completion and the reference page are made from it."""
    top = argparse.ArgumentParser(
        prog="kagit",
        description="Hyperparameter tuning through Git: push an Experiment, get a committed report.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n  kagit init my-tuning\n  kagit run experiments/mnist.yaml\n"
        "  kagit reconcile --repo https://git.example.com/team/tuning.git --allow-local-execution",
    )
    top.add_argument("--version", action="version", version=f"kagit {kagit.__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _files(commands)
    _engine(commands)
    _serving(commands)
    _looking(commands)
    _answering(commands)
    _inside(commands)
    return top


# argparse has no public name for it
_Commands = argparse._SubParsersAction  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def _add(
    commands: "_Commands[argparse.ArgumentParser]", name: str, text: str, *examples: str
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n" + "\n".join(f"  kagit {example}" for example in examples),
    )


def _files(commands: "_Commands[argparse.ArgumentParser]") -> None:
    one = _add(commands, "init", "scaffold a repository for experiments and reports", "init", "init my-tuning")
    one.add_argument("directory", metavar="DIR", nargs="?", default=Path(), type=Path, help="where (default: here)")
    one = _add(
        commands,
        "validate",
        "list what is wrong with manifests, as file:line:column: message [slug]",
        "validate experiments/",
        "validate --format github .",
    )
    one.add_argument("paths", metavar="PATH", nargs="+", type=Path, help="files or directories (searched for *.yaml)")
    one.add_argument("--format", choices=("text", "github", "json"), default="text", help="default: text")
    one = _add(
        commands,
        "fmt",
        "write manifests in normal form: keys in order, comments kept, nothing that YAML readers take differently",
        "fmt experiments/",
        "fmt --check --diff .",
        "fmt - < mnist.yaml",
    )
    one.add_argument(
        "paths", metavar="PATH", nargs="+", type=Path, help="files or directories (searched for *.yaml), - for stdin"
    )
    one.add_argument("--check", action="store_true", help="write nothing; exit code 1 when a file would change")
    one.add_argument("--diff", action="store_true", help="write nothing; print what would change")
    one = _add(
        commands,
        "schema",
        "print what editors and API servers hold manifests to",
        "schema experiment > experiment.schema.json",
        "schema --crd > crds.yaml",
        "schema policies > policies.yaml",
    )
    one.add_argument(
        "of",
        metavar="experiment|suggestion|trial|settings|policies",
        nargs="?",
        default="all",
        choices=("experiment", "suggestion", "trial", "settings", "policies", "all"),
        help="settings is .kagit.yaml, policies are for the API server (default: experiment, or all with --crd)",
    )
    one.add_argument("--crd", action="store_true", help="a CustomResourceDefinition instead of a JSON Schema")
    one.add_argument(
        "--output", "-o", choices=("json", "yaml"), default="", help="default: json, or yaml for what a server takes"
    )
    one = _add(commands, "completion", "print a completion script for a shell", "completion bash > ~/.kagit.bash")
    one.add_argument("shell", choices=("bash", "zsh", "tcsh"))


def _engine(commands: "_Commands[argparse.ArgumentParser]") -> None:
    one = _add(
        commands,
        "run",
        "run one experiment here and now, without Git",
        "run experiments/mnist.yaml",
        "run experiments/mnist.yaml --report out --slots 4",
    )
    one.add_argument("file", metavar="FILE.yaml", type=Path)
    one.add_argument(
        "--report", metavar="DIR", type=Path, help="where the report goes (default: in the state directory)"
    )
    _local(one)
    one = _add(
        commands,
        "plan",
        "say what a reconcile would do; exit code 2 when it would change something",
        "plan --repo . --base main",
        "plan --repo https://git.example.com/team/tuning.git --ref feature",
    )
    one.add_argument("--repo", metavar="URL", required=True, help="repository: URL or local directory")
    one.add_argument("--ref", metavar="REF", default="", help="branch to plan for (default: the repository's HEAD)")
    one.add_argument(
        "--base", metavar="REF", default="", help="compare with this branch instead of the state directory"
    )
    _local(one)
    _output(one)
    one = _add(
        commands,
        "reconcile",
        "the loop: read the repository, run experiments, commit and push reports",
        "reconcile --repo . --once",
        "reconcile --repo https://git.example.com/team/tuning.git --allow-local-execution",
    )
    one.add_argument("--repo", metavar="URL", required=True, help="repository: URL or local directory")
    one.add_argument("--branch", metavar="B", default="", help="branch to follow (default: the repository's HEAD)")
    one.add_argument("--once", action="store_true", help="end when every experiment is over and reported")
    one.add_argument("--interval", metavar="TIME", default="60s", help="how often to look for pushes (default: 60s)")
    one.add_argument("--push", action=argparse.BooleanOptionalAction, default=True, help="push report commits")
    one.add_argument(
        "--allow-local-execution",
        action="store_true",
        help="let a remote repository run commands on this machine: whoever can push to it then can",
    )
    one.add_argument(
        "--allow-mass-deletion", action="store_true", help="delete even when most manifests vanished at once"
    )
    _local(one)


def _serving(commands: "_Commands[argparse.ArgumentParser]") -> None:
    one = _add(
        commands,
        "serve-suggestions",
        "answer a Katib controller with kagit's algorithms, over Katib's gRPC",
        "serve-suggestions",
        "serve-suggestions --address 0.0.0.0:6789",
    )
    one.add_argument(
        "--address",
        metavar="HOST:PORT",
        default="127.0.0.1:6789",
        help="where to listen, without TLS or login (default: 127.0.0.1:6789)",
    )


def _looking(commands: "_Commands[argparse.ArgumentParser]") -> None:
    one = _add(commands, "get", "list objects", "get experiments", "get trials --experiment mnist --output json")
    one.add_argument("what", type=_plural, choices=("experiments", "trials", "suggestions"))
    one.add_argument("name", metavar="NAME", nargs="?", default="", help="only this one (in the namespace default)")
    one.add_argument("--experiment", metavar="NAME", default="", help="only those of this experiment")
    one.add_argument("--namespace", "-n", metavar="NS", default="", help="only those in this namespace")
    _state(one)
    _output(one, "wide", "name")
    one = _add(commands, "describe", "show one object with its effective spec and history", "describe experiment mnist")
    one.add_argument("what", choices=("experiment", "trial", "suggestion"))
    one.add_argument("name", metavar="NAME")
    one.add_argument("--run-spec", action="store_true", help="of a trial: only the object that it runs, as YAML")
    one.add_argument("--namespace", "-n", metavar="NS", default="default", help="default: default")
    _state(one)
    _output(one)
    one = _add(
        commands,
        "logs",
        "print what a trial has printed",
        "logs mnist-1-0003",
        "logs -f mnist-1-0003",
        "logs mnist-1-0003 -c worker-1",
    )
    one.add_argument("trial", metavar="TRIAL")
    one.add_argument("--namespace", "-n", metavar="NS", default="default", help="default: default")
    one.add_argument("--follow", "-f", action="store_true", help="go on until the trial is over")
    one.add_argument("--tail", metavar="N", type=int, default=-1, help="only the last N lines")
    one.add_argument("--container", "-c", metavar="NAME", default="", help="another container or pod of the trial")
    _state(one)


def _answering(commands: "_Commands[argparse.ArgumentParser]") -> None:
    one = _add(
        commands,
        "replay",
        "ask for every point of an experiment's latest run again, and compare; exit code 1 when one differs",
        "replay mnist",
        "replay mnist --all",
        "replay mnist --output json",
    )
    one.add_argument("experiment", metavar="EXPERIMENT")
    one.add_argument("--all", action="store_true", help="list every suggestion, not only those that differ")
    one.add_argument("--namespace", "-n", metavar="NS", default="default", help="default: default")
    _state(one)
    _output(one)
    one = _add(
        commands,
        "query",
        "ask the metrics store in SQL, read-only, also while a reconciler runs",
        "query \"SELECT trial, min(value) FROM readings WHERE metric = 'loss' GROUP BY trial\"",
        'query --output json "DESCRIBE readings"',
    )
    one.add_argument("sql", metavar="SQL")
    _state(one)
    _output(one)


def _inside(commands: "_Commands[argparse.ArgumentParser]") -> None:
    one = _add(
        commands,
        "report-metric",
        "inside a trial whose metrics collector is Push or Custom: say the value of metrics",
        "report-metric loss=0.5 accuracy=0.9",
        "report-metric loss=0.5 --timestamp 2024-03-04T17:55:08Z",
    )
    one.add_argument("values", metavar="NAME=VALUE", nargs="+")
    one.add_argument("--timestamp", metavar="T", default="", help="RFC 3339 or seconds since 1970 (default: now)")
    one.add_argument(
        "--file",
        metavar="FILE",
        default=os.environ.get(names.ENV_METRICS_FILE, ""),
        help=f"where it is reported (default: ${names.ENV_METRICS_FILE}, which a trial has)",
    )
    one.set_defaults(trial=os.environ.get(names.ENV_TRIAL_NAME, ""))


def _state(one: argparse.ArgumentParser) -> None:
    one.add_argument(
        "--state",
        metavar="DIR",
        type=Path,
        default=Path(os.environ.get("KAGIT_STATE", ".kagit")),
        help="state directory (default: $KAGIT_STATE or .kagit)",
    )


def _local(one: argparse.ArgumentParser) -> None:
    _state(one)
    one.add_argument(
        "--slots", metavar="N", type=int, default=0, help="trials at once on this machine (default: its cores)"
    )
    one.add_argument("--gpus", metavar="LIST", default="", help="devices to give out, e.g. 0,1 (default: those found)")
    one.add_argument(
        "--suggestion-endpoint",
        metavar="HOST:PORT",
        action="append",
        default=[],
        help="a suggestion service that experiments may ask; give it once for each (default: none)",
    )


def _output(one: argparse.ArgumentParser, *more: str) -> None:
    one.add_argument("--output", "-o", choices=(*_OUTPUT, *more), default="table", help="default: table")


def _plural(what: str) -> str:
    """`experiment` for `experiments`, as kubectl takes it."""
    return what if what.endswith("s") else f"{what}s"
