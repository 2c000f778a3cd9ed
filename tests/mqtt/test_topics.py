"""Laws of topics: whose a message is and where it came from, whatever anybody is called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub

from detector.errors import ConfigError
from detector.events import Origin
from detector.mqtt.contract import Leaf, Topics

from ..kit.any_values import wearers
from .publishing import WEARER


@given(wearers, st.sampled_from(Leaf), st.sampled_from([Origin.SIMULATED, Origin.REPLAY]))
def test_what_is_not_live_never_reaches_a_live_filter(
    wearer: str, leaf: Leaf, origin: Origin
) -> None:
    topic = Topics(wearer=wearer, origin=origin).of(leaf)
    assert topic == f"sw/v1/{origin}/{wearer}/{leaf}"
    for live in (f"sw/v1/+/{leaf}", f"sw/v1/{wearer}/#", f"sw/v1/{wearer}/{leaf}", "sw/v1/+/+"):
        assert not topic_matches_sub(live, topic)
    assert topic_matches_sub("sw/v1/#", topic)


@given(st.text(), st.text())
def test_hostile_names_never_change_the_structure_of_a_topic(prefix: str, wearer: str) -> None:
    try:
        topics = Topics(prefix=prefix, wearer=wearer)
    except ConfigError:
        return
    for leaf in Leaf:
        assert topics.of(leaf).split("/") == [*prefix.split("/"), wearer, leaf]


@given(st.text())
def test_a_complaint_about_a_hostile_name_is_plain_text(wearer: str) -> None:
    with pytest.raises(ConfigError) as complaint:
        Topics(wearer=f"{wearer}!")
    assert str(complaint.value).isascii()
    assert str(complaint.value).isprintable()


@pytest.mark.parametrize(
    "wearer", ["anna", "K3VQ7M2XTA", "k3vq7m2xt", "k3vq7m2xta\n", "k3vq7/2xta", "k3vq7+2xta", "#"]
)
def test_a_wearer_is_ten_random_characters(wearer: str) -> None:
    with pytest.raises(ConfigError, match="never a name"):
        Topics(wearer=wearer)


@pytest.mark.parametrize(
    "prefix", ["", "/sw", "sw/", "sw//v1", "sw/+", "sw/#", "$SYS/sw", "sw\0", "s w", "a/" * 9 + "a"]
)
def test_a_prefix_is_plain_levels(prefix: str) -> None:
    with pytest.raises(ConfigError, match="prefix"):
        Topics(wearer=WEARER, prefix=prefix)


@pytest.mark.parametrize("prefix", ["sw/v1/simulated", "replay"])
def test_no_live_topic_can_pass_for_a_simulated_one(prefix: str) -> None:
    with pytest.raises(ConfigError, match="apart from live"):
        Topics(wearer=WEARER, prefix=prefix)
