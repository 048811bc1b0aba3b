"""Evidence packs: made from a ledger that is at hand or answers, and checked again from the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from adapters.compose.folder import DataFolder
from adapters.compose.log_key_views import keys_of
from adapters.compose.policies import read_policy
from adapters.compose.views import LedgerView
from adapters.pack.page import evidence_in, load_verifier, render_page
from contracts.edition import load_contracts
from contracts.errors import ExchangeError
from contracts.event import Header
from contracts.procedure_types import ENDS
from hub.content import effect_of
from hub.evidence_pack import ProvedPack, verify_pack
from hub.pack_making import make_pack
from ledger.checkpoint import checkpoint_size
from ledger.pack import format_pack, parse_pack
from ledger.policy import NO_QUORUM, Log, Policy, format_policy


def pack_page(
    view: LedgerView, event_id: bytes, *, policy: Policy, kept: Sequence[bytes] = ()
) -> tuple[bytes, ProvedPack]:
    """Make the page of an event's evidence pack, and check it.

    Args:
        view: The ledger.
        event_id: The event.
        policy: Whose signatures count; it goes into the pack.
        kept: Signed notes that the reader has kept; the pack shows that the ledger only grew since.

    Returns:
        The HTML file, and what it proves.

    Raises:
        ExchangeError: NOT_FOUND: no such event; or as `verify_pack`: the ledger gives nothing that holds.
    """
    newest = [note for note in view.heads() if _is_good(note, policy)]
    known = {checkpoint_size(note): note for note in newest} | {checkpoint_size(note): note for note in kept}
    pack = make_pack(view, event_id, policy=format_policy(policy), heads=tuple(known.values()), read_body=read_body)
    return render_page(format_pack(pack)), verify_pack(pack, policy, read_body=read_body, end_of=end_of)


def is_page(data: bytes) -> bool:
    """Whether a file is a page and no proof file."""
    return data[:15].lower() == b"<!doctype html>"


def verifier_fingerprint() -> str:
    """SHA-256 in hex of the verifier that all packs of this release have."""
    return load_verifier().fingerprint


def check_page(page: bytes, policy: Policy) -> ProvedPack:
    """Check the pack in an HTML file; raises as `evidence_in`, `parse_pack` and `verify_pack`."""
    return verify_pack(parse_pack(evidence_in(page)), policy, read_body=read_body, end_of=end_of)


def policy_in(view: LedgerView, data: Path | None, event_id: bytes) -> Policy:
    """The policy of a pack where the reader gave none: that of the folder's hub, with the ledger's keys.

    The keys are those that sign the receipt of the event and the newest checkpoint; where the ledger's key was replaced
    in between there is more than one, and the chain of its keys was followed.

    Raises:
        ExchangeError: As `read_policy` and `keys_of`; NOT_FOUND: no such event.
    """
    folder = None if data is None else DataFolder(data)
    named = folder.hub_settings().witness_policy if folder is not None and folder.has_hub() else None
    policy = Policy((), (), (), NO_QUORUM) if named is None else read_policy(named)
    if policy.logs:
        return policy
    keys = keys_of(view)
    sizes = [checkpoint_size(note) for note in (view.receipt(event_id).checkpoint, view.checkpoint())]
    return replace(policy, logs=tuple(map(Log, dict.fromkeys(key for size in sizes for key in keys.at(size)))))


def read_body(body: bytes) -> Mapping[str, Any]:
    """The value of an event's body; raises as `SchemaRegistry.decode_body`."""
    return load_contracts().registry.decode_body(body)[1]


def end_of(header: Header, body: Mapping[str, Any]) -> bytes | None:
    """The stream or the event whose content an event destroyed; None if it destroyed nothing."""
    procedure = load_contracts().procedures.get((header.procedure, header.edition))
    effect = None if procedure is None else effect_of(procedure, header, body)
    return effect.on if effect is not None and effect.does in ENDS else None


def _is_good(note: bytes, policy: Policy) -> bool:
    """Whether a newer checkpoint can go into a pack; one whose cosignatures are still to come cannot."""
    try:
        policy.verify(note)
    except ExchangeError:
        return False
    return True
