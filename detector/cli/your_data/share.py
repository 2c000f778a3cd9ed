"""`spasmwatch export --share`: a night to be given away, once its wearer agrees."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from detector import plain_json
from detector.alerts.commands import SaidKind
from detector.errors import RecordingError
from detector.terminal.invocation import Invocation, UsageError, check_target
from detector.words.phrases import NOTICE, counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detector.config import Settings
    from detector.doctor.masking import Mask
    from detector.service.persistence.kept_nights import KeptNight
    from detector.store.formats.shared import SharedRecording

SAID = {SaidKind.SPASM, SaidKind.CLONUS, SaidKind.NOT_A_SPASM}


def share(call: Invocation, night: KeptNight, to: Path, *, agree: bool, replace: bool) -> None:
    """Write a night without names and dates, if whoever wore the sensor agrees.

    Raises
    ------
    UsageError
        Nobody agreed, or the file exists.
    RecordingError
        The night has no recording that can be read.
    """
    from detector.store.formats.shared import write_shared
    from detector.words.consent import CONSENT, SHARED_README

    settings = call.configuration().settings
    check_target("--to", to, ".zip", new=not replace)
    if not night.recordings:
        raise RecordingError(f"{night.evening} has no recording any more: nothing can be given")
    if not agree:
        call.out.say(CONSENT)
        if call.out.json or not sys.stdin.isatty():
            raise UsageError("Nothing was written. Whoever agrees to this adds --agree.")
        if not typer.confirm("Do you agree?", default=False, err=True):
            raise UsageError("Nothing was written.")
    recordings = list(_read(call, night))
    mask = _mask(settings, recordings)
    texts = {"README.txt": SHARED_README, "CONSENT.txt": f"{CONSENT}\nAgreed: yes.\n"}
    names = write_shared(to, recordings, zone=settings.wearer.zone, mask=mask, texts=texts)
    labelled = sum(len(each.labels) for each in recordings)
    if call.out.json:
        body = {"file": str(to), "members": names, "labels": labelled}
        call.out.data(plain_json.line(body))
        return
    call.out.data(f"{to}   {counted(len(recordings), 'sensor')}, {counted(labelled, 'label')}")
    call.out.say(
        "Look at what is in it before you give it away. Labels make it worth most: "
        "docs/contributing-a-night.md says how to add them, and where it goes."
    )
    call.out.say(NOTICE)


def _read(call: Invocation, night: KeptNight) -> Iterator[SharedRecording]:
    from detector.store.formats.exported import whole_recording
    from detector.store.formats.reader import open_recording
    from detector.store.formats.shared import SharedRecording
    from detector.store.recording import Recording

    for path in night.recordings:
        with Recording.open(path) as kept:
            driver = kept.header.driver
        with open_recording(path) as reader:
            recording = whole_recording(reader)
        for warning in recording.warnings:
            call.out.say(warning)
        name = recording.note.recording
        events = [each for each in night.events if each.recording and each.recording.name == name]
        labels = {
            each.id: str(night.labels[each.id].verdict)
            for each in events
            if each.id in night.labels and night.labels[each.id].verdict in SAID
        }
        yield SharedRecording(recording, events, labels, driver)


def _mask(settings: Settings, recordings: list[SharedRecording]) -> Mask:
    """Return what takes out of a sentence all that names somebody or something."""
    from detector.doctor import probes
    from detector.doctor.masking import Mask

    mask = Mask()
    mask.hide("sensor", [each.recording.note.sensor for each in recordings])
    mask.hide("sensor", [sensor.label for sensor in settings.sensors])
    mask.hide("wearer", [settings.wearer.label])
    mask.hide("contact", [contact.name for contact in settings.contact])
    mask.hide("user", [probes.user()])
    mask.hide("host", probes.host_names())
    return mask
