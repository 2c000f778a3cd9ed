"""Libraries that only some files need: imported when one of these is read or written."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from detector.errors import RecordingError


def library(module: str, kind: str, name: str) -> Any:
    """Return a module of the extra `export`.

    Parameters
    ----------
    kind : of file that needs it, for people; `name` of the file

    Raises
    ------
    RecordingError
        It is not installed; the message says how it is.
    """
    try:
        return import_module(module)
    except ImportError:
        package = module.partition(".")[0]
        raise RecordingError(
            f"{name}: {kind} needs {package}: pip install 'spasmwatch[export]'"
        ) from None
