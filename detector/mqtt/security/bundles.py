"""The folder that `setup tls` makes: what broker, service, page and each caregiver get.

Only its owner may read it. Passwords are random and are written to files alone.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from shutil import rmtree
from typing import Any

from detector import plain_json
from detector.channels import RECEIVER_NAME
from detector.errors import ConfigError, StorageError
from detector.files import read_start
from detector.mqtt.home_assistant.buttons import BY as HOME_ASSISTANT
from detector.mqtt.security.authority import (
    Certificate,
    broker_certificate,
    page_certificate,
)
from detector.mqtt.security.broker_files import (
    SERVICE,
    access_list,
    configuration,
    password_line,
    settings_lines,
)
from detector.mqtt.security.keys import (
    HERE,
    LARGEST_BYTES,
    ServiceKeys,
    read_service_keys,
    write_secret,
)

PLAN = "plan.json"
SIGNING = "signing.keys"
PAGE = "page"
INSTALLED = "/etc/mosquitto/spasmwatch"  # where the broker's folder goes on Debian
THEIRS = "~/.config/spasmwatch"  # where a caregiver's folder goes, on their computer
PASSWORD_BYTES = 24  # 192 random bits: none is found by trying


@dataclass(frozen=True, slots=True)
class Plan:
    """What the files of a folder are made for.

    Parameters
    ----------
    hosts : names and addresses of the broker; caregivers connect to the first
    service_host : by which the service reaches it
    installed : folder of the broker's files where the broker runs
    """

    hosts: tuple[str, ...]
    service_host: str
    port: int
    prefix: str
    installed: str = INSTALLED

    def to_json(self) -> str:
        """Return the text of the file."""
        return plain_json.line({"schema": "tls-plan/1", **asdict(self)})


def check_names(names: Sequence[str], known: Sequence[str] = ()) -> None:
    """Check that these can be new caregivers; ConfigError says which cannot, and why."""
    for number, name in enumerate(names):
        if not RECEIVER_NAME.fullmatch(name):
            raise ConfigError(f"{name!a:.80} is no name: up to 32 of a-z, 0-9, _ and -")
        if name in (SERVICE, HERE):
            raise ConfigError(f"{name} is a name of the watching computer: choose another")
        if name in known or name in names[:number]:
            raise ConfigError(f"{name} has credentials already: choose another name")


def make(folder: Path, plan: Plan, caregivers: Sequence[str], *, now: datetime) -> None:
    """Make a folder that does not exist yet; either whole or not at all.

    Raises
    ------
    ConfigError
        A name or host cannot be used; the clock is not set.
    StorageError
        It cannot be written.
    """
    check_names(caregivers)
    authority, broker = broker_certificate(plan.hosts, now=now)
    draft = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        for place in (draft, draft / "broker", draft / "service", draft / "caregivers"):
            place.mkdir(mode=0o700)
        write_secret(draft / "ca.key", authority.key)
        for place in (draft, draft / "broker", draft / "service"):
            write_secret(place / "ca.crt", authority.certificate)
        write_secret(draft / "broker/server.crt", broker.certificate)
        write_secret(draft / "broker/server.key", broker.key)
        conf = configuration(port=plan.port, folder=plan.installed)
        write_secret(draft / "broker/spasmwatch.conf", conf)
        password = _password()
        write_secret(draft / "broker/passwords", password_line(SERVICE, password))
        write_secret(draft / "service/password", password + "\n")
        write_secret(draft / "service" / SIGNING, ServiceKeys.new().to_json())
        write_secret(draft / "service/config.toml", settings_lines(service_settings(folder, plan)))
        _add(draft, plan, caregivers)
        write_secret(draft / PLAN, plan.to_json())
        _add_page(draft, plan, now)
        draft.rename(folder)
    except OSError as error:
        rmtree(draft, ignore_errors=True)
        raise StorageError(f"{folder}: {error.strerror}. Nothing was changed.") from error


def add(folder: Path, names: Sequence[str]) -> None:
    """Make credentials of more caregivers; those of the others stay.

    Raises
    ------
    ConfigError
        A name cannot be used, or the folder is not one that `make` made.
    StorageError
        It cannot be written.
    """
    plan = read_plan(folder)
    check_names(names, _names(_keys(folder)))
    try:
        _add(folder, plan, names)
    except OSError as error:
        raise StorageError(f"{folder}: {error.strerror}") from error


def add_page(folder: Path, *, now: datetime) -> None:
    """Make a new certificate of the page: for a folder without one, or before it ends.

    Raises
    ------
    ConfigError
        The folder is not one that `make` made; the clock is not set.
    StorageError
        It cannot be written.
    """
    plan = read_plan(folder)
    try:
        _add_page(folder, plan, now)
    except OSError as error:
        raise StorageError(f"{folder}: {error.strerror}") from error


def remove(folder: Path, name: str) -> None:
    """Take a caregiver out, whose device was lost: broker and service know them no more.

    Raises
    ------
    ConfigError
        There is none of that name.
    StorageError
        It cannot be written.
    """
    plan, keys = read_plan(folder), _keys(folder)
    if name not in _names(keys):
        known = ", ".join(_names(keys)) or "none"
        raise ConfigError(f"{folder} has no caregiver {name!a:.80}, only: {known}")
    try:
        lines = (folder / "broker/passwords").read_text().splitlines(keepends=True)
        users = "".join(line for line in lines if not line.startswith(f"{name}:"))
        write_secret(folder / "broker/passwords", users)
        _write_known(folder, plan, keys.without(name))
        rmtree(folder / "caregivers" / name)
    except OSError as error:
        raise StorageError(f"{folder}: {error.strerror}") from error


def caregivers_of(folder: Path) -> dict[str, Path]:
    """Return everybody's folder by name."""
    return {name: folder / "caregivers" / name for name in _names(_keys(folder))}


