"""An authority of one household, and certificates of the broker and the page: X.509."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from detector.errors import ConfigError

VALID = timedelta(days=3650)
"""A certificate that ends in some night stops all alerts: ten years, longer than the computer.
Nobody revokes one here: `setup tls` makes a new authority, and the old one is trusted no more."""

BEFORE = timedelta(days=1100)
"""A computer without a clock starts with the date of its system's image; three years cover that."""

PAGE_VALID = timedelta(days=820)
PAGE_BEFORE = timedelta(days=2)
"""Of the page's: Apple's devices trust no server's certificate of more than 825 days
(support.apple.com/103769); `setup tls --page` makes a new one."""

CLOCK_SET = datetime(2026, 1, 1, tzinfo=UTC)  # a clock before this release is not set


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate and its private key, both PEM."""

    certificate: str
    key: str = field(repr=False)


def broker_certificate(hosts: Sequence[str], *, now: datetime) -> tuple[Certificate, Certificate]:
    """Return a new authority, and the certificate of a broker that these hosts are.

    Parameters
    ----------
    hosts : names and addresses by which others reach the broker

    Raises
    ------
    ConfigError
        A host is no name or address; or the clock is not set.
    """
    _check_clock(now)
    alternatives = [_alternative(host) for host in hosts]
    own_key = ec.generate_private_key(ec.SECP256R1())
    own_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "spasmwatch authority")])
    own_id = x509.SubjectKeyIdentifier.from_public_key(own_key.public_key())
    authority = (
        _builder(own_name, own_name, own_key, now - BEFORE, now + VALID)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(own_id, critical=False)
        .sign(own_key, hashes.SHA256())
    )
    broker = _signed(
        "spasmwatch broker", alternatives, authority, own_key, begin=now - BEFORE, end=now + VALID
    )
    return _pem(authority, own_key), broker


def page_certificate(authority: Certificate, hosts: Sequence[str], *, now: datetime) -> Certificate:
    """Return the certificate of the page that these hosts serve, signed by an authority of ours.

    Raises
    ------
    ConfigError
        A host is no name or address; the clock is not set; or the authority is damaged.
    """
    _check_clock(now)
    try:
        own = x509.load_pem_x509_certificate(authority.certificate.encode())
        key = serialization.load_pem_private_key(authority.key.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise ConfigError(
            f"the authority's certificate or key is damaged ({error}): make a new one with "
            "`spasmwatch setup tls`"
        ) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ConfigError("the authority's key is not one that `spasmwatch setup tls` made")
    alternatives = [_alternative(host) for host in hosts]
    return _signed(
        "spasmwatch page", alternatives, own, key, begin=now - PAGE_BEFORE, end=now + PAGE_VALID
    )


def _check_clock(now: datetime) -> None:
    if now < CLOCK_SET:
        raise ConfigError(
            f"this computer's clock says {now:%Y-%m-%d}: certificates would be of no use. "
            "Set it: sudo timedatectl set-ntp true"
        )


def _signed(
    name: str,
    alternatives: Sequence[x509.GeneralName],
    authority: x509.Certificate,
    own_key: ec.EllipticCurvePrivateKey,
    *,
    begin: datetime,
    end: datetime,
) -> Certificate:
    """Return a server's certificate with a new key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    own_id = x509.SubjectKeyIdentifier.from_public_key(own_key.public_key())
    server = (
        _builder(subject, authority.subject, key, begin, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own_id), critical=False
        )
        .sign(own_key, hashes.SHA256())
    )
    return _pem(server, key)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    begin: datetime,
    end: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        pass
    labels = host.split(".")
    plain = host.isascii() and len(host) <= 253 and host.replace("-", "").replace(".", "").isalnum()
    if not plain or not all(0 < len(label) <= 63 and label.strip("-") == label for label in labels):
        raise ConfigError(f"{host!a:.80} is neither a host's name nor an address")
    return x509.DNSName(host)


def _pem(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Certificate:
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return Certificate(
        certificate.public_bytes(serialization.Encoding.PEM).decode(), secret.decode()
    )
