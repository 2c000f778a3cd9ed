"""Whether the files that the settings name for the broker can be used."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from shlex import quote

from detector.config import FollowSettings, MqttSettings
from detector.errors import ConfigError
from detector.files import read_start
from detector.mqtt.endpoint import Tls
from detector.mqtt.security.keys import check_keys, read_caregiver_key

TLS_FILES = ("ca_file", "cert_file", "key_file")
MADE = "correct the path, or let `spasmwatch setup tls` make it"


def credential_problems(options: MqttSettings) -> list[str]:
    """Return what is wrong with the files of `[mqtt]`, a sentence for each, with its remedy."""
    if options.broker == "none":
        return []
    problems: list[str] = []
    try:
        options.secret()
    except ConfigError as error:
        problems.append(str(error))
    if options.signing_file is not None:
        try:
            check_keys(options.signing_file)
        except ConfigError as error:
            problems.append(str(error))
    missing = [told for name in TLS_FILES if (told := _missing(name, getattr(options, name)))]
    if missing:
        return problems + missing
    try:
        Tls(options.ca_file, options.cert_file, options.key_file).context()
    except ConfigError as error:
        problems.append(str(error))
    return problems


def followed_problems(followed: Sequence[FollowSettings]) -> list[str]:
    """Return what is wrong with the keys of `[[follow]]`, a sentence for each, with its remedy."""
    problems: list[str] = []
    for each in followed:
        if each.key_file is not None:
            try:
                read_caregiver_key(each.key_file, None)
            except ConfigError as error:
                problems.append(f"follow {each.wearer}: {error}")
    return problems


def exposed_key(options: MqttSettings) -> str | None:
    """Return what to do about a private key that everybody on this computer may read."""
    path = options.key_file
    try:
        if path is None or not path.stat().st_mode & 0o004:
            return None
    except OSError:
        return None
    return f"mqtt.key_file {path} can be read by everybody: chmod 600 {quote(str(path))}"


def _missing(name: str, path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        read_start(path, 1)
    except OSError as error:
        return f"mqtt.{name} {path}: {error.strerror}: {MADE}"
    return None
