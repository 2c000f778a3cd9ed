import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.alert import (
    Alert,
    AlertClass,
    AlertState,
    Level,
    alert_id,
    from_json,
    to_dict,
    to_json,
)
from detector.events import Origin

texts = st.text(max_size=20)
moments = st.none() | st.datetimes(
    datetime(2, 1, 1), datetime(9998, 12, 31), timezones=st.just(UTC)
)
alerts = st.builds(
    Alert,
    id=texts,
    episode=st.none() | texts,
    state=st.sampled_from(AlertState),
    alert_class=st.sampled_from(AlertClass),
    level=st.sampled_from(Level),
    kind=texts,
    reason=texts,
    rule=st.none() | texts,
    raised_at=moments,
    at=moments,
    at_s=st.none() | st.floats(-1e5, 1e6),
    by=st.none() | texts,
    source=st.sampled_from(Origin),
    wearer=st.none() | texts,
)


@given(alerts)
def test_json_keeps_everything_in_one_line_but_for_hostile_text(alert):
    line = to_json(alert)
    assert line.isprintable()
    assert to_json(from_json(line)) == line
    if all(str(value).isprintable() for value in to_dict(alert).values()):
        assert from_json(line) == alert


def test_the_fields_are_those_of_the_contract():
    alert = Alert(
        id=alert_id("k3vq7m2xta", "e1"),
        episode="e1",
        state=AlertState.RAISED,
        alert_class=AlertClass.CLINICAL,
        level=Level.HIGH,
        kind="clonus",
        reason="clonus >= 60s",
        rule="clonus >= 60s",
        raised_at=datetime(2026, 11, 21, 2, 14, 7, 310_000, UTC),
        wearer="k3vq7m2xta",
    )
    names = (
        "schema id episode state class level kind reason rule raised_at at at_s by tier until "
        "count source wearer"
    )
    assert " ".join(to_dict(alert)) == names
    assert to_dict(alert)["raised_at"] == "2026-11-21T02:14:07.310Z"
    assert alert.id == alert_id("k3vq7m2xta", "e1") != alert_id("another", "e1")


@given(alerts, st.data())
def test_a_foreign_or_damaged_line_is_one_clear_error(alert, data):
    plain = to_dict(alert)
    name = data.draw(st.sampled_from(list(plain)))
    of_its_kind = ["1"] if name in {"at_s", "tier", "count"} else [1, ...]
    if name == "until":  # younger than the first saved alerts: may be missing
        of_its_kind = [1]
    wrong = data.draw(st.sampled_from([[], {}, True, *of_its_kind]))
    plain.pop(name) if wrong is ... else plain.update({name: wrong})
    with pytest.raises(ValueError, match="alert/1"):
        from_json(json.dumps(plain))


@pytest.mark.parametrize("text", ["", "null", "[1]", '"x"', "NaN", "[" * 100_000, '{"a":1}'])
def test_nonsense_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"."):
        from_json(text)


@given(alerts)
def test_an_alert_that_was_saved_before_it_had_a_place_can_be_read(alert):
    plain = json.loads(to_json(alert))
    del plain["at_s"]

    assert from_json(json.dumps(plain)) == replace(from_json(to_json(alert)), at_s=None)
