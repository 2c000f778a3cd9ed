"""Read a secret from the first line of a file that is its owner's alone."""

from __future__ import annotations

import os
from pathlib import Path
from shlex import quote

from detector.errors import ConfigError
from detector.files import read_start

LONGEST_SECRET = 4096  # bytes; a larger file is the wrong file


def credential(name: str) -> Path | None:
    """Return the file in which systemd hands this service a secret; None where it has none."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    path = None if not folder else Path(folder) / name
    return path if path is not None and path.is_file() else None


def read_secret(path: Path, setting: str, what: str) -> str:
    """Return the first line of a file.

    Parameters
    ----------
    setting : that names the file, such as mqtt.password_file
    what : such as password

    Raises
    ------
    ConfigError
        The file cannot be read, holds no such line, or can be read by everybody.
    """
    try:
        readable_by_all = path.stat().st_mode & 0o004
        data = read_start(path, LONGEST_SECRET + 1)
    except OSError as error:
        told = f"{setting} {path}: {error.strerror}"
        if isinstance(error, FileNotFoundError):
            place = quote(str(path))
            told += (
                f". Make it, for you alone, and write the {what} in its first line: "
                f"install -D -m 600 /dev/null {place} && nano {place}"
            )
        raise ConfigError(told) from None
    if readable_by_all:
        mode = f"chmod 600 {quote(str(path))}"
        raise ConfigError(f"{setting} {path} can be read by everybody: {mode}")
    try:
        line = data.decode().partition("\n")[0].strip()
    except UnicodeDecodeError:
        line = ""
    if not line or len(data) > LONGEST_SECRET:
        raise ConfigError(f"{setting} {path} does not hold a {what} in its first line")
    return line
