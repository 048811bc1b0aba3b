"""Who is at the other end of a call, as its certificate says, and what it may ask in whose name (ADR 0015).

The guard of each call sets `PEER`; handlers ask it. In plain text, which exists on loopback only, nobody has a
certificate and nothing is checked here. A certificate never replaces a signature: it has to agree with it.

A certificate names its holder by URIs among its alternative names:

    pprd://region/44                      everything of the region
    pprd://region/44/point/44-440106      one gateway of it, as producer and as delivery point
    pprd://region/44/office/oabcd1234     openings by this office only
    pprd://auditor                        reads what all may read
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple

import structlog
from cryptography import x509

from contracts.errors import AccessError
from contracts.ids import OFFICE_PATTERN, REGIONS, OfficeId, PointId, RegionCode

EARLY: Final = timedelta(days=30)
"""How long before its end a certificate is told about."""

_REGION = "|".join(REGIONS)
_NAME: Final = re.compile(
    f"pprd://region/(?P<region>{_REGION})(?:/(?:point/(?P<point>(?:{_REGION})-(?:node|[0-9]{{6}}))"
    f"|office/(?P<office>{OFFICE_PATTERN})))?"
    "|pprd://auditor"
)

log = structlog.get_logger()


class Peer(NamedTuple):
    """The holder of a certificate.

    Attributes:
        regions: Regions that it may speak for; as a rule one, none for an auditor.
        points: Gateways that it may be; empty for all of its regions.
        offices: Offices for which it may open; empty for all of its regions.
    """

    regions: frozenset[RegionCode]
    points: frozenset[PointId]
    offices: frozenset[OfficeId]

    def check_point(self, point: str, field: str) -> None:
        """Check that it may act as a gateway.

        Raises:
            AccessError: CERTIFICATE_MISMATCH.
        """
        if point[:2] not in self.regions or (self.points and point not in self.points):
            raise AccessError("CERTIFICATE_MISMATCH", "the certificate is not one of this gateway", field=field)

    def check_office(self, office: str, field: str) -> None:
        """Check that it may open for an office; whose the office is, the signature tells.

        Raises:
            AccessError: CERTIFICATE_MISMATCH.
        """
        if self.offices and office not in self.offices:
            raise AccessError("CERTIFICATE_MISMATCH", "the certificate is not one of this office", field=field)


PEER: Final[ContextVar[Peer | None]] = ContextVar("peer", default=None)
"""The peer of the call that is being answered; None in plain text."""


def peer_of(auth: Any) -> Peer | None:
    """Read a call's authentication.

    Args:
        auth: `context.auth_context()`: lists of bytes by property.

    Returns:
        The peer; None in plain text.

    Raises:
        AccessError: CERTIFICATE_UNKNOWN: a certificate that our authority signed and that names nobody of ours.
    """
    if auth.get("transport_security_type", [b""])[0] != b"ssl":
        return None
    certificate = auth.get("x509_pem_cert")
    if not certificate:
        raise AccessError("CERTIFICATE_UNKNOWN", "the peer showed no certificate")
    return _peer(certificate[0])


@lru_cache(4_096)
def _peer(pem: bytes) -> Peer:
    certificate = x509.load_pem_x509_certificate(pem)
    names = [found for uri in _uris(certificate) if (found := _NAME.fullmatch(uri))]
    if not names:
        raise AccessError("CERTIFICATE_UNKNOWN", "the certificate names no region, gateway, office or auditor")
    left = certificate.not_valid_after_utc - datetime.now(UTC)
    peer = Peer(
        frozenset(RegionCode(name["region"]) for name in names if name["region"]),
        frozenset(PointId(name["point"]) for name in names if name["point"]),
        frozenset(OfficeId(name["office"]) for name in names if name["office"]),
    )
    if left < EARLY:
        # Traffic goes on until the end: refusing early would be an outage of our own making.
        log.warning("certificate.ends", region=sorted(peer.regions), point=sorted(peer.points), days=left.days)
    return peer


def _uris(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return names.get_values_for_type(x509.UniformResourceIdentifier)
