"""How many alerts the default wake rules would have raised."""

from __future__ import annotations

from detector.alert import AlertState
from detector.alerts.policy import Now, Policy
from detector.alerts.rules import DEFAULT_RULES, parse_rules
from detector.events import Event, Origin
from detector.recognition.pipeline import Watcher
from detector.store.formats.reading import RecordingReader


def alerts_in(reader: RecordingReader, site: str) -> int:
    """Count alerts raised for events, with the rules of a fresh installation.

    The rules get every form of every event, in order, as live.
    """
    policy, watcher = Policy(parse_rules(DEFAULT_RULES), source=Origin.REPLAY), Watcher(site=site)
    raised: set[str] = set()
    stream_s = 0.0

    def tell(events: list[Event]) -> None:
        nonlocal stream_s
        for event in events:
            stream_s = max(stream_s, event.end_s)
            now = Now(mono_ns=round(stream_s * 1e9), utc=None, stream_s=stream_s, stream_utc=None)
            told = policy.observe(event, now)
            raised.update(alert.id for alert in told if alert.state is AlertState.RAISED)

    for block in reader.blocks():
        tell(watcher.process(block))
    tell(watcher.finish())
    return len(raised)
