"""Experiments as hasty people write them: any order, any indentation, any style of text, comments everywhere.

A comment above a key says `# above NAME`, one behind a value `# behind NAME`, so that a test sees where it went.
"""

import json
import random

WORDS = ["0.1", "5", "1e-3", "012", "n", "on", "0x1F", "a b", "", "x: y", "x #y", "é", "1:30", "2024-01-02", "-", "a'b"]
BARE = [
    "0.1",
    "5",
    "1e-3",
    "1_000",
    "yes",
    "off",
    "text",
    "a b",
    "null",
    "~",
    "1:30",
    "2024-01-02",
    "0o17",
    ".5",
    "x:y",
]
SCRIPTS = ["set -e\necho  # no comment\n", "a\n\n  deep\nb", "one\n", "a\n\n\n", "#!/bin/sh\nexit 0\n"]


class Raw(str):
    """Text that stands in the file without quotes."""

    __slots__ = ()


def experiment(chance, *, bare):
    """A manifest's value: what Katib knows, and free objects below trialSpec; numbers for text where `bare`."""
    space = [
        {
            "name": f"p{i}",
            "parameterType": chance.choice(["int", "double"]),
            "feasibleSpace": {
                "min": Raw(chance.choice(BARE[:3])) if bare else "1",
                "max": chance.choice(["5", Raw("5"), Raw("012")]) if bare else "5",
            },
        }
        for i in range(chance.randint(1, 3))
    ]
    return {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "Experiment",
        "metadata": {"name": "messy", "labels": {f"l{i}": chance.choice(WORDS) for i in range(chance.randint(1, 3))}},
        "spec": {
            "objective": {
                "type": "minimize",
                "objectiveMetricName": "loss",
                "goal": Raw(chance.choice(["1e-3", "0.1"])),
            },
            "algorithm": {"algorithmName": "random"},
            "maxTrialCount": Raw(chance.choice(["1_0", "10", "0o12"])),
            "parameters": space,
            "trialTemplate": {
                "retain": Raw(chance.choice(["yes", "true", "off"])),
                "trialParameters": [{"name": "a", "reference": "p0"}],
                "trialSpec": free(chance, 4),
            },
        },
    }


def free(chance, depth):
    """Some object of somebody else."""
    kind = chance.randint(0, 9)
    if depth and kind < 5:
        return {f"k{i}": free(chance, depth - 1) for i in range(chance.randint(1, 3))}
    if depth and kind < 8:
        return [free(chance, depth - 1) for _ in range(chance.randint(1, 3))]
    return chance.choice([*map(Raw, BARE), *WORDS, *SCRIPTS, {}, []])


class Writer:
    """Writes a value; `chance` decides how."""

    def __init__(self, chance):
        self.chance = chance
        self.count = 0

    def likely(self, percent):
        return self.chance.randint(1, 100) <= percent

    def document(self, value):
        lines = self.block(value, 0, "root")
        if self.likely(30):
            lines = ["# header", "", *lines]
        if self.likely(30):
            lines += ["", "# the end"]
        return "\n".join(lines) + ("\n" if self.likely(80) else "")

    def block(self, value, indent, about):
        """Lines of a mapping or list that is not empty."""
        pad, lines = " " * indent, []
        entries = list(value.items()) if isinstance(value, dict) else [(None, item) for item in value]
        if isinstance(value, dict) and self.likely(70):
            self.chance.shuffle(entries)
        for key, item in entries:
            self.count += 1
            name = f"{about}.{key or 'item'}-{self.count}"
            if self.likely(15):
                lines.append("")
            if self.likely(25):
                lines.append(f"{pad}# above {name}")
            lines += self.entry(key, item, indent, name)
        if self.likely(10):
            lines.append(f"{pad}# below {about}-{self.count}")
        return lines

    def entry(self, key, item, indent, name):
        pad = " " * indent
        head = pad + ("-" if key is None else f"{json.dumps(key) if self.likely(10) else key}:")
        behind = f"{self.chance.choice([' ', '   '])}# behind {name}" if self.likely(20) else ""
        if not isinstance(item, dict | list) or not item:
            return self.leaf(head, item, indent, behind)
        if self.likely(15) and flat(item):
            return [f"{head} {self.flow(item)}{behind}"]
        deeper = indent + self.chance.choice([2, 2, 3, 4, 8])
        if key is not None and isinstance(item, list) and self.likely(40):
            deeper = indent
        lines = self.block(item, deeper, name)
        if key is None and not behind and self.likely(80) and not lines[0].lstrip().startswith("#") and lines[0]:
            return [head + " " * (deeper - indent - 1) + lines[0].lstrip(), *lines[1:]]
        return [head + behind, *lines]

    def leaf(self, head, item, indent, behind):
        if isinstance(item, str) and "\n" in item and self.likely(80):
            deeper = " " * (indent + self.chance.choice([1, 2, 4]))
            ends = len(item) - len(item.rstrip("\n"))
            header = "|" + ("-" if not ends else "+" if ends > 1 else "")
            return [
                f"{head} {header}{behind}",
                *(deeper + line if line else "" for line in item.rstrip("\n").split("\n")),
            ] + ["" for _ in range(ends - 1)]
        text = self.scalar(item)
        if text.startswith('"') and " " in text[2:-2] and "\\" not in text and ' "' not in text and self.likely(20):
            at = text.index(" ", 2)
            return [f"{head} {text[:at]}", " " * (indent + 3) + text[at:].lstrip(" ") + behind]
        return [f"{head} {text}{behind}"]

    def scalar(self, item):
        if isinstance(item, Raw):
            return str(item)
        if not isinstance(item, str):
            return "{}" if item == {} else "[]"
        if self.likely(30) and "\n" not in item:
            return "'" + item.replace("'", "''") + "'"
        if "\n" not in item and ((item.isalpha() and len(item) > 2) or "/" in item):
            return item
        return json.dumps(item, ensure_ascii=self.likely(50))

    def flow(self, item):
        if isinstance(item, list):
            return "[" + ", ".join(self.flow(one) for one in item) + "]"
        if isinstance(item, dict):
            return "{" + ", ".join(f"{key}: {self.flow(one)}" for key, one in item.items()) + "}"
        return self.scalar(item)


def flat(item):
    """Whether a value may stand in brackets on one line."""
    if isinstance(item, dict | list):
        return len(item) < 4 and all(flat(one) for one in (item.values() if isinstance(item, dict) else item))
    return "\n" not in item


def manifest(seed, *, bare=True):
    """The text of a messy experiment."""
    chance = random.Random(seed)
    return Writer(chance).document(experiment(chance, bare=bare))


def astray(old, new):
    """Comments that stood beside what they are about in `old`, and do not in `new`."""
    return sorted(_at_home(old) - _at_home(new))


def _at_home(text):
    found = set()
    lines = text.split("\n")
    for i, line in enumerate(lines):
        before, mark, name = line.partition("# above ")
        if mark and name.count(".") > 1:  # what stands at the very top is about the whole file
            below = next(one for one in lines[i + 1 :] if one.strip() and not one.strip().startswith("#"))
            found |= {mark + name} if _is_about(below, name) else set()
        before, mark, name = line.partition("# behind ")
        if mark:
            found |= {mark + name} if _is_about(before, name) else set()
    return found


def _is_about(line, name):
    key = name.rpartition(".")[2].rpartition("-")[0]
    line = line.strip()
    return line.startswith("-") if key == "item" else line.lstrip("- ").lstrip('"').startswith(key)
