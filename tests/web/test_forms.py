"""What pages are sent keeps its schema, whatever the night, its log and others say."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
from hypothesis import given
from hypothesis import strategies as st

from detector.channels import Entry
from detector.events import Origin
from detector.receiver.follower import Followed
from detector.receiver.news import Absence, ServiceState
from detector.status import Snapshot, StateWord, Status, Vitals
from detector.store.diary import Diary
from detector.store.log import Draft, of_alert, of_event, of_status
from detector.web.household.neighbours import Neighbour, card_of, household_view, others_words
from detector.web.schemas import schemas
from detector.web.tonight.stream import message_of
from detector.web.tonight.view import Scene, view_of
from detector.words.hearers import Hearers, HomePresence, Phone

from ..kit.any_values import (
    NOON,
    alerts,
    anything,
    events,
    finite,
    local,
    maybe,
    snapshots,
    statuses,
    vitals,
    wearers,
    words,
)


@cache
def validator(name: str) -> jsonschema.Draft202012Validator:
    checks = jsonschema.Draft202012Validator.FORMAT_CHECKER
    return jsonschema.Draft202012Validator(schemas()[name], format_checker=checks)


def as_sent(message: bytes) -> dict[str, Any]:
    """What a page reads of a message; NaN, which no browser reads, is refused."""

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    body = message.split(b"data: ", 1)[1]
    return dict(json.loads(body, parse_constant=refuse))


drafts: st.SearchStrategy[Draft] = st.one_of(
    events(finite, words).map(of_event),
    alerts(words).map(of_alert),
    statuses(words).map(
        lambda status: of_status(status, wearer="k3vq7m2xta", source=Origin.LIVE, at=NOON)
    ),
)
logs = st.lists(st.tuples(drafts, st.integers(0, 800)), max_size=12)
hearers = st.builds(
    Hearers,
    receivers=st.lists(words, max_size=2).map(tuple),
    phones=st.lists(st.builds(Phone, words, maybe(local), st.text(), st.booleans())).map(tuple),
    pages=st.integers(0, 200),
    home_assistant=maybe(st.sampled_from(HomePresence)),
    sounds=st.booleans(),
    published=st.booleans(),
    origin=st.sampled_from(Origin),
)
scenes = st.builds(
    Scene,
    at=st.just(NOON),
    made_ms=st.integers(0),
    snapshot=snapshots,
    vitals=vitals,
    label=words,
    sensors=st.lists(words, max_size=3).map(tuple),
    zone=st.sampled_from([None, UTC]),
    hung=maybe(words),
    remark=st.text(),
    others=st.text(),
    hearers=hearers,
)
neighbours = st.builds(
    Neighbour,
    wearer=wearers,
    label=words,
    followed=st.builds(
        Followed,
        state=st.builds(
            ServiceState, st.sampled_from([*StateWord, *Absence]), maybe(words), maybe(local)
        ),
        clonus=st.booleans(),
        data_age_s=maybe(anything),
        battery_percent=maybe(anything),
        alerts=st.lists(alerts(words), max_size=12).map(tuple),
        more_alerts=st.booleans(),
        counts=st.just({}),
        monitored_s=maybe(finite),
    ),
    trouble=maybe(words),
    by=maybe(words),
)


def diary_of(log: list[tuple[Draft, int]]) -> Diary:
    diary = Diary()
    entries: list[Entry] = []
    for n, (draft, minutes) in enumerate(sorted(log, key=lambda each: -each[1]), 1):
        entries.append(draft.entry(n, NOON - timedelta(minutes=minutes)))
    diary.take(entries)
    return diary


@given(scenes, logs)
def test_what_a_page_is_sent_keeps_its_schema(scene: Scene, log: list[tuple[Draft, int]]) -> None:
    validator("page").validate(as_sent(message_of(view_of(scene, diary_of(log)))))


@given(scenes, logs, st.lists(neighbours, max_size=3))
def test_what_the_page_of_everybody_is_sent_keeps_its_schema(
    scene: Scene, log: list[tuple[Draft, int]], others: list[Neighbour]
) -> None:
    cards = [card_of(each, NOON, UTC) for each in others]
    assert "\n" not in others_words(cards)
    everybody = household_view(view_of(scene, diary_of(log)), cards)
    validator("household").validate(as_sent(message_of(everybody)))


def a_scene() -> Scene:
    return Scene(
        at=datetime(2026, 11, 21, 3, 41, tzinfo=UTC), made_ms=7,
        snapshot=Snapshot(status=Status(StateWord.WATCHING)), vitals=Vitals(), label="bedroom",
        sensors=("left-calf",), zone=UTC,
    )  # fmt: skip


def test_a_missing_a_wrong_or_an_added_field_is_not_the_form() -> None:
    view = json.loads(json.dumps(view_of(a_scene(), Diary())))
    assert validator("page").is_valid(view)
    for name in view:
        assert not validator("page").is_valid({k: v for k, v in view.items() if k != name})
    for wrong in ({"more": 1}, {"state": "asleep"}, {"at": "3 a.m."}, {"battery_percent": 255}):
        assert not validator("page").is_valid(view | wrong)


def test_the_schemas_in_the_documents_are_those_that_validate() -> None:
    folder = Path(__file__).parents[2] / "docs" / "page-schemas"
    written = {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}
    for schema in schemas().values():
        jsonschema.Draft202012Validator.check_schema(schema)
    assert schemas() == written, "run `make docs`"
