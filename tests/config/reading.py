"""Reading settings, and what is said of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from detector.config import read_configuration
from detector.errors import ConfigError


def read(tmp_path: Path, text: str, environ=None, flags=None):
    file = tmp_path / "config.toml"
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)
    return read_configuration(file, environ=environ or {}, flags=flags)


def complaint(tmp_path: Path, text: str, environ=None, flags=None) -> str:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text, environ, flags)
    return str(caught.value)
