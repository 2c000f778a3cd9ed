"""Address of a broker, and the credentials for it."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from detector.config import MqttSettings
from detector.config.values import PORTS, is_this_computer
from detector.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Tls:
    """TLS that checks the broker's name and authority; the system's authorities by default."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    def context(self) -> ssl.SSLContext:
        """Return the TLS context with these files (TLS 1.2 or newer).

        Raises
        ------
        ConfigError
            A file is missing or is not what it should be.
        """
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:
            raise ConfigError(f"cannot use {self.ca_file} as authority: {error}") from error
        if self.cert_file is not None:
            try:
                context.load_cert_chain(self.cert_file, self.key_file)
            except OSError as error:
                raise ConfigError(f"cannot use certificate {self.cert_file}: {error}") from error
        return context


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One broker. A password goes to another machine only over TLS, unless `insecure` is set.

    Raises
    ------
    ConfigError
        What is wrong and what to write instead; the password is never part of it.
    """

    host: str = "127.0.0.1"
    port: int = PORTS["mqtt"]
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: Tls | None = None
    insecure: bool = False

    def __post_init__(self) -> None:
        if not _HOST.fullmatch(self.host):
            raise ConfigError(f"the broker's host must be a name or address, got {self.host!a:.80}")
        if not 0 < self.port < 65536:
            raise ConfigError(f"the broker's port must be from 1 to 65535, got {self.port}")
        if self.password is not None and self.username is None:
            raise ConfigError(f"the broker {self} has a password but no user name; give both")
        if self.password and not (self.tls or self.insecure or self.is_local):
            raise ConfigError(
                f"the password for {self} would cross the network unencrypted: "
                "use mqtts://, or set insecure = true if you accept that"
            )

    @property
    def is_local(self) -> bool:
        """Whether nothing leaves this machine."""
        return is_this_computer(self.host)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def configured(options: MqttSettings) -> Endpoint | None:
    """Return the broker that the settings name; None where spasmwatch is to find or start one.

    Raises
    ------
    ConfigError
        Settings that do not go together, or a password file that cannot be used.
    """
    address = options.address
    if address is None:
        return None
    tls = Tls(options.ca_file, options.cert_file, options.key_file) if address.tls else None
    return Endpoint(
        host=address.host,
        port=address.port,
        username=options.username,
        password=options.secret(),
        tls=tls,
        insecure=options.insecure,
    )


_HOST = re.compile(r"[A-Za-z0-9_.:%-]{1,253}")
