"""Tests of the way to contacts, as commands send them and tell what became of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from detector.terminal.invocation import Invocation, program_name

if TYPE_CHECKING:
    from detector.config import Settings
    from detector.push.trial import PushTrial
    from detector.terminal.output import Output

UNREACHED = 69  # a contact was not reached


def tried(call: Invocation, settings: Settings, names: Sequence[str]) -> list[PushTrial]:
    """Send a test to each contact of these names."""
    import asyncio

    from detector.push.links import links_of
    from detector.push.trial import try_contacts

    folder = settings.data_dir
    contacts = [contact for contact in settings.contact if contact.name in names]
    call.out.say(f"Sending a test to {', '.join(names)} …")
    links = links_of(settings.web, folder)
    return asyncio.run(try_contacts(contacts, folder, label=settings.wearer.label, links=links))


def say_trials(out: Output, trials: Sequence[PushTrial]) -> None:
    """Write what became of tests."""
    if out.json:
        rows = [{"name": t.name, "latency_s": t.latency_s, "why": t.why} for t in trials]
        out.data(json.dumps({"schema": "push-test/1", "contacts": rows}))
        return
    for trial in trials:
        if trial.latency_s is None:
            out.data(f"{trial.name}: not reached: {trial.why}")
        else:
            out.data(f"{trial.name}: taken after {trial.latency_s:.1f} s")
    if any(trial.why is None for trial in trials):
        out.say(
            "Whether it was heard, only they can tell: by its button, or by the code in it: "
            f"{program_name()} alerts confirm CODE"
        )
