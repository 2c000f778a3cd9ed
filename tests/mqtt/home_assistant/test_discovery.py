"""Laws of the discovery: one message, whose entities are ours alone and name nobody."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from detector.alert import AlertState
from detector.config.values import LONGEST_TEXT
from detector.events import SPASM_FAMILY, Kind, Origin
from detector.mqtt.contract import PAYLOAD_MOST, Leaf, Topics
from detector.mqtt.home_assistant.discovery import NightDevice, discovery, payload, removal
from detector.status import WORDS
from detector.words.phrases import COUNTED

from ...kit.any_values import wearers
from ..publishing import LIVE, WEARER

ENTITY_ID = re.compile(r"(sensor|binary_sensor|event|button)\.[a-z0-9]+(_[a-z0-9]+)*")
labels = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1)


def device(**changes: Any) -> NightDevice:
    return NightDevice(**{"topics": Topics(wearer=WEARER), "label": "bedroom"} | changes)


def topics_in(said: dict[str, Any]) -> set[str]:
    """Every topic that a component names."""
    found = {value for key, value in said.items() if key.endswith("topic")}
    return found | {each["topic"] for each in said.get("availability", [])}


@given(labels.filter(lambda text: len(text) <= LONGEST_TEXT), wearers, st.booleans())
def test_whatever_the_label_ids_are_valid_and_no_topic_holds_it(
    label: str, wearer: str, commands: bool
) -> None:
    night = device(label=label, topics=Topics(wearer=wearer), commands=commands)
    message = discovery(night)
    said = json.loads(message.payload)

    assert message.topic == f"homeassistant/device/spasmwatch_{wearer}/config"
    assert message.retain
    assert len(message.payload.encode()) < PAYLOAD_MOST / 2
    assert said["dev"]["name"] == f"Night sensor ({label})"
    entities = said["cmps"].values()
    ids = [each["default_entity_id"] for each in entities]
    assert all(ENTITY_ID.fullmatch(each) for each in ids)
    assert len(set(ids)) == len(ids)
    assert all(each["default_entity_id"].startswith(f"{each['platform']}.") for each in entities)
    for entity in entities:
        assert all(topic.startswith(f"sw/v1/{wearer}/") for topic in topics_in(entity))


def test_every_entity_has_an_id_of_its_own_that_lasts_and_none_an_object_id() -> None:
    said = payload(device(commands=True))

    ids = [each["unique_id"] for each in said["cmps"].values()]
    assert ids == [f"spasmwatch_{WEARER}_{key}" for key in said["cmps"]]
    assert not [key for each in said["cmps"].values() for key in each if key == "object_id"]
    assert said["dev"]["identifiers"] == [f"spasmwatch_{WEARER}"]
    assert said["o"].keys() == {"name", "sw_version", "support_url"}


def test_entities_read_topics_that_are_published_and_speak_our_words() -> None:
    cmps = payload(device(commands=True))["cmps"]
    read = {topic for each in cmps.values() for topic in topics_in(each)}

    leaves = {f"{LIVE}/{leaf}" for leaf in Leaf}
    assert read - leaves == {f"{LIVE}/ha/{button}" for button in ("ack", "snooze", "pause")}
    assert cmps["state"]["options"] == list(WORDS.values())
    assert set(cmps["event"]["event_types"]) == set(Kind)
    assert set(cmps["begins"]["event_types"]) == set(cmps["ended"]["event_types"]) == SPASM_FAMILY
    assert set(cmps["alert"]["event_types"]) == set(AlertState)


def test_likely_spasms_are_counted_as_on_every_screen() -> None:
    template = payload(device())["cmps"]["spasms_tonight"]["value_template"]
    counted = re.findall(r"tonight\.counts\.(\w+)", template)

    assert sorted(counted) == sorted(kind.value for kind in COUNTED)


def test_what_shows_the_present_does_not_outlast_it_and_watching_depends_on_nothing() -> None:
    said = payload(device())
    cmps = said["cmps"]

    template = said["availability"][0]["value_template"]
    assert template == "{{ 'online' if value == 'online' else 'offline' }}"
    present = {key for key, each in cmps.items() if "availability" not in each}
    assert all(cmps[key]["expire_after"] == 90 for key in present)
    assert cmps.keys() - present == {"watching", "last_event", "event", "begins", "ended", "alert"}
    assert cmps["watching"]["off_delay"] == 15


def test_without_rights_there_are_no_buttons() -> None:
    assert not [key for key in payload(device())["cmps"] if key.startswith("button")]
    assert '"commands": none' not in discovery(device()).payload
    assert "/ha" not in discovery(device()).payload.replace("/home-assistant", "")


def test_a_simulated_night_is_another_device_that_says_so() -> None:
    live, simulated = device(), device(topics=Topics(wearer=WEARER, origin=Origin.SIMULATED))
    ids = [{e["unique_id"] for e in payload(each)["cmps"].values()} for each in (live, simulated)]

    assert live.topic != simulated.topic
    assert not ids[0] & ids[1]
    assert payload(simulated)["dev"]["name"] == "Night sensor (bedroom, simulated)"


def test_removal_empties_the_same_topic() -> None:
    gone = removal(device(prefix="ha2"))

    assert (gone.topic, gone.payload, gone.retain) == (device(prefix="ha2").topic, "", True)
    assert gone.topic.startswith("ha2/device/")
