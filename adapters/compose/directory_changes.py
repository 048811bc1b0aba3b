"""How the directory of a hub is changed: from registrations, and by ending what stands in it.

All changes of one command are recorded or none is. Not here: the files (`registration`), what the directory accepts
(`hub.directory`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

from adapters.compose.parts import SystemClock, SystemEntropy
from adapters.compose.registration import Registration
from contracts.errors import ContractError, RuleError
from contracts.event import decode_event
from contracts.ids import LeafIndex
from contracts.mandates import load_mandates
from contracts.signing import key_id
from contracts.suite import office_key
from hub.application import Application
from hub.directory import Directory
from hub.own_batch import HubBatchMaker, HubDraft
from ledger.batch import MAX_BATCH

_PROCEDURE: Final = "DIRECTORY"
_MANDATE_LABEL: Final = b"pprd-mandate/v1\n\0"


def drafts_of(registration: Registration) -> Iterator[HubDraft]:
    """The directory events of a registration, in the order in which they refer to each other.

    Raises:
        ContractError: REGISTER_MALFORMED: a public key is not written as hex digits.
    """
    region = registration.region
    if registration.is_new:
        yield _draft("RegionRegistered", {"region": region})
    for row in registration.points:
        yield _draft("PointRegistered", {"point": row["id"], "region": region} | _key("point", row))
    for row in registration.offices:
        body = {name: row[name] for name in ("point", "uscc")} | {"areas": list(row["areas"])}
        identity = {"office": row["id"], "office_type": row["type"], "region": region}
        yield _draft("OfficeRegistered", body | identity | _key("office", row))
    for row in registration.keys:
        body = {"purpose": row["purpose"], "producer": row["producer"], "region": region}
        yield _draft("KeyRegistered", body | _key(row["purpose"], row))
    for row in (*_packaged_mandates(registration), *registration.mandates):
        yield _draft("MandateGranted", _mandate(region, row))


def renewals_of(application: Application, registration: Registration) -> Iterator[HubDraft]:
    """The events that give offices and points which are registered already their next keys.

    Raises:
        RuleError: NOT_FOUND: the directory has no such office. ContractError: REGISTER_MALFORMED, KEY_UNSAFE.
    """
    for row in registration.office_keys:
        office = application.directory.office(row["office"])
        if office is not None and office.region != registration.region:
            raise ContractError(
                "REGISTER_MALFORMED", f"{office.office} is no office of this region", field="office_key"
            )
        body = {"office": row["office"], "point": None, "areas": None, "key": _key("office", row)}
        yield continuing(application, "OfficeChanged", body)
    for row in registration.point_keys:
        if row["point"][:2] != registration.region:
            raise ContractError("REGISTER_MALFORMED", f"{row['point']} is no point of this region", field="point_key")
        yield _draft("PointChanged", {"point": row["point"]} | _key("point", row))


def _draft(event_type: str, body: Mapping[str, Any]) -> HubDraft:
    return HubDraft(event_type, _PROCEDURE, body)


def _key(purpose: str, row: Mapping[str, Any]) -> dict[str, Any]:
    try:
        public = bytes.fromhex(row["public_key"])
    except (TypeError, ValueError) as error:
        raise ContractError("REGISTER_MALFORMED", "a public key is not written as hex digits", field=purpose) from error
    if purpose == "office":
        return office_key(public)
    return {"key_id": key_id(purpose, public), "public_key": public}


def _packaged_mandates(registration: Registration) -> Iterator[Mapping[str, Any]]:
    if registration.mandates_from is None:
        return
    for row in load_mandates():
        yield {
            "office_type": row.office_type.value,
            "procedure": row.procedure,
            "event_types": list(row.event_types),
            "direction": row.direction,
            "purpose": row.purpose,
            "legal_basis": row.legal_basis,
            "valid_from": registration.mandates_from,
            "assessment": registration.assessment,
            "assessed_on": registration.assessed_on,
        }


def _mandate(region: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a mandate; its id follows from what it says, so the same one is not granted twice."""
    said = json.dumps({"region": region} | dict(row), sort_keys=True).encode()
    mandate = hashlib.sha256(_MANDATE_LABEL + said).digest()[:8]
    return {"valid_to": None} | dict(row) | {"region": region, "mandate": mandate}


def record_all(application: Application, drafts: Iterable[HubDraft]) -> list[LeafIndex]:
    """Record directory events, all of them or none, in as few batches as they fit.

    Raises:
        ExchangeError: The directory cannot take one of them; nothing was recorded.
    """
    waiting = list(drafts)
    _rehearse(application, waiting)
    return record_checked(application, waiting)


def record_checked(application: Application, drafts: Sequence[HubDraft]) -> list[LeafIndex]:
    """Record directory events that were tried on a copy of the directory already."""
    indexes: list[LeafIndex] = []
    for start in range(0, len(drafts), MAX_BATCH):
        indexes += application.record(drafts[start : start + MAX_BATCH])
    return indexes


def copy_of(application: Application) -> Directory:
    """A directory of its own, derived from the ledger, to try changes on."""
    directory = Directory(application.rules.divisions)
    for index, entry in application.reader.directory_entries(LeafIndex(0)):
        directory.apply_event(index, entry, application.rules.registry)
    return directory


def _rehearse(application: Application, drafts: Sequence[HubDraft]) -> None:
    """Apply the drafts to a copy of the directory, so that one that cannot be applied stops all of them."""
    registry, directory = application.rules.registry, copy_of(application)
    maker = HubBatchMaker(application.rules, SystemEntropy(), SystemClock().now_ms())
    size = application.reader.size()
    for number, event in enumerate(maker.events(drafts, {})):
        header = decode_event(event)
        directory.apply(LeafIndex(size + number), header, registry.decode_body(header.body)[1])


def adoption_of(application: Application, edition: int, effective_on: date) -> HubDraft:
    """The draft that adopts an edition of this release.

    Args:
        application: The hub.
        edition: Its number.
        effective_on: First day on which new matters may begin under it.

    Raises:
        RuleError: EDITION_UNKNOWN: this release does not hold it.
    """
    manifest_hash = application.rules.editions.get(edition)
    if manifest_hash is None:
        raise RuleError("EDITION_UNKNOWN", f"edition {edition} is not in this release", field="edition")
    body = {"edition": edition, "manifest_hash": manifest_hash, "effective_on": effective_on.isoformat()}
    return _draft("EditionAdopted", body)


def continuing(application: Application, event_type: str, body: Mapping[str, Any]) -> HubDraft:
    """The draft that changes or ends an object of the directory, in the object's own stream.

    Args:
        application: The hub.
        event_type: `OfficeChanged`, `OfficeKeyRevoked`, `OfficeClosed`, `KeyRevoked`, `MandateRevoked`,
            `CrossBorderBasisRevoked` or `EditionRetired`.
        body: Its body; the first field names the object.

    Raises:
        RuleError: NOT_FOUND: the directory has no such object.
    """
    name, value = next(iter(body.items()))
    stream_id = application.directory.stream_of(name, value)
    if stream_id is None:
        raise RuleError("NOT_FOUND", f"the directory has no such {name}", field=name)
    return HubDraft(event_type, _PROCEDURE, body, stream_id=stream_id)
