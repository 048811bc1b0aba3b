"""Certificates of machines: an authority of one's own, and what it signs for hub, regions and auditors.

For development, demonstration and provinces that have no authority of their own; a licensed authority signs the same
names. The names are read by `adapters.grpc.peer`. Private keys are files of mode 0600 as all others.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from adapters.keys.key_file import make_folder, write_private
from contracts.errors import ContractError, UnavailableError

CA_CERT: Final = "ca.pem"
CA_KEY: Final = "ca.key"
_BACKDATED: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Validity:
    """From when until when a certificate holds.

    Attributes:
        begins: Aware, UTC.
        ends: Aware, UTC.
    """

    begins: datetime
    ends: datetime

    @classmethod
    def of_days(cls, days: int, now: datetime) -> Validity:
        """From now on for some days; a few minutes back, for clocks that are behind.

        Raises:
            ContractError: SETTINGS_INVALID: fewer than one day.
        """
        if days < 1:
            raise ContractError("SETTINGS_INVALID", "a certificate holds for at least one day", field="days")
        return cls(now - _BACKDATED, now + timedelta(days=days))


def make_authority(folder: Path, name: str, validity: Validity) -> Path:
    """Make an authority: `ca.pem` and `ca.key` in a folder.

    Returns:
        Its certificate.

    Raises:
        ConflictError: KEY_EXISTS: there is one.
    """
    make_folder(folder)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        _builder(subject, subject, key.public_key(), validity)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    _write_pair(folder / CA_CERT, certificate, folder / CA_KEY, key)
    return folder / CA_CERT


def issue(
    authority: Path, out: Path, name: str, *, uris: Sequence[str] = (), hosts: Sequence[str] = (), validity: Validity
) -> Path:
    """Sign a certificate for a machine that may be server and client.

    Args:
        authority: Folder of `make_authority`.
        out: Folder for `<name>.pem` and `<name>.key`.
        name: Of the files, and the common name, which nothing reads.
        uris: Who it is, see `adapters.grpc.peer`.
        hosts: Names and addresses under which a server is reached.
        validity: Not longer than its authority's counts in the end.

    Returns:
        The certificate, followed by its authority's.

    Raises:
        UnavailableError: KEY_MISSING: no authority there.
        ConflictError: KEY_EXISTS: the key's file is there.
    """
    try:
        ca = x509.load_pem_x509_certificate((authority / CA_CERT).read_bytes())
        ca_key = load_pem_private_key((authority / CA_KEY).read_bytes(), None)
    except OSError as error:
        raise UnavailableError("KEY_MISSING", f"there is no authority in {authority}: {error.strerror}") from error
    if not isinstance(ca_key, ec.EllipticCurvePrivateKey):
        raise ContractError("KEY_FILE_MALFORMED", f"{authority / CA_KEY} holds no key of an authority of ours")
    make_folder(out)
    key = ec.generate_private_key(ec.SECP256R1())
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(uri) for uri in uris]
    names += [_host(host) for host in hosts]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usages = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH])
    certificate = (
        _builder(subject, ca.subject, key.public_key(), validity)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(usages, critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    _write_pair(out / f"{name}.pem", certificate, out / f"{name}.key", key, ca)
    return out / f"{name}.pem"


def ends_at(path: Path) -> datetime:
    """When the first certificate of a file ends; aware, UTC.

    Raises:
        UnavailableError: KEY_MISSING.
        ContractError: KEY_FILE_MALFORMED.
    """
    try:
        return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    except OSError as error:
        raise UnavailableError("KEY_MISSING", f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ContractError("KEY_FILE_MALFORMED", f"{path} is no certificate in PEM") from error


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, validity: Validity
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(validity.begins)
        .not_valid_after(validity.ends)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _write_pair(
    path: Path,
    certificate: x509.Certificate,
    key_path: Path,
    key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate | None = None,
) -> None:
    write_private(key_path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    chain = [certificate] if authority is None else [certificate, authority]
    path.write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in chain))


def now() -> datetime:
    """This machine's time."""
    return datetime.now(UTC)
