"""Technical conditions: one list of them, each with its words, and names that never change."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

import detector
from detector.alerts.conditions import Condition
from detector.alerts.policy import Policy
from detector.alerts.rules import DEFAULT_RULES, parse_rules
from detector.dsp.quality import Cause
from detector.night.conditions import SensorConditions
from detector.night.observation import SensorCondition
from detector.night.technical import CONDITIONS
from detector.plain import to_plain
from detector.words.alerts import CONDITION_NAMES

PACKAGE = Path(detector.__file__).parent

PUBLISHED = """
no-signal bluetooth other-address data-lost wrong-rate rate-drift doubled-stream battery
battery-critical battery-unknown stuck non-wear clipped stuck-axis wrong-scale loose-strap
broker broker-lost
broker-refuses nobody-reachable push-failed sound unproven-commands self-test self-test-failed
self-test-overdue path-unconfirmed clock-stepped clock-implausible slept heartbeat overload disk
disk-low recording retention memory detector-stalled internal-fault restart-loop twin-service state
night
"""
"""As receivers and saved states know them: a new one is added here, none is changed."""

ALSO_OTHERS = {
    Condition.BATTERY,  # an entity of Home Assistant, and its device class
    Condition.BLUETOOTH,  # a group of users, a kind of radio switch
    Condition.BROKER,  # a setting, a folder
    Condition.HEARTBEAT,  # the file's name
    Condition.DISK,  # how a recording ended
    Condition.MEMORY,  # a path
    Condition.NIGHT,  # a scenario, a key of the state
    Condition.RECORDING,  # a key
    Condition.SAVED_NIGHT, Condition.SOUND,  # parts of the service
    Condition.STATE,  # a key, a topic
}  # fmt: skip
"""What else has these names; that they are no condition there is checked by types."""


def test_names_that_were_published_are_never_changed():
    assert {str(each) for each in Condition} == {*PUBLISHED.split(), "saved night"}


def test_each_condition_has_words_of_its_own():
    assert set(CONDITION_NAMES) == set(Condition)
    assert len(set(CONDITION_NAMES.values())) == len(Condition)


def test_the_product_names_a_condition_only_by_its_member():
    written = {
        (file.relative_to(PACKAGE).as_posix(), node.value)
        for file in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    names = set(Condition) - ALSO_OTHERS

    assert {place for place, text in written if text in names} == {"alerts/conditions.py"}


def test_each_cause_that_spoils_samples_is_a_condition_of_a_sensor():
    assert set(map(Condition, Cause)) < CONDITIONS < set(Condition)


@pytest.mark.parametrize("condition", Condition)
def test_an_alert_names_its_condition_as_plain_text_saved_or_not(condition, now):
    policy = Policy(parse_rules(DEFAULT_RULES))
    [raised] = policy.condition(condition, active=True, since_ns=0, now=now(0, mono_s=120))
    assert type(raised.kind) is str
    assert raised.kind == condition

    again = Policy(parse_rules(DEFAULT_RULES))
    again.load(json.loads(json.dumps(policy.save())))
    [over] = again.condition(condition, active=False, since_ns=0, now=now(0, mono_s=121))
    assert (over.id, over.kind, over.state) == (raised.id, raised.kind, "resolved")


@pytest.mark.parametrize("condition", sorted(CONDITIONS))
def test_what_sensors_had_is_saved_as_ever_and_other_versions_may_know_more(condition):
    one = SensorConditions()
    one.take("left", SensorCondition(condition, "so", 7), of=2)
    saved = json.loads(json.dumps(one.save()))
    record = {"is": "SensorCondition", "name": str(condition), "why": "so", "since_ns": 7}
    assert saved == {str(condition): {"left": record}}

    newer = {"of-tomorrow": {"left": record | {"name": "of-tomorrow"}}}
    other = SensorConditions()
    other.load(saved | newer)
    assert other.save() == to_plain(one.save())


def test_a_name_that_is_none_is_an_error():
    with pytest.raises(ValueError, match="of-tomorrow"):
        Condition("of-tomorrow")
