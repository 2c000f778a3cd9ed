"""The model files, read once when this module is imported: the core itself reads no file."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from importlib import resources
from pathlib import Path
from types import MappingProxyType

from detector.errors import ModelError

LARGEST_BYTES = 1 << 20  # of such a file; ours have up to 400 kB


def model_file(name: str) -> bytes:
    """Return the JSON of `models/<name>/model.json`.

    Raises
    ------
    ModelError
        This installation has no such model; the message names those that it has.
    """
    if name not in MODEL_FILES:
        known = ", ".join(sorted(MODEL_FILES)) or "none: reinstall spasmwatch"
        raise ModelError(f"model {name!r} cannot be read: it is not installed. Installed: {known}")
    return MODEL_FILES[name]


def rates_file(name: str) -> bytes | None:
    """Return the JSON of `models/<name>/rates.json`, None where no error rates were measured."""
    return RATES_FILES.get(name)


def _read(file: str) -> dict[str, bytes]:
    """Read those inside the installed package, or beside it in a checkout."""
    package = Path(str(resources.files("detector")))
    inside = package / "models"
    folder = inside if inside.is_dir() else package.parent / "models"
    found = {}
    for path in folder.glob(f"*-v*/{file}"):
        with suppress(OSError):  # named as missing by who asks for it
            if path.stat().st_size <= LARGEST_BYTES:
                found[path.parent.name] = path.read_bytes()
    return found


MODEL_FILES: Mapping[str, bytes] = MappingProxyType(_read("model.json"))
RATES_FILES: Mapping[str, bytes] = MappingProxyType(_read("rates.json"))
