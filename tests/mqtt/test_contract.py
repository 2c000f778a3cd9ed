"""Laws of what is said over MQTT, and where."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.alert import Alert
from detector.alert import to_json as alert_to_json
from detector.channels import Entry
from detector.errors import ConfigError
from detector.events import Event, Kind, Origin, to_json
from detector.mqtt import contract, payloads
from detector.mqtt.contract import (
    DELIVERY,
    REPLY,
    Availability,
    Command,
    Leaf,
    Message,
    Topics,
)
from detector.mqtt.payloads import LogState, Stamp
from detector.mqtt.schemas import REPLAYED, schemas
from detector.status import Snapshot, StateWord, Status, Vitals
from detector.store.log import Draft, of_alert, of_event

from ..kit.any_values import (
    NOON,
    alerts,
    anything,
    events,
    finite,
    local,
    snapshots,
    statuses,
    vitals,
    words,
)
from .publishing import WEARER

HOME = Topics(wearer=WEARER)
SCHEMAS = {
    name: jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    for name, schema in schemas().items()
}

stamps = st.builds(Stamp, words, st.integers(0), local)


def entry(body: str, kind: str = "event", left_s: float = 3600) -> Entry:
    return Entry(1, kind, "x", body, NOON, NOON + timedelta(seconds=left_s), clinical=True)


def sent(draft: Draft, n: int = 7, home: Topics = HOME) -> Message:
    """Go the way of the store: an entry of the log, addressed."""
    logged = draft.entry(n, NOON)
    message = contract.outgoing(logged, home, NOON)
    assert message.payload == logged.body, "told as it was logged, byte for byte"
    return message


def strictly(payload: str) -> dict:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} in {payload}")

    return json.loads(payload, parse_constant=refuse)


def texts_in(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [*value, *(text for each in value.values() for text in texts_in(each))]
    return [text for each in value for text in texts_in(each)] if isinstance(value, list) else []


def assert_fit_for_strangers(payload: str) -> None:
    Message("sw/v1/x", payload)  # UTF-8, within the bound
    assert all(text.isprintable() for text in texts_in(strictly(payload)))


# -- payloads ------------------------------------------------------------------------------------


@given(events(finite, words))
def test_an_event_keeps_its_schema_however_hostile_its_names(event: Event) -> None:
    payload = sent(of_event(event)).payload
    assert_fit_for_strangers(payload)
    assert_fit_for_strangers(to_json(event))
    said = strictly(payload)
    SCHEMAS["event"].validate(said)
    assert said == {**strictly(to_json(event)), "n": 7, "event_type": event.kind}


@given(events(anything, words))
def test_not_a_number_never_appears(event: Event) -> None:
    assert_fit_for_strangers(sent(of_event(event)).payload)


@given(alerts(words))
def test_an_alert_keeps_its_schema(alert: Alert) -> None:
    payload = sent(of_alert(alert), n=0).payload
    assert_fit_for_strangers(payload)
    said = strictly(payload)
    SCHEMAS["alert"].validate(said)
    assert said == {**strictly(alert_to_json(alert)), "n": None}


@given(
    stamps,
    statuses(words),
    vitals,
    st.sampled_from([(None, None, None), ("e", 7, 0)]),
    st.dictionaries(st.sampled_from(payloads.COUNTS), st.integers(0)),
)
def test_health_keeps_its_schema_whatever_the_sensor_claims(
    stamp: Stamp, status: Status, measured: Vitals, log: tuple[Any, Any, Any], counts: Any
) -> None:
    payload = payloads.health(stamp, status, measured, LogState(*log), counts)
    assert_fit_for_strangers(payload)
    SCHEMAS["health"].validate(strictly(payload))


@given(stamps, snapshots)
def test_a_snapshot_keeps_its_schema_and_its_bound(stamp: Stamp, snapshot: Snapshot) -> None:
    payload = payloads.state(stamp, snapshot)
    assert_fit_for_strangers(payload)
    said = strictly(payload)
    SCHEMAS["state"].validate(said)
    assert said["open_alerts_total"] == len(snapshot.open_alerts)
    assert set(said["tonight"]["counts"]) == set(Kind)


def test_availability_is_one_of_three_words() -> None:
    for word in Availability:
        SCHEMAS["availability"].validate(word)
    assert not SCHEMAS["availability"].is_valid("on")


def test_every_leaf_has_a_schema_that_is_itself_valid() -> None:
    assert set(schemas()) == {*Leaf, *(f"cmd/{each}" for each in Command), REPLY, REPLAYED}
    for schema in schemas().values():
        jsonschema.Draft202012Validator.check_schema(schema)


@given(alerts(st.just("x" * 5000)))
def test_a_snapshot_of_any_number_of_alerts_fits_a_packet(alert: Alert) -> None:
    now = Snapshot(status=Status(StateWord.WATCHING), open_alerts=(alert,) * 20)
    said = strictly(payloads.state(Stamp("b", 1, NOON), now))
    SCHEMAS["state"].validate(said)
    assert (len(said["open_alerts"]), said["open_alerts_total"]) == (16, 20)
    Message("sw/v1/x", payloads.state(Stamp("b", 1, NOON), now))


def test_a_missing_a_wrong_or_an_added_field_is_not_the_contract() -> None:
    now = Stamp("b", 1, datetime(2026, 11, 21, tzinfo=UTC))
    said = strictly(payloads.health(now, Status(StateWord.WATCHING), Vitals(), LogState(), {}))
    for name in said:
        assert not SCHEMAS["health"].is_valid({k: v for k, v in said.items() if k != name})
    assert not SCHEMAS["health"].is_valid(said | {"more": 1})
    assert not SCHEMAS["health"].is_valid(said | {"sent": "2026-11-21T00:00:00Z"})


# -- the four states -----------------------------------------------------------------------------


def test_the_four_states_are_said_in_the_contracts_words() -> None:
    half_past_two = datetime(2026, 11, 21, 2, 30, tzinfo=timezone(timedelta(hours=1)))
    assert [
        Status(StateWord.WATCHING).words,
        Status(StateWord.SPASM).words,
        Status(StateWord.SPASM, kind=Kind.CLONUS).words,
        Status(StateWord.NO_SIGNAL, "the sensor is out of reach").words,
        Status(StateWord.PAUSED, until=half_past_two).words,
    ] == [
        "Watching",
        "Spasm",
        "Clonus",
        "No signal – not watching",  # noqa: RUF001
        "Paused until 02:30",
    ]


@pytest.mark.parametrize("watch", [StateWord.NO_SIGNAL, StateWord.PAUSED])
def test_no_signal_without_a_cause_and_a_pause_without_an_end_cannot_be_said(
    watch: StateWord,
) -> None:
    with pytest.raises(ValueError, match="must say"):
        Status(watch)


def test_an_endless_watch_cannot_carry_the_end_of_a_pause() -> None:
    with pytest.raises(ValueError, match="until when"):
        Status(StateWord.WATCHING, until=datetime.now(UTC))


# -- topics --------------------------------------------------------------------------------------


def test_each_leaf_is_delivered_as_the_contract_says() -> None:
    table = {str(leaf): (how.qos, how.retain, how.expiry_s) for leaf, how in DELIVERY.items()}
    assert table == {
        "availability": (1, True, 90),
        "health": (0, False, 15),
        "state": (1, True, 90),
        "event": (1, False, 604_800),
        "alert": (1, False, 604_800),
        "live": (0, False, 5),
    }


@pytest.mark.parametrize("topic", ["", "sw/+/event", "sw/#", "sw/\0", "sw/é", "$SYS/x"])
def test_a_message_has_a_topic_one_can_publish_to(topic: str) -> None:
    with pytest.raises(ValueError, match="topic"):
        Message(topic, "x")


def test_a_message_is_never_qos_2_never_endless_never_expired_at_birth() -> None:
    with pytest.raises(ValueError, match="qos"):
        Message("sw/v1/x", "x", qos=2)
    with pytest.raises(ValueError, match="bytes"):
        Message("sw/v1/x", "x" * (contract.PAYLOAD_MOST + 1))
    with pytest.raises(ValueError, match="expiry"):
        Message("sw/v1/x", "x", expiry_s=0)


# -- the log -------------------------------------------------------------------------------------


@given(events(finite, words), st.sampled_from(Origin))
def test_an_entry_goes_where_it_says_itself_whatever_runs_now(
    event: Event, running_now: Origin
) -> None:
    message = sent(of_event(event), home=Topics(wearer=WEARER, origin=running_now))
    expected = Topics(wearer=event.wearer or WEARER, origin=event.source)
    assert message.topic == expected.of(Leaf.EVENT)
    assert (message.qos, message.retain) == (1, False)


@given(st.floats(-1e9, 1e9))
def test_no_wrong_clock_swallows_an_entry(left_s: float) -> None:
    message = contract.outgoing(entry('{"source": "live"}', left_s=left_s), HOME, NOON)
    expiry_s = message.expiry_s
    assert expiry_s is not None
    assert expiry_s == min(max(60, left_s), 604_800) or 0 <= expiry_s - left_s < 1


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("event", "not json"),
        ("event", "[]"),
        ("event", "{}"),
        ("event", '{"source": "live", "wearer": "anna"}'),
        ("event", '{"source": "live", "wearer": ["#"]}'),
        ("event", '{"source": "elsewhere"}'),
        ("status", '{"source": "live"}'),
        ("event", "[" * 100_000),
        ("../x", '{"source": "live"}'),
    ],
)
def test_an_entry_that_cannot_be_addressed_is_refused(kind: str, body: str) -> None:
    with pytest.raises((ValueError, ConfigError)):
        contract.outgoing(entry(body, kind), HOME, NOON)


def test_the_schemas_in_the_documents_are_those_that_validate() -> None:
    folder = Path(__file__).parents[2] / "docs" / "schemas"
    written = {
        path.relative_to(folder).with_suffix("").as_posix(): json.loads(path.read_text())
        for path in folder.rglob("*.json")
    }

    assert schemas() == written, "run `make docs`"
