"""The page about sensors says what the drivers say, and its example works."""

from __future__ import annotations

import re
import struct
import sys
import types
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from detector.devices import polar
from detector.devices.page import page
from detector.devices.profile import Advertisement, Chunk
from detector.devices.refused import PINETIME, REFUSED
from detector.devices.registry import BUILT_IN, ENTRY_POINTS, load
from detector.errors import ProtocolError

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_in_the_documents_is_what_the_drivers_say():
    written = (DOCS / "devices.md").read_text(encoding="utf-8")

    assert page(BUILT_IN, REFUSED) == written, "run `make docs`"


def test_every_driver_and_every_refusal_is_on_it():
    text = page(BUILT_IN, REFUSED)

    for driver in BUILT_IN:
        (row,) = [line for line in text.splitlines() if f"`{driver.name}`" in line and "|" in line]
        sheet = driver.sheet
        for fact in (sheet.title, sheet.support, sheet.evidence, sheet.battery, sheet.loss):
            assert fact in row
        assert sheet.advice in text
        assert sheet.source in text
    for refusal in REFUSED:
        assert refusal.because in text
    assert "`make docs`" in text


def test_a_word_with_a_bar_in_it_breaks_no_table():
    odd = replace(polar.H10, sheet=replace(polar.H10.sheet, battery="a|b\nc"))
    row = next(line for line in page([odd], [PINETIME]).splitlines() if "polar-h10" in line)

    assert "a\\|b c" in row


@pytest.fixture
def example(monkeypatch):
    """The page's driver, as the module of a package that brings it."""
    (code,) = re.findall(r"```python\n(.*?)```", page(BUILT_IN, REFUSED), re.DOTALL)
    module = types.ModuleType("my_sensor")
    monkeypatch.setitem(sys.modules, "my_sensor", module)
    exec(compile(code, "docs/devices.md", "exec"), module.__dict__)  # noqa: S102
    return module


def test_the_drivers_example_is_a_driver(example):
    registry = load([EntryPoint("my-sensor", "my_sensor:DRIVER", ENTRY_POINTS)])
    assert registry.broken == {}
    driver = registry.recognise(Advertisement("AA", "My sensor 7"))
    assert driver is example.DRIVER
    conversation = driver.converse()

    assert conversation.open() == conversation.restart() == conversation.close() == []
    outputs = conversation.feed(driver.channels[0], struct.pack("<3h", 1000, -500, 0))
    (chunk,) = [output for output in outputs if isinstance(output, Chunk)]
    assert chunk.samples.tolist() == [[1, -0.5, 0]]
    assert driver.decode(struct.pack("<3h", 1, 2, 3)).t_ns is None
    with pytest.raises(ProtocolError):
        driver.decode(b"\0")
