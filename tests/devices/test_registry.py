"""Laws of the drivers' register: strangers may add, but neither break nor replace."""

from __future__ import annotations

import sys
import types
from dataclasses import replace
from importlib.metadata import EntryPoint

import pytest

from detector.devices import polar
from detector.devices.profile import Advertisement
from detector.devices.registry import ENTRY_POINTS, installed, load
from detector.errors import ConfigError

ADDED = replace(polar.H10, name="my-sensor", recognises=lambda ad: ad.name.startswith("Mine"))
MISNAMED = replace(polar.H10, name="another")
IMPOSTOR = replace(polar.H10, recognises=lambda _ad: True)
NO_DRIVER = object()


def point(name: str, target: str) -> EntryPoint:
    return EntryPoint(name, f"{__name__}:{target}", ENTRY_POINTS)


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """Let entry points find this module, which importlib mode does not put on the path."""
    module = types.ModuleType(__name__)
    module.__dict__.update(globals())
    monkeypatch.setitem(sys.modules, __name__, module)


def test_the_contracts_sensors_are_built_in():
    assert installed().named("polar-verity-sense") is polar.VERITY_SENSE
    assert installed().named("polar-h10") is polar.H10


def test_a_package_adds_a_driver():
    registry = load([point("my-sensor", "ADDED")])

    assert registry.named("my-sensor") is ADDED
    assert registry.recognise(Advertisement("AA", "Mine 7")) is ADDED
    assert registry.broken == {}


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (EntryPoint("x", "no.such.module:thing", ENTRY_POINTS), "ModuleNotFoundError"),
        (point("x", "NOWHERE"), "AttributeError"),
        (point("x", "NO_DRIVER"), "is no driver: it lacks name, sheet, read_first, channels"),
        (point("x", "MISNAMED"), "calls itself 'another'"),
    ],
)
def test_a_broken_driver_is_an_error_only_for_who_asks_for_it(broken, words):
    registry = load([broken, point("my-sensor", "ADDED")])

    assert registry.named("my-sensor") is ADDED
    with pytest.raises(ConfigError, match=words) as raised:
        registry.named("x")
    assert "'x'" in str(raised.value)


def test_a_built_in_driver_cannot_be_replaced():
    registry = load([point("polar-h10", "IMPOSTOR")])

    assert "in use" in registry.broken["polar-h10"]
    assert registry.named("polar-h10") is polar.H10


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'polar-h10'"):
        installed().named("polar h10")
    with pytest.raises(ConfigError, match="known are polar-verity-sense"):
        installed().named("zzz")
