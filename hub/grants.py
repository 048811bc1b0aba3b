"""What is allowed: mandates, and bases for what crosses to Hong Kong and Macao. `Grants` keeps and finds them.

What ended stays known, so that a refusal can say that it lapsed and when. In force is judged by the instant of the act.
A basis carries the signature of the sending region, and the event that holds it that of the hub (DOMAIN 9.6).
Not here: who may change them (the procedure DIRECTORY: the hub).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from contracts.cross_border import basis_id, basis_tbs
from contracts.errors import AccessError, ContractError, RuleError
from contracts.ids import LeafIndex, StreamId
from contracts.instant import local_day
from contracts.signing import verify
from hub.directory_errors import other_stream, taken
from hub.directory_values import CrossBorderBasis, Mandate, SigningKey

_FITTING_KEPT: Final = 16_384
"""Answers kept between two changes; a busy hub asks the same few hundred questions."""


class Wanted(NamedTuple):
    """The mandate that an act needs.

    Attributes:
        region: Region of the offices.
        office_type: Type of the offices.
        event_type: The event.
        direction: `SEND` or `RECEIVE`.
        procedure: Only a mandate for this procedure, if given; one event type can stand in several.
        purpose: Only a mandate for this purpose, if given.
        legal_basis: Only a mandate on this basis, if given.
    """

    region: str
    office_type: str
    event_type: str
    direction: str
    procedure: str | None = None
    purpose: str | None = None
    legal_basis: str | None = None

    def fits(self, mandate: Mandate) -> bool:
        """Whether a mandate of these offices, for this event in this direction, fits the rest."""
        return (
            (self.procedure is None or mandate.procedure == self.procedure)
            and (self.purpose is None or mandate.purpose == self.purpose)
            and (self.legal_basis is None or mandate.legal_basis == self.legal_basis)
        )


class Grants:
    """Mandates and cross-border bases, ended ones too. Mutable; its directory's."""

    __slots__ = ("_bases", "_by_place", "_fitting", "_mandates")

    def __init__(self) -> None:
        self._mandates: dict[bytes, Mandate] = {}
        self._by_place: dict[tuple[str, str, str, str], tuple[Mandate, ...]] = {}
        self._bases: dict[bytes, CrossBorderBasis] = {}
        self._fitting: dict[Wanted, tuple[Mandate, ...]] = {}

    def mandates(self) -> Iterator[Mandate]:
        """All mandates in the order of granting, ended ones too."""
        return iter(self._mandates.values())

    def get(self, mandate: bytes) -> Mandate | None:
        """The mandate with this id."""
        return self._mandates.get(mandate)

    def find(self, wanted: Wanted, at_ms: int) -> Mandate | None:
        """The first mandate granted that is in force at an instant and fits, None if there is none."""
        fitting = self._fitting.get(wanted)
        if fitting is None:
            fitting = tuple(mandate for mandate in self._by_place.get(wanted[:4], ()) if wanted.fits(mandate))
            if len(self._fitting) >= _FITTING_KEPT:
                self._fitting.clear()
            self._fitting[wanted] = fitting
        for mandate in fitting:
            if mandate.is_valid_at(at_ms):
                return mandate
        return None

    def lapsed(self, wanted: Wanted, at_ms: int) -> str | None:
        """When the last mandate that fits ended, in words for a refusal; None if no such one was ever in force."""
        ended = [m for m in self._by_place.get(wanted[:4], ()) if m.has_ended(at_ms) and wanted.fits(m)]
        if not ended:
            return None
        last = ended[-1]
        if last.to_ms is not None and last.to_ms <= at_ms:
            return f"mandate {last.mandate.hex()} lapsed after {local_day(last.to_ms - 1)}"
        return f"mandate {last.mandate.hex()} was revoked at entry {last.revoked_at}"

    def grant(self, body: Mapping[str, Any], stream_id: StreamId) -> None:
        """Enter the mandate of a `MandateGranted`.

        Raises:
            ContractError: BODY_FIELD. ConflictError: DIRECTORY_TAKEN.
        """
        mandate = Mandate.of_body(body, stream_id)
        if mandate.mandate in self._mandates:
            raise taken("mandate", mandate.mandate.hex())
        self._mandates[mandate.mandate] = mandate
        for place in mandate.places:
            self._by_place[place] = (*self._by_place.get(place, ()), mandate)
        self._fitting.clear()

    def revoke(self, body: Mapping[str, Any], stream_id: StreamId, index: LeafIndex) -> None:
        """End the mandate of a `MandateRevoked`.

        Raises:
            RuleError: MANDATE_UNKNOWN. ConflictError: DIRECTORY_STREAM.
        """
        mandate = self._mandates.get(body["mandate"])
        if mandate is None or mandate.revoked_at is not None:
            raise RuleError("MANDATE_UNKNOWN", f"no mandate {body['mandate'].hex()} is in force", field="mandate")
        if mandate.stream_id != stream_id:
            raise other_stream("mandate")
        ended = replace(mandate, revoked_at=index)
        self._mandates[mandate.mandate] = ended
        for place in mandate.places:
            self._by_place[place] = tuple(ended if row is mandate else row for row in self._by_place[place])
        self._fitting.clear()

    # -- bases

    def bases(self) -> Iterator[CrossBorderBasis]:
        """All cross-border bases in the order of registration, ended ones too."""
        return iter(self._bases.values())

    def basis(self, basis: bytes) -> CrossBorderBasis | None:
        """The basis with this id."""
        return self._bases.get(basis)

    def has_basis(self, region: str, to_region: str, event_type: str, profile: str, at_ms: int) -> bool:
        """Whether a region may send content of a profile with an event to Hong Kong or Macao at an instant."""
        return any(
            basis.region == region and basis.to_region == to_region and basis.covers(event_type, profile, at_ms)
            for basis in self._bases.values()
        )

    def register_basis(self, body: Mapping[str, Any], stream_id: StreamId, key: SigningKey) -> None:
        """Enter the basis of a `CrossBorderBasisRegistered`, which the sending region has signed with a key.

        Raises:
            ContractError: BODY_FIELD. ConflictError: DIRECTORY_TAKEN. AccessError: PRODUCER_MISMATCH.
            EvidenceError: SIGNATURE_INVALID.
        """
        basis = CrossBorderBasis.of_body(body, stream_id)
        if basis.basis != basis_id(body):
            raise ContractError("BODY_FIELD", f"{basis.basis.hex()} is not the id of these terms", field="basis")
        if basis.basis in self._bases:
            raise taken("cross-border basis", basis.basis.hex())
        if key.region != basis.region:
            raise AccessError("PRODUCER_MISMATCH", f"a key of region {key.region} cannot sign for it", field="key_id")
        verify(key.public_key, body["signature"], basis_tbs(body))
        self._bases[basis.basis] = basis

    def revoke_basis(self, body: Mapping[str, Any], stream_id: StreamId, index: LeafIndex) -> None:
        """End the basis of a `CrossBorderBasisRevoked`.

        Raises:
            RuleError: MANDATE_UNKNOWN. ConflictError: DIRECTORY_STREAM.
        """
        basis = self._bases.get(body["basis"])
        if basis is None or basis.revoked_at is not None:
            raise RuleError("MANDATE_UNKNOWN", f"no basis {body['basis'].hex()} is in force", field="basis")
        if basis.stream_id != stream_id:
            raise other_stream("cross-border basis")
        self._bases[basis.basis] = replace(basis, revoked_at=index)
