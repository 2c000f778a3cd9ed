"""Leaves out one check of the rules after the other: what each costs, and what it saves.

A check is left out by a ramp that any number meets. The learned opinions are as they are. Nights
are simulated; in people every likely spasm and twitch is false.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

from night_counts import night_counts
from simulators import traces_of

from detector.block import Block
from detector.events import Event, final_forms
from detector.recognition.counts.error_rates import Counted
from detector.recognition.pipeline import Watcher
from detector.recognition.rules.opinions import DEFAULT_MODEL, Opinions, load_model
from detector.recognition.rules.thresholds import Rules
from detector.recognition.rules.verdict import conclude
from detector.sites import Site
from detector.store.formats.reader import open_recording
from firmware_sim.motion import Truth

ANY = 1e9  # beyond every number that is measured
ANKLE: Site = "ankle"
Result = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Heard:
    """A recording: blocks of samples, g, where it was worn, and what was true in it."""

    blocks: tuple[Block, ...]
    site: str
    truths: tuple[Truth, ...]


def ablated_nights(*, generator: str, name: str, seeds: Sequence[int], hours: float) -> Result:
    """Count what is found in simulated nights with all checks, and without each."""
    heard = [
        Heard((Block(trace.samples, 0, trace.fs),), ANKLE, tuple(trace.truth))
        for trace in traces_of(generator, name, seeds, 60 * hours)
    ]
    return _ablated(heard) | {"hours": hours * len(seeds)}


def ablated_people(
    *, traces: str, sets: Sequence[tuple[str, str, str]], few: bool = False
) -> Result:
    """Count what is found in people: sets are folder, pattern and site."""
    heard: list[Heard] = []
    seconds = 0.0
    for folder, pattern, site in sets:
        for file in sorted(Path(traces, folder).glob(pattern))[: 2 if few else None]:
            with open_recording(file) as reader:
                blocks = tuple(reader.blocks())
            heard.append(Heard(blocks, site, ()))
            seconds += sum(len(block) / block.fs for block in blocks)
    return _ablated(heard) | {"hours": seconds / 3600}


def ramps() -> list[tuple[str, str]]:
    """Return group and name of every ramp of the rules."""
    rules, _ = _model(ANKLE)
    return [
        (group.name, key)
        for group in fields(rules)
        if group.name != "name"
        for key in get_type_hints(type(getattr(rules, group.name)))
        if isinstance(value := getattr(getattr(rules, group.name), key), tuple) and len(value) == 2
    ]


def without(rules: Rules, group: str, key: str) -> Rules:
    """Return rules in which any number is full evidence on one ramp."""
    none, full = getattr(getattr(rules, group), key)
    met = (-2 * ANY, -ANY) if full > none else (2 * ANY, ANY)
    return replace(rules, **{group: replace(getattr(rules, group), **{key: met})})


def _ablated(heard: Sequence[Heard]) -> Result:
    base = {alone: [_found(each, None, alone=alone) for each in heard] for alone in (False, True)}
    checks = {}
    for group, key in ramps():
        found = {}
        for alone, before in base.items():
            try:
                after = [_found(each, (group, key), alone=alone) for each in heard]
            except RecursionError:  # a rule that calls itself until the check holds
                continue
            changed = sum(
                len(_named(old) ^ _named(new)) for old, new in zip(before, after, strict=True)
            )
            found["rules" if alone else "learned"] = _counts(heard, after) | {"changed": changed}
        checks[f"{group}.{key}"] = found
    return {
        "learned": _counts(heard, base[False]),
        "rules": _counts(heard, base[True]),
        "checks": checks,
    }


@cache
def _model(site: str) -> tuple[Rules, Opinions]:
    rules, opinion = load_model(DEFAULT_MODEL, site=site)
    if not isinstance(opinion, Opinions):
        raise TypeError(f"{DEFAULT_MODEL} has no opinions")
    return rules, opinion


def _found(heard: Heard, left_out: tuple[str, str] | None, *, alone: bool) -> list[Event]:
    """Return the final events by the rules alone, or with the learned opinions beside them."""
    rules, opinion = _model(heard.site)
    if left_out is not None:
        rules = without(rules, *left_out)
        opinion = replace(opinion, rules=rules)
    watcher = Watcher(site=heard.site, rules=rules, opinion=conclude if alone else opinion)
    events: list[Event] = []
    for block in heard.blocks:
        events += watcher.process(block)
    return final_forms(events + watcher.finish())


def _counts(heard: Sequence[Heard], found: Sequence[Sequence[Event]]) -> dict[str, int]:
    total = dict.fromkeys(("truths", "hits", "false", "twitches", "false_twitches"), 0)
    for each, events in zip(heard, found, strict=True):
        counts = night_counts(each.truths, events)
        likely, twitch = counts[Counted.LIKELY], counts[Counted.TWITCH]
        total["truths"] += likely.truths
        total["hits"] += likely.hits
        total["false"] += likely.found - likely.hits
        total["twitches"] += twitch.hits
        total["false_twitches"] += twitch.found - twitch.hits
    return total


def _named(events: Iterable[Event]) -> set[tuple[float, str]]:
    return {(event.onset_s, event.kind.value) for event in events}
