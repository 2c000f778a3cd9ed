"""The page's certificate: a TLS context, and by which names it may be asked."""

from __future__ import annotations

import ssl
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from detector.errors import ConfigError
from detector.files import read_start

LARGEST_BYTES = 65_536
REMEDY = "`spasmwatch setup tls --page` makes both"


def context_of(cert_file: Path, key_file: Path) -> ssl.SSLContext:
    """Return a context of a server with this certificate.

    Raises
    ------
    ConfigError
        A file cannot be used: which, why, and what to do.
    """
    for name, path in (("cert_file", cert_file), ("key_file", key_file)):
        try:
            read_start(path, 1)
        except OSError as error:
            raise ConfigError(f"web.{name} {path}: {error.strerror}; {REMEDY}") from None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(cert_file, key_file, password=_no_password)
    except (ssl.SSLError, ValueError, OSError) as error:
        raise ConfigError(
            f"web.cert_file {cert_file} and web.key_file {key_file} are no certificate and its "
            f"key in PEM ({error}); {REMEDY}"
        ) from None
    return context


def names_of(cert_file: Path) -> tuple[str, ...]:
    """Return the names and addresses a certificate is for; ConfigError where it is none."""
    try:
        found = x509.load_pem_x509_certificate(read_start(cert_file, LARGEST_BYTES))
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound) as error:
        raise ConfigError(f"web.cert_file {cert_file} names no host ({error}); {REMEDY}") from None
    dns = [name.lower() for name in names.get_values_for_type(x509.DNSName) if "*" not in name]
    numbers = [str(each) for each in names.get_values_for_type(x509.IPAddress)]
    return tuple(dict.fromkeys([*dns, *numbers]))


def ends_at(cert_file: Path) -> datetime:
    """Return when a certificate ends; ConfigError as `names_of`."""
    return _read(cert_file).not_valid_after_utc


def digest_of(cert_file: Path) -> str:
    """Return the SHA-256 of a certificate, in hex; ConfigError as `names_of`."""
    return _read(cert_file).fingerprint(SHA256()).hex()


def _read(cert_file: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(read_start(cert_file, LARGEST_BYTES))
    except (OSError, ValueError) as error:
        raise ConfigError(f"web.cert_file {cert_file} cannot be read ({error}); {REMEDY}") from None


def _no_password() -> str:
    raise ValueError("the key needs a password, which nobody is there to type at night")
