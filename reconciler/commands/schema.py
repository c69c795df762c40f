"""`kagit schema`: what editors and API servers hold files and objects to, generated from the one table of fields."""

import argparse
import json

from kagit.errors import Refused
from kagit.experiment import Json
from kagit.v1beta1.admission import crd, policies
from repo_layout import emit, settings_schema

_KINDS = {name.lower(): kind for name, kind in crd.KINDS.items()}


def run(args: argparse.Namespace) -> int:
    """Print JSON Schemas, CustomResourceDefinitions or admission policies."""
    if args.crd and args.of in {"policies", "settings"}:
        raise Refused(f"{args.of} are no kind of object; leave out --crd")
    if args.of == "policies":
        found = policies.objects()
    elif args.of == "settings":
        found = [settings_schema.json_schema()]
    elif args.crd:
        found = [crd.definition(kind) for name, kind in _KINDS.items() if args.of in {name, "all"}]
    else:
        found = [crd.json_schema(_KINDS["experiment" if args.of == "all" else args.of])]
    for_a_server = args.crd or args.of == "policies"
    print(_written(found, output=args.output or ("yaml" if for_a_server else "json")), end="")
    return 0


def _written(found: list[Json], *, output: str) -> str:
    if output == "yaml":
        return "---\n".join(map(emit.dump, found))
    one = found[0] if len(found) == 1 else {"apiVersion": "v1", "kind": "List", "items": found}
    return json.dumps(one, indent=2, ensure_ascii=False) + "\n"
