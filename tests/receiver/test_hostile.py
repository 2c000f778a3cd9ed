"""Whatever somebody publishes in a service's place, a receiver goes on and tells what follows."""

from __future__ import annotations

import json
from contextlib import redirect_stdout
from datetime import UTC, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from detector.alert import to_dict
from detector.mqtt import payloads
from detector.mqtt.contract import Leaf
from detector.mqtt.payloads import Stamp
from detector.receiver.follower import NightFollower
from detector.receiver.receiver import Receiver
from detector.receiver.sounding import Sounding
from detector.status import Snapshot, StateWord, Status
from detector.terminal.output import Output
from detector.terminal.received import ReceivedScreen
from detector.web.household.neighbours import Neighbour, card_of

from .open_alert import NIGHT, raised

ZONES = (ZoneInfo("America/New_York"), ZoneInfo("Pacific/Kiritimati"), UTC)
MOMENTS = ("0001-01-01T00:00:00", "9999-12-31T23:59:59", "2026-11-21T02:00:00", "0002-01-01")
anywhen = st.builds(
    lambda moment, offset: moment + offset,
    st.sampled_from(MOMENTS),
    st.sampled_from(["", "Z", "+12:00", "-12:00", "+23:59", "-23:59", "+00:00:00.5"]),
)
junk = st.none() | st.integers() | st.floats() | st.text(max_size=9) | st.lists(st.none()) | anywhen
of_alerts = st.dictionaries(st.sampled_from(sorted(to_dict(raised(1)))), junk, max_size=4)
dated = st.dictionaries(st.sampled_from(["at", "raised_at", "until"]), anywhen, max_size=3)
of_states = st.dictionaries(st.sampled_from(["sent", "until", "why", "words", "tonight"]), junk)


def beat(seq: int) -> bytes:
    said = {"boot_id": "b", "seq": seq, "state": "watching", "last_n": 0, "expires_in_s": 15}
    return json.dumps(said).encode()


def state_with(alert: dict[str, object], changes: dict[str, object]) -> bytes:
    status = Status(StateWord.PAUSED, until=NIGHT + timedelta(hours=1), why="by anna")
    now = json.loads(payloads.state(Stamp("b", 1, NIGHT), Snapshot(status=status)))
    now |= {"open_alerts": [alert], "open_alerts_total": 1}
    return json.dumps(now | changes).encode()


@given(of_alerts | dated, of_states, st.sampled_from(ZONES), st.booleans())
def test_no_message_of_anybody_ends_a_receiver_or_hides_the_next_alert(
    changes, state_changes, zone, follows
):
    written = StringIO()
    bad = to_dict(raised(1)) | changes
    screen = ReceivedScreen(Output(), zone, Sounding(None, mono_s=lambda: 0.0, failed=print))
    receiver = Receiver("anna", mono_s=0.0)
    follower = NightFollower("anna", mono_s=0.0)
    published = [(Leaf.HEALTH, beat(1), False)]
    if follows:
        published.append((Leaf.STATE, state_with(to_dict(raised(3)), {}), True))
    published += [
        (Leaf.STATE, state_with(bad, state_changes), True),
        (Leaf.ALERT, json.dumps(bad | {"n": 1}).encode(), False),
        (Leaf.HEALTH, beat(2), False),
        (Leaf.STATE, state_with(bad, {}), True),
        (Leaf.ALERT, json.dumps(to_dict(raised(2)) | {"n": 2}).encode(), False),
    ]
    for leaf, payload, retained in published:
        with redirect_stdout(written):
            for news in receiver.feed(leaf, payload, retained=retained, mono_s=1.0):
                screen.show(news)
        if leaf in (Leaf.HEALTH, Leaf.STATE):
            follower.feed(leaf, payload, retained=retained, mono_s=1.0)
        card_of(Neighbour("w", "Ben", follower.followed(1.0)), NIGHT, zone)
    assert "clonus" in written.getvalue().splitlines()[-1].lower(), "what follows is told"
