"""Compare what the product says of its inputs with what it said when they were pinned.

    python -m tests.pin             compare, exit 1 where anything differs
    python -m tests.pin --write     pin what is said now
    python -m tests.pin --keep DIR  also write the lines themselves, for `diff -r`

Pinned are numbers (every field but the sentence) and sentences apart, so that a change of wording
cannot hide a change of events. Digests hold on one kind of machine: another's arithmetic may differ
in a last digit that a rounding makes visible.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from . import inputs, said

PINS = Path(__file__).with_name("pins.json")

NOT_PINNED = ("detector", "facts", "held_back", "context", "at_s", "tier", "until", "count")
"""The release speaks of itself; and fields that are younger than the pins."""

_SENTENCE = re.compile(r'"reason": "(?:[^"\\]|\\.)*"')


def everything(folder: Path) -> Iterator[tuple[str, said.Said]]:
    """Yield what is said of each input, by name."""
    for recording in inputs.recordings():
        for how, words in said.of_recording(recording, folder).items():
            yield f"{recording.name} {how}", words
    for sent in inputs.sensors():
        for how, words in said.of_packets(sent, folder).items():
            yield f"{sent.name} {how}", words
    for name, sensors in inputs.pairs():
        yield f"{name} live", said.of_night(sensors)
    for first, second in (("mixed-11", "mixed-12"), ("demo-with-gaps-0", "demo-with-gaps-1")):
        files = [folder / f"{stem}.npz" for stem in (first, second)]
        yield f"{first}+{second} together", said.of_pair(files)


def main() -> int:
    """Run as a command; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.pin")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    os.environ["NO_COLOR"] = "1"
    found: dict[str, dict[str, str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CONFIG_HOME"] = folder
        for name, words in everything(Path(folder)):
            found[name] = _digests(words)
            if asked.keep:
                _keep(asked.keep / name.replace("/", "-").replace(" ", "."), words)
    if asked.write:
        PINS.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
        print(f"{len(found)} pinned in {PINS}")
        return 0
    return _compare(json.loads(PINS.read_text()), found)


def _compare(pinned: dict[str, dict[str, str]], found: dict[str, dict[str, str]]) -> int:
    differing = 0
    for name, before in pinned.items():
        if name not in found:
            print(f"not here: {name} (set SPASMWATCH_TRACES to the folder of real traces)")
            continue
        parts = sorted(before.keys() | found[name].keys())
        wrong = [part for part in parts if found[name].get(part) != before.get(part)]
        differing += bool(wrong)
        if wrong:
            print(f"differs:  {name}: {', '.join(wrong)}")
    compared = sum(name in found for name in pinned)
    print(f"{compared} compared, {differing} differ")
    return int(differing > 0 or not compared)


def _digests(words: said.Said) -> dict[str, str]:
    parts = {"events": words.events, "alerts": words.alerts, "messages": words.messages}
    digests = {}
    for part, lines in parts.items():
        if not lines:
            continue
        known = [_known(line) for line in lines]
        numbers = [_SENTENCE.sub('"reason": ""', line) for line in known]
        sentences = [match for line in known for match in _SENTENCE.findall(line)]
        digests[part] = f"{len(lines)} {_digest(numbers)}"
        digests[f"{part}, in words"] = f"{len(sentences)} {_digest(sentences)}"
    return digests


def _known(line: str) -> str:
    topic, brace, body = line.partition("{")
    fields = json.loads(brace + body)
    kept = {name: value for name, value in fields.items() if name not in NOT_PINNED}
    return topic + json.dumps(kept, sort_keys=True)


def _digest(lines: list[str]) -> str:
    return sha256("\n".join(lines).encode()).hexdigest()[:16]


def _keep(path: Path, words: said.Said) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [*words.events, *words.alerts, *words.messages]
    path.with_name(f"{path.name}.jsonl").write_text("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    sys.exit(main())
