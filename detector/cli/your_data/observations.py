"""`spasmwatch export --format fhir`: what was found in nights, as observations of FHIR R4."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from detector import plain_json
from detector.errors import ModelError, RecordingError
from detector.files import PRIVATE, write_whole
from detector.terminal.failures import NOT_WHOLE, report_failure
from detector.terminal.invocation import Invocation, check_target
from detector.words.phrases import NOTICE, counted

if TYPE_CHECKING:
    from datetime import tzinfo

    from detector.service.persistence.kept_nights import KeptNight
    from detector.store.formats.exported import WholeRecording
    from detector.store.formats.fhir import FhirNight


def write_observations(
    call: Invocation, nights: Sequence[KeptNight], to: Path, wearer: str | None, *, replace: bool
) -> int:
    """Write a bundle of all nights into one file; return the exit code.

    Raises
    ------
    UsageError, StorageError, OSError
        The file exists, or cannot be written.
    """
    from detector.store.formats.fhir import bundle

    check_target("--to", to, ".json", new=not replace)
    zone = call.configuration().settings.wearer.zone
    code, made = 0, []
    for night in nights:
        recordings: list[WholeRecording] = []
        for path in night.recordings:
            try:
                recordings.append(_read(path))
            except RecordingError as error:
                report_failure(error, call.out)
                code = NOT_WHOLE
        made.append(_night(night, recordings, wearer, zone, call))
    body = bundle(made, datetime.now(UTC))
    write_whole(to, json.dumps(body, ensure_ascii=False, indent=1) + "\n", mode=PRIVATE)
    if call.out.json:
        line = {"file": str(to), "what": "observations", "entries": len(body["entry"])}
        call.out.data(plain_json.line(line))
    else:
        call.out.data(
            f"{to}   {counted(len(body['entry']), 'observation')} of {counted(len(made), 'night')}"
        )
        call.out.say(NOTICE)
    return code


def _read(path: Path) -> WholeRecording:
    from detector.store.formats.exported import whole_recording
    from detector.store.formats.reader import open_recording

    with open_recording(path) as reader:
        return whole_recording(reader)


def _night(
    night: KeptNight,
    recordings: Sequence[WholeRecording],
    wearer: str | None,
    zone: tzinfo | None,
    call: Invocation,
) -> FhirNight:
    from detector.evenings import bounds
    from detector.store.formats.fhir import FhirNight

    since, until = bounds(night.evening, zone)
    seen: dict[str | None, float] = defaultdict(float)
    for each in recordings:  # one sensor may have several, one behind the other
        seen[each.note.sensor] += float(each.known.sum()) / each.fs
    true = None
    try:
        true = _true(night, recordings)
    except ModelError as error:
        report_failure(error, call.out)
    return FhirNight(
        evening=night.evening,
        since=since,
        until=until,
        events=night.events,
        watched_s=max(seen.values(), default=None),
        wearer=wearer,
        true=true,
        notice=NOTICE,
    )


def _true(night: KeptNight, recordings: Sequence[WholeRecording]) -> tuple[int, int] | None:
    """Return the interval of the true number of likely spasms, where error rates apply."""
    from detector.evaluation.wearing import context_hours
    from detector.recognition.counts.error_rates import Counted
    from detector.recognition.counts.night_counts import counts_of_night
    from detector.store.formats.checks import runs

    models = {each.detector.model for each in night.events if each.detector}
    if len(recordings) != 1 or len(models) != 1:
        return None
    (only,) = recordings
    spans = [(start / only.fs, stop / only.fs) for start, stop in runs(only.known)]
    counts = counts_of_night(
        night.events,
        context_hours(night.events, spans),
        model=models.pop(),
        site=only.note.site or "ankle",
    )
    found = counts.of(Counted.LIKELY).true
    return None if found is None else (found.low, found.high)
