"""Files of mosquitto: its configuration, users and access list. Pure but for the salt.

For 2.0 (Debian 12); 2.1 takes the same and announces that 3.0 will not.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterable, Mapping

from detector.events import Origin
from detector.mqtt.contract import Leaf
from detector.mqtt.home_assistant.buttons import BY as HOME_ASSISTANT
from detector.mqtt.home_assistant.discovery import PREFIX, STATUS

SERVICE = "spasmwatch"
"""User name of the service; no caregiver may have it."""

DISCOVERY = f"{PREFIX}/device/+/config"  # where Home Assistant looks, unless it was told otherwise

ITERATIONS = 101  # mosquitto's own default; the passwords are random, so that more gain nothing
SALT_BYTES = 12  # SALT_LEN of mosquitto 2.0

_ORIGINS = ("", f"{Origin.SIMULATED}/", f"{Origin.REPLAY}/")


def configuration(*, port: int, folder: str) -> str:
    """Return a file for `conf.d`: TLS for all networks, nobody without a password.

    Parameters
    ----------
    folder : in which the other files are, once they are installed
    """
    return f"""\
# Made by `spasmwatch setup tls`. Nobody gets in without a password, on any listener.
allow_anonymous false
password_file {folder}/passwords
acl_file {folder}/acl
listener {port}
certfile {folder}/server.crt
keyfile {folder}/server.key
tls_version tlsv1.2
set_tcp_nodelay true
max_packet_size 262144
max_queued_messages 10000
"""


def access_list(prefix: str, caregivers: Iterable[str]) -> str:
    """Return who may read and write what: the service its topics, caregivers commands.

    Mosquitto denies what is not listed. The watching computer has one login: what its service
    publishes its `listen` reads, and that sends commands, which count only with a caregiver's key.
    A Home Assistant, which cannot sign, presses buttons and sends no command.
    """
    lines = ["# Made by `spasmwatch setup tls`.", f"user {SERVICE}"]
    for base in _bases(prefix):
        lines += [f"topic readwrite {base}/{leaf}" for leaf in (*Leaf, "reply/+", "cmd/+")]
        lines += [f"topic read {base}/ha/+"]
    lines += [f"topic readwrite {DISCOVERY}", f"topic read {STATUS}"]
    for name in caregivers:
        lines += ["", f"user {name}"]
        for base in _bases(prefix):
            lines += [f"topic read {base}/{leaf}" for leaf in Leaf]
            if name == HOME_ASSISTANT:
                lines += [f"topic write {base}/ha/+"]
            else:
                lines += [f"topic read {base}/reply/{name}", f"topic write {base}/cmd/+"]
        if name == HOME_ASSISTANT:
            lines += [f"topic read {DISCOVERY}", f"topic readwrite {STATUS}"]
    return "\n".join([*lines, ""])


def password_line(name: str, password: str) -> str:
    """Return a user's line of the password file: PBKDF2-HMAC-SHA512, mosquitto's format 7."""
    salt = secrets.token_bytes(SALT_BYTES)
    hashed = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
    parts = (base64.b64encode(part).decode() for part in (salt, hashed))
    return f"{name}:$7${ITERATIONS}${'$'.join(parts)}\n"


def settings_lines(values: Mapping[str, str]) -> str:
    """Return the section [mqtt] of a settings file; the values hold no quotation marks."""
    return "".join(["[mqtt]\n", *(f'{key} = "{value}"\n' for key, value in values.items())])


def _bases(prefix: str) -> list[str]:
    return [f"{prefix}/{origin}+" for origin in _ORIGINS]
