"""A report as a file, in the form that its name's suffix says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from detector import plain_json
from detector.errors import StorageError
from detector.files import PRIVATE, replacement
from detector.report.reported import ReportedNight

PAPER_WIDTH = 80  # columns of a text file


def as_html(nights: Sequence[ReportedNight]) -> bytes:
    """Return one page for a browser."""
    from detector.report.page import report_html  # noqa: PLC0415 - templates, for pages alone

    return report_html(nights).encode()


def as_pdf(nights: Sequence[ReportedNight]) -> bytes:
    """Return a page of paper; of one night alone."""
    from detector.report.pdf import report_pdf  # noqa: PLC0415 - typst, for paper alone

    (only,) = nights
    return report_pdf(only)


def as_text(nights: Sequence[ReportedNight]) -> bytes:
    """Return what the terminal shows, in 80 columns."""
    from detector.report.lines import report_lines, trial_lines  # noqa: PLC0415 - as above

    lines: list[str] = []
    for each in nights:
        lines += [*([""] if lines else []), *report_lines(each.night, width=PAPER_WIDTH)]
        if each.trial is not None:
            lines += trial_lines(each.trial, width=PAPER_WIDTH)
    return ("\n".join(lines) + "\n").encode()


def as_json(nights: Sequence[ReportedNight]) -> bytes:
    """Return a line of JSON for each night."""
    from detector.report.as_json import payload  # noqa: PLC0415 - as above

    lines = [plain_json.line(payload(each.night, each.trial)) for each in nights]
    return "".join(f"{line}\n" for line in lines).encode()


FORMS: Mapping[str, Callable[[Sequence[ReportedNight]], bytes]] = {
    ".html": as_html,
    ".pdf": as_pdf,
    ".txt": as_text,
    ".json": as_json,
}


def write_report(path: Path, nights: Sequence[ReportedNight]) -> None:
    """Write nights as a file of a suffix in `FORMS`: whole, or not at all.

    Raises
    ------
    StorageError
        The disk does not take it.
    """
    made = FORMS[path.suffix.lower()](nights)
    try:
        with replacement(path, mode=PRIVATE) as draft:
            draft.write_bytes(made)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror or error}") from error
