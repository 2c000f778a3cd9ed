"""Which limb moved, and for how long, in the events of an alert's episode."""

from __future__ import annotations

import json
from collections.abc import Iterable

from detector.alert import Alert
from detector.alerts.rules import KINDS_OF
from detector.channels import ChannelLog, Entry, EntryKind
from detector.errors import SpasmwatchError
from detector.words.push import MovedLimb

LOOK_BACK = 40  # entries before the alert: what raised it is in its own transaction


async def moved_limb(log: ChannelLog, entry: Entry, alert: Alert) -> MovedLimb:
    """Return what the log says of an alert's episode up to its entry; nothing where it is silent.

    Parameters
    ----------
    entry : of the alert; number 0 where no log has it
    """
    if alert.episode is None or not entry.n:
        return MovedLimb()
    try:
        before = await log.replay(max(1, entry.n - LOOK_BACK), LOOK_BACK + 1)
    except SpasmwatchError:  # the words are shorter then, and come in time
        return MovedLimb()
    return moved_in([each for each in before if each.n < entry.n], alert)


def moved_in(entries: Iterable[Entry], alert: Alert) -> MovedLimb:
    """Return what moved by entries in the order of the log.

    The duration is that of the longest event of the alert's kind, each in its newest form: an
    episode goes on with others, and the newest has often only begun.
    """
    limbs: set[str] = set()
    kinds = KINDS_OF.get(alert.kind, frozenset())
    durations_s: dict[str, float] = {}
    for each in entries:
        if each.kind is not EntryKind.EVENT:
            continue
        event = json.loads(each.body)  # ours: the log has written it
        if event.get("episode") != alert.episode:
            continue
        if isinstance(event.get("sensor"), str):
            limbs.add(event["sensor"])
        durations_s.pop(each.subject, None)
        if event.get("kind") in kinds and isinstance(event.get("duration_s"), (int, float)):
            durations_s[each.subject] = float(event["duration_s"])
    limb = limbs.pop() if len(limbs) == 1 else None
    return MovedLimb(limb, max(durations_s.values(), default=None))
