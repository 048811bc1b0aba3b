"""TLS of hub and regions: the files that settings name, as gRPC takes them.

A hub reads its files again when they changed, at the next connection, so that a renewed certificate needs no restart.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from ssl import SSLContext, SSLError, create_default_context
from typing import Any, cast

import grpc
import structlog

from adapters.grpc.peer import EARLY
from adapters.keys.certificates import ends_at, now
from adapters.settings import HubSettings
from contracts.errors import ContractError, ExchangeError, UnavailableError

log = structlog.get_logger()


def server_credentials(settings: HubSettings) -> grpc.ServerCredentials | None:
    """What the hub shows and demands; None in plain text, for loopback addresses only.

    Raises:
        UnavailableError: KEY_MISSING.
        ContractError: SETTINGS_INVALID, KEY_FILE_MALFORMED.
    """
    files = (settings.tls_key, settings.tls_cert, settings.tls_client_ca)
    key, cert, ca = files
    if key is None and cert is None and ca is None:
        return None
    if key is None or cert is None or ca is None:
        raise ContractError("SETTINGS_INVALID", "tls_cert, tls_key and tls_client_ca belong together", field="tls_key")
    _tell_end(cert)
    # The stubs leave out that the answer may be None, for nothing new.
    again = cast("Any", _again(key, cert, ca))
    return grpc.dynamic_ssl_server_credentials(_configuration(key, cert, ca), again, require_client_authentication=True)


def channel_credentials(ca: Path | None, cert: Path | None, key: Path | None) -> grpc.ChannelCredentials | None:
    """What a client shows and demands; None in plain text.

    Raises:
        ContractError: SETTINGS_INVALID: a certificate without its key, or without authorities for the hub's.
    """
    if ca is None and cert is None and key is None:
        return None
    if ca is None or (cert is None) is not (key is None):
        raise ContractError("SETTINGS_INVALID", "hub_ca, tls_cert and tls_key belong together", field="tls_key")
    if cert is None or key is None:
        return grpc.ssl_channel_credentials(ca.read_bytes())
    _tell_end(cert)
    return grpc.ssl_channel_credentials(ca.read_bytes(), key.read_bytes(), cert.read_bytes())


def broker_trust(ca: Path | None, cert: Path | None, key: Path | None) -> SSLContext | None:
    """Whom a program believes on the broker's line and what it shows there; None believes those of the system.

    Raises:
        ContractError: SETTINGS_INVALID: a certificate without its key. KEY_FILE_MALFORMED: a file holds something else.
        UnavailableError: KEY_MISSING.
    """
    if ca is None and cert is None and key is None:
        return None
    if (cert is None) is not (key is None):
        raise ContractError("SETTINGS_INVALID", "nats_cert and nats_key belong together", field="nats_key")
    try:
        context = create_default_context(cafile=ca)
        if cert is not None:
            context.load_cert_chain(cert, key)
    except SSLError as error:
        raise ContractError("KEY_FILE_MALFORMED", "nats_ca, nats_cert and nats_key are no pair in PEM") from error
    except OSError as error:
        raise UnavailableError("KEY_MISSING", f"a file of TLS cannot be read: {error.strerror}") from error
    if cert is not None:
        _tell_end(cert)
    return context


def _configuration(key: Path, cert: Path, ca: Path) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([(key.read_bytes(), cert.read_bytes())], ca.read_bytes())


def _again(key: Path, cert: Path, ca: Path) -> Callable[[], grpc.ServerCertificateConfiguration | None]:
    """Asked by gRPC at every connection: a new configuration where a file changed, None where none did."""
    seen = [_stamps(key, cert, ca)]

    def fetch() -> grpc.ServerCertificateConfiguration | None:
        try:
            stamps = _stamps(key, cert, ca)
            if stamps == seen[0]:
                return None
            configuration = _configuration(key, cert, ca)
            _tell_end(cert)
        except (OSError, ExchangeError) as error:
            log.error("certificate.unread", error=type(error).__name__)
            return None
        seen[0] = stamps
        log.info("certificate.renewed")
        return configuration

    return fetch


def _stamps(*files: Path) -> tuple[tuple[int, int], ...]:
    return tuple((status.st_mtime_ns, status.st_size) for status in (file.stat() for file in files))


def _tell_end(cert: Path) -> None:
    left = ends_at(cert) - now()
    if left < EARLY:
        log.warning("certificate.ends", days=left.days)
