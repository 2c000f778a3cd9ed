"""Turn any error into one sentence and an exit code."""

from __future__ import annotations

import traceback

from detector.errors import (
    ConfigError,
    LinkError,
    ModelError,
    ProtocolError,
    RecordingError,
    RecordingNotFoundError,
    ServiceError,
    SpasmwatchError,
    StorageError,
)
from detector.terminal.invocation import as_called
from detector.terminal.output import Output

# After BSD's sysexits.h; the first class that fits is taken.
EXIT_CODES: tuple[tuple[type[Exception], int], ...] = (
    (RecordingNotFoundError, 66),
    (RecordingError, 65),
    (ProtocolError, 65),
    (LinkError, 69),
    (ServiceError, 69),
    (ConfigError, 78),
    (ModelError, 78),
    (StorageError, 74),
    (OSError, 74),
)
NOT_WHOLE = 65  # a recording is damaged: what is whole of it was read
NOT_KEPT = 74  # events that the disk did not take
FAULT = 1  # a defect of spasmwatch
TRACEBACK_VERBOSITY = 2  # -v -v


def report_failure(error: Exception, out: Output) -> int:
    """Write what went wrong to stderr; return the exit code."""
    if out.verbosity >= TRACEBACK_VERBOSITY:
        out.error("".join(traceback.format_exception(error)).rstrip())
    out.error(failure_words(error))
    return next((code for kind, code in EXIT_CODES if isinstance(error, kind)), FAULT)


def failure_words(error: Exception) -> str:
    """Return what a person is told of an error."""
    if isinstance(error, SpasmwatchError):
        return as_called(str(error))
    if isinstance(error, OSError):
        what = error.strerror or type(error).__name__
        return f"{error.filename}: {what}" if error.filename else what
    what = f"{type(error).__name__}: {error}"
    return (
        f"This is a fault in spasmwatch, not a mistake of yours ({what}). For the developers: "
        "run the same command again with -vv and send them what it prints."
    )
