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
    code = next((code for kind, code in EXIT_CODES if isinstance(error, kind)), FAULT)
    if isinstance(error, SpasmwatchError):
        out.error(as_called(str(error)))
    elif isinstance(error, OSError):
        what = error.strerror or type(error).__name__
        out.error(f"{error.filename}: {what}" if error.filename else what)
    else:
        what = f"{type(error).__name__}: {error}"
        out.error(
            f"This is a fault in spasmwatch, not a mistake of yours ({what}). For the developers: "
            "run the same command again with -vv and send them what it prints."
        )
    return code
