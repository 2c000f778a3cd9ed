"""A script is read as it is written, and refused in one sentence; its page is checked."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from bleak import BleakScanner
from hypothesis import given
from hypothesis import strategies as st

from detector.errors import ConfigError
from firmware_sim.__main__ import main
from firmware_sim.chaos import chaos
from firmware_sim.child import running_air
from firmware_sim.faults import KINDS, Burst, LinkDrop, Neighbours, OutOfRange, SmallMtu
from firmware_sim.link import SUPERVISION_S
from firmware_sim.script import Entry, Script, parse_script, read_script, written

from .conftest import PATIENCE_S

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"


@given(
    st.integers(0, 2**63 - 1),
    st.one_of(st.none(), st.builds(Neighbours, st.integers(0, 2000))),
)
def test_what_is_written_is_read_again(seed, neighbours):
    entries = [Entry(SmallMtu(30, "cut"), 1), Entry(Burst(3, 0.1)), Entry(OutOfRange(5))]
    entries += [Entry(fault, 2) for fault in chaos(seed, 1000, sensor=2) if fault.at_s > 20]
    script = Script((), neighbours, seed)
    for entry in entries:
        grown = dataclasses.replace(script, entries=(*script.entries, entry))
        try:
            grown.faults_of(2)
        except ValueError:
            continue
        script = grown

    assert parse_script(written(script), sensors=2) == script


def test_a_fault_is_everybodys_unless_it_names_a_sensor():
    text = """
        [[fault]]
        kind = "link-drop"
        at_s = 9
        for_s = 1
        [[fault]]
        kind = "burst"
        at_s = 2
        for_s = 1
        sensor = 2
    """
    script = parse_script(text, sensors=2)

    assert script.faults_of(1) == (LinkDrop(9, 1),)
    assert script.faults_of(2) == (Burst(2, 1), LinkDrop(9, 1))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[fault]\n", "line 1: not TOML"),
        ("seed = 1\nx = [\n", "line 3: not TOML"),
        ("[" * 5000, "line 1"),
        ("seed = 1\n\nfaults = 3\n", "line 3: faults is not known here: did you mean fault?"),
        ("seed = -1\n", "line 1: seed must be a whole number, 0 or more"),
        ("seed = true\n", "line 1: seed must be"),
        ("\n[fault]\nkind = 'burst'\n", "line 2: write [[fault]], in double brackets"),
        ("[[fault]]\nat_s = 3\n", "line 1: kind is missing: take one of out-of-range, slow-link"),
        (
            "[[fault]]\nat_s = 3\nkind = 'bursts'\n",
            'line 3: kind = "bursts" is not known: did you mean burst?',
        ),
        ("[[fault]]\nkind = ['burst']\n", 'line 2: kind = ["burst"] is not known'),
        (
            "[[fault]]\nkind = 'burst'\nat = 3\n",
            "line 3: at is not a key of burst: did you mean at_s?",
        ),
        (
            "[[fault]]\nkind = 'mtu'\ncolour = 3\n",
            "line 3: colour is not a key of mtu: it has octets, frames",
        ),
        ("[[fault]]\nkind = 'burst'\nat_s = '3'\n", 'line 3: at_s = "3" must be a number'),
        ("[[fault]]\nkind = 'burst'\nat_s = true\n", "line 3: at_s = true must be a number"),
        ("[[fault]]\nkind = 'mtu'\noctets = 30.5\n", "octets = 30.5 must be a whole number"),
        (
            "[[fault]]\nkind = 'stuck-axis'\naxis = 'w'\n",
            'line 3: axis = "w" must be one of "x", "y", "z"',
        ),
        ("[[fault]]\nkind = 'mtu'\noctets = 7\n", "line 3: octets must be 23 to 517, got 7"),
        ("[[fault]]\nkind = 'burst'\nat_s = nan\nfor_s = 1\n", "line 3: at_s must be a number of"),
        ("[[fault]]\nkind = 'burst'\n", 'line 2: kind = "burst": for_s is missing'),
        ("[[fault]]\nkind = 'link-drop'\nat_s = 1\n", "a drop needs two positive numbers"),
        ("[[fault]]\nkind = 'mtu'\nsensor = 3\n", "line 3: sensor must be 1 to 2, got 3"),
        (
            "[[fault]]\nkind = 'neighbours'\nsensor = 1\n",
            "line 3: sensor neighbours concern all sensors",
        ),
        (
            "[[fault]]\nkind = 'mtu'\n# again\n[[fault]]\nkind = 'mtu'\n",
            "line 5: kind SmallMtu",
        ),
        (
            "fault = [{kind = 'burst', at_s = 1, for_s = 3}, {kind = 'burst', at_s = 2}]",
            'line 1: kind = "burst": for_s is missing',
        ),
    ],
)
def test_a_bad_script_gets_one_sentence_with_its_place_and_remedy(tmp_path, text, sentence):
    path = tmp_path / "faults.toml"
    path.write_text(text)

    with pytest.raises(ConfigError) as error:
        read_script(path, sensors=2)

    assert sentence in str(error.value)
    assert str(error.value).startswith(f"{path} ")
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_text_too_large_or_missing_is_refused(tmp_path):
    path = tmp_path / "faults.toml"
    with pytest.raises(ConfigError, match="name a script that exists"):
        read_script(path, sensors=1)
    path.write_bytes(b"seed = 1\n\xff")
    with pytest.raises(ConfigError, match="line 2: not UTF-8"):
        read_script(path, sensors=1)
    path.write_bytes(b"#" * 70_000)
    with pytest.raises(ConfigError, match="larger than 64 kB"):
        read_script(path, sensors=1)


@given(st.text(max_size=200))
def test_whatever_the_text_nothing_but_a_sentence_comes_of_it(text):
    with pytest.raises(ValueError, match=r"^line \d+: "):  # the first fault has no end
        parse_script("[[fault]]\nkind = 'burst'\n" + text, sensors=1)


def test_the_command_shows_what_a_seed_means_and_refuses_a_bad_script(trace_file, tmp_path, capfd):
    trace, _ = trace_file(52 * 300, 52)
    assert main([str(trace), "--sensors", "2", "--chaos", "7", "--show-script"]) == 0
    shown = capfd.readouterr().out
    script = parse_script(shown, sensors=2)
    assert script.seed == 7
    for sensor in (1, 2):
        assert script.faults_of(sensor) == chaos(7, 300, sensor=sensor)

    path = tmp_path / "faults.toml"
    path.write_text(shown)
    assert main([str(trace), "--sensors", "2", "--script", str(path), "--show-script"]) == 0
    assert capfd.readouterr().out == shown
    assert main([str(trace), "--script", str(path)]) == 78  # there is no second sensor
    assert main([str(trace), "--chaos", "-7"]) == 2
    said, complaint = capfd.readouterr()
    assert said == ""
    assert "sensor must be 1 to 1, got 2" in complaint
    assert complaint.count("\n") == 2


def test_the_process_follows_its_script_at_the_speed_of_its_sensor(listener, trace_file, tmp_path):
    trace, mg = trace_file(52 * 120, 52)
    path = tmp_path / "faults.toml"
    path.write_text(
        "[[fault]]\nkind = 'out-of-range'\nat_s = 60\nfor_s = 30\n"
        "[[fault]]\nkind = 'neighbours'\ncount = 3\n"
    )

    async def law():
        async with running_air(str(trace), "--speed", "30", "--script", str(path)) as air:
            house = listener(air.address)
            async with asyncio.timeout(PATIENCE_S):
                while len(found := await BleakScanner.discover(1, backend=house.scanner)) < 4:
                    pass
            assert len(found) == 4
            session = await house.connect(air.sensors[0]["name"])
            await session.start(52)
            await session.over()
            again = await house.connect(air.sensors[0]["name"])
            await again.client.disconnect()
            return session, [event async for event in air.events()]

    session, events = asyncio.run(law())
    # Thirty sensor seconds are one of the wall: a busy machine is late, and never early.
    assert len(session.samples) == pytest.approx(60 * 52, abs=10 * 52)
    np.testing.assert_array_equal(session.samples, mg[: len(session.samples)])
    faults = [(e["kind"], e["at_s"], e["on"]) for e in events if e["event"] == "fault"]
    assert faults == [("out-of-range", 60, True), ("out-of-range", 90, False)]
    lost = next(e for e in events if e["event"] == "link" and not e["up"])
    assert lost["reason"] == 0x08
    assert 60 + SUPERVISION_S <= lost["at_s"] < 90


# The page

EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)
SECTIONS = dict(re.findall(r"^### `([a-z-]+)`\n(.*?)(?=^#|\Z)", PAGE.read_text(), re.M | re.S))


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_of_the_page_can_be_followed(example):
    assert parse_script(example, sensors=2) != Script()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_section_with_an_example_and_all_its_keys(kind):
    section = SECTIONS[kind]
    assert f'kind = "{kind}"' in section
    assert KINDS[kind].__doc__.splitlines()[0] in section
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", section, re.MULTILINE))
    fields = {field.name: field.default for field in dataclasses.fields(KINDS[kind])}
    try:
        KINDS[kind]()
    except ValueError as error:
        needed = {"link-drop": ("at_s", "for_s")}.get(kind, (str(error).split(" ")[0],))
        fields |= dict.fromkeys(needed, "needed")
    assert rows == {name: _said(default) for name, default in fields.items()}


def test_the_page_has_no_section_of_another_kind():
    assert list(SECTIONS) == list(KINDS)


def _said(default: object) -> str:
    if default == "needed":
        return "needed"
    if default == math.inf:
        return "to the end"
    text = json.dumps(default)
    return text.removesuffix(".0") if isinstance(default, float) else text
