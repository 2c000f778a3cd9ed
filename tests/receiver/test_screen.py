"""Laws of a caregiver's screen: what matters is shown, and what was shown is corrected."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

import pytest

from detector.events import SPASM_FAMILY, Kind, Phase, to_dict
from detector.mqtt.contract import Leaf
from detector.receiver.news import ReceivedEntry
from detector.receiver.sounding import Sounding
from detector.terminal.output import Output
from detector.terminal.received import ReceivedScreen
from detector.words.phrases import TITLES
from tests.mqtt.publishing import make_event


def screen(*, everything: bool = False, json: bool = False) -> ReceivedScreen:
    sounding = Sounding(None, mono_s=lambda: 0.0, failed=print)
    return ReceivedScreen(Output(json=json), UTC, sounding, everything=everything)


def entry(n: int, kind: Kind) -> ReceivedEntry:
    event = replace(make_event(n), kind=kind, rhythm_hz=None, phase=Phase.END)
    return ReceivedEntry(Leaf.EVENT, n, to_dict(event), late=False)


@pytest.mark.parametrize("everything", [False, True])
def test_likely_spasms_are_shown_and_the_rest_only_where_it_is_wanted(
    everything: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = screen(everything=everything)
    for n, kind in enumerate(Kind):
        shown.show(entry(n, kind))
    said = capsys.readouterr().out.splitlines()

    wanted = [kind for kind in Kind if everything or kind in SPASM_FAMILY]
    assert [line[10:].split(",")[0] for line in said] == [TITLES[kind] for kind in wanted]


def test_what_was_shown_and_was_something_else_is_corrected(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown = screen()
    shown.show(entry(1, Kind.SPASM))
    shown.show(entry(1, Kind.PLM))
    shown.show(entry(2, Kind.PLM))
    said = capsys.readouterr().out.splitlines()

    assert len(said) == 2
    assert TITLES[Kind.PLM] in said[1]
    assert said[1].endswith("(Corrected.)")


def test_programs_get_every_event(capsys: pytest.CaptureFixture[str]) -> None:
    shown = screen(json=True)
    for n, kind in enumerate(Kind):
        shown.show(entry(n, kind))
    assert len(capsys.readouterr().out.splitlines()) == len(Kind)
