"""Which limb moved, and for how long, in the events of an alert's episode."""

from __future__ import annotations

import json

from detector.alert import Alert
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
    limbs: set[str] = set()
    duration_s = None
    for each in before:
        if each.kind is not EntryKind.EVENT or each.n >= entry.n:
            continue
        event = json.loads(each.body)  # ours: the log has written it
        if event.get("episode") != alert.episode:
            continue
        if isinstance(event.get("sensor"), str):
            limbs.add(event["sensor"])
        if isinstance(event.get("duration_s"), (int, float)):
            duration_s = float(event["duration_s"])
    return MovedLimb(limbs.pop() if len(limbs) == 1 else None, duration_s)
