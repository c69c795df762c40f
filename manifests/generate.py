"""Writes manifests/ from the one table of fields and rules: `python -P manifests/generate.py`."""  # noqa: INP001 - a script beside the files that it writes

from pathlib import Path

from kagit.v1beta1.admission import crd, policies
from repo_layout import emit

FOLDER = Path(__file__).parent
HEAD = "# Written by `python -P manifests/generate.py`; changes by hand are overwritten.\n"


def files() -> dict[str, str]:
    """Every generated file by its path below this folder."""
    made = {f"crds/{kind.plural}.yaml": [crd.definition(kind)] for kind in crd.KINDS.values()}
    for body in policies.objects():
        made.setdefault(f"policies/{body['metadata']['name']}.yaml", []).append(body)
    for folder in ("crds", "policies"):
        made[f"{folder}/kustomization.yaml"] = [_kustomization(_names(made, folder))]
    made["kustomization.yaml"] = [_kustomization(["crds", "policies"])]
    return {path: HEAD + "---\n".join(map(emit.dump, bodies)) for path, bodies in made.items()}


def _names(made: dict[str, list[dict[str, object]]], folder: str) -> list[str]:
    return [path.removeprefix(f"{folder}/") for path in made if path.startswith(f"{folder}/")]


def _kustomization(resources: list[str]) -> dict[str, object]:
    return {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": resources}


if __name__ == "__main__":
    for name, text in files().items():
        (FOLDER / name).parent.mkdir(exist_ok=True)
        (FOLDER / name).write_text(text, encoding="utf-8")
