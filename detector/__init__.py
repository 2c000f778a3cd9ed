"""spasmwatch: watches a movement sensor on the leg and finds likely spasms and clonus.

From Python: `from detector import detect, load, load_night, Event`; names load when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from detector.release import VERSION

if TYPE_CHECKING:
    from detector.events import Event, Kind
    from detector.night.offline import detect
    from detector.notebook import load_night
    from detector.store.formats.reader import load

__all__ = ["Event", "Kind", "__version__", "detect", "load", "load_night"]
__version__ = VERSION

_HOMES = {
    "Event": "detector.events",
    "Kind": "detector.events",
    "detect": "detector.night.offline",
    "load": "detector.store.formats.reader",
    "load_night": "detector.notebook",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
