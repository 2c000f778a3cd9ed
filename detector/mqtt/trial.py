"""Try whether the broker takes what a night publishes, before there is an alert to lose."""

from __future__ import annotations

from detector.mqtt.contract import Leaf, Message, Topics
from detector.mqtt.link import Link
from detector.mqtt.session import Ack

TRIED = (Leaf.EVENT, Leaf.ALERT, Leaf.HEALTH)
"""Topics that a broker's access list may refuse one by one; what is retained is not touched."""

EXPIRES_S = 1


async def refusal(link: Link, topics: Topics, leaf: Leaf) -> str | None:
    """Publish an empty message to a topic; return why the broker does not take it, or None.

    Receivers take an empty message for neither an event nor an alert.

    Raises
    ------
    LinkError
        There is no connection.
    """
    ack = await link.publish(Message(topics.of(leaf), "", qos=1, expiry_s=EXPIRES_S))
    return refusal_of(link, topics.of(leaf), ack)


def refusal_of(link: Link, topic: str, ack: Ack) -> str | None:
    """Return that a broker does not take a topic, as it answered, or None where it does."""
    if ack.accepted:
        return None
    return f"{link.endpoint} does not let us publish {topic} ({ack.why})"