def read_plan(folder: Path) -> Plan:
    """Return what a folder was made for; ConfigError where it is not one of ours."""
    try:
        said = plain_json.read(
            read_start(folder / PLAN, LARGEST_BYTES + 1), most_bytes=LARGEST_BYTES
        )
        hosts = tuple(map(str, said["hosts"]))
        where = str(said["service_host"]), int(said["port"])
        return Plan(hosts, *where, prefix=str(said["prefix"]), installed=str(said["installed"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{folder} holds no credentials ({error}): make some with `spasmwatch setup tls`"
        ) from None


def service_settings(folder: Path, plan: Plan) -> dict[str, str]:
    """Return the service's settings in [mqtt]."""
    return _settings(plan.service_host, plan, SERVICE, str(folder / "service"))


def page_settings(folder: Path, port: int) -> dict[str, str]:
    """Return the page's settings in [web], by which phones reach it at a port."""
    page, host = folder / PAGE, read_plan(folder).hosts[0]
    return {
        "bind": "0.0.0.0",  # noqa: S104 - over TLS, after a login
        "cert_file": str(page / "server.crt"),
        "key_file": str(page / "server.key"),
        "public_url": f"https://{f'[{host}]' if ':' in host else host}:{port}",
    }


def _add_page(folder: Path, plan: Plan, now: datetime) -> None:
    parts = [read_start(folder / name, LARGEST_BYTES).decode() for name in ("ca.crt", "ca.key")]
    made = page_certificate(Certificate(*parts), plan.hosts, now=now)
    (folder / PAGE).mkdir(mode=0o700, exist_ok=True)
    write_secret(folder / PAGE / "server.crt", made.certificate)
    write_secret(folder / PAGE / "server.key", made.key)


def _settings(host: str, plan: Plan, user: str, folder: str) -> dict[str, str]:
    return {
        "broker": f"mqtts://{f'[{host}]' if ':' in host else host}:{plan.port}",
        "prefix": plan.prefix,
        "username": user,
        "password_file": f"{folder}/password",
        "ca_file": f"{folder}/ca.crt",
        "signing_file": f"{folder}/{SIGNING}",
    }


def _add(folder: Path, plan: Plan, names: Sequence[str]) -> None:
    """Write the files of new caregivers, then what broker and service know of everybody."""
    keys = _keys(folder)
    users = (folder / "broker/passwords").read_text()
    authority = (folder / "ca.crt").read_text()
    for name in names:
        keys = keys.with_new(name)
        place, password = folder / "caregivers" / name, _password()
        place.mkdir(mode=0o700, exist_ok=True)  # of an attempt that the disk ended
        write_secret(place / "password", password + "\n")
        write_secret(place / "ca.crt", authority)
        if name != HOME_ASSISTANT:  # which has settings of its own, and cannot sign
            settings = _settings(plan.hosts[0], plan, name, THEIRS)
            write_secret(place / "config.toml", settings_lines(settings))
            write_secret(place / SIGNING, keys.of(name).to_json())
        users += password_line(name, password)
    write_secret(folder / "broker/passwords", users)
    _write_known(folder, plan, keys)


def _write_known(folder: Path, plan: Plan, keys: ServiceKeys) -> None:
    write_secret(folder / "broker/acl", access_list(plan.prefix, _names(keys)))
    write_secret(folder / "service" / SIGNING, keys.to_json())


def _keys(folder: Path) -> ServiceKeys:
    return read_service_keys(folder / "service" / SIGNING)


def _names(keys: ServiceKeys) -> list[str]:
    """Return the caregivers; the receiver of the watching computer has no login of its own."""
    return [name for name in keys.caregivers if name != HERE]


def _password() -> str:
    return secrets.token_urlsafe(PASSWORD_BYTES)


def summary(folder: Path, plan: Plan, page_port: int) -> dict[str, Any]:
    """Return what was made, without a secret, for programs."""
    made = {name: str(place) for name, place in caregivers_of(folder).items()}
    return asdict(plan) | {
        "folder": str(folder),
        "broker": str(folder / "broker"),
        "caregivers": made,
        "settings": service_settings(folder, plan),
        "page": page_settings(folder, page_port),
    }
