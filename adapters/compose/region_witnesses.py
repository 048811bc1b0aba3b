"""A region asks witnesses itself which head they have cosigned, and compares it with what its hub shows it.

A hub and a broker of one operator can show one region a history of its own, whole in itself. Who asks a witness hears
of the other one, which the same key has signed. A witness that does not answer proves nothing and stops nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import structlog

from adapters.cancellation import heed_cancellation
from adapters.compose.policies import read_policy
from adapters.region.checkpoints import Checkpoints
from adapters.region.quorum import Quorum
from adapters.settings import RegionSettings, is_loopback
from adapters.web.fetch import check_url, client
from adapters.web.witness_client import last_checkpoint
from contracts.errors import ContractError, EvidenceError, UnavailableError
from ledger.note import NoteVerifier
from ledger.policy import NO_QUORUM, Log, Policy, Witness

if TYPE_CHECKING:
    import aiohttp

ASK_SECONDS: Final = 60.0
"""Pause between two rounds."""
_AGAIN_SECONDS: Final = 1.0
"""Pause after a round in which somebody did not answer; twice as long after each further one."""
_CALL_SECONDS: Final = 5.0
log = structlog.get_logger()


def region_policy(settings: RegionSettings) -> Policy:
    """Whom a region relies on, for heads and for receipts: its policy file, else the ledger's key alone.

    Raises:
        ContractError: SETTINGS_INVALID: the policy is of another ledger; NOTE_MALFORMED; or as `read_policy`.
    """
    verifier = NoteVerifier.parse(settings.log_vkey)
    if settings.witness_policy is None:
        return Policy((Log(verifier),), (), (), NO_QUORUM)
    policy = read_policy(settings.witness_policy)
    if verifier not in [log.verifier for log in policy.logs]:
        raise ContractError("SETTINGS_INVALID", f"the policy is not for {verifier.name}", field="witness_policy")
    return policy


def asked_witnesses(policy: Policy) -> tuple[Witness, ...]:
    """The witnesses with an address in a policy.

    Raises:
        ContractError: SETTINGS_INVALID.
    """
    witnesses = tuple(witness for witness in policy.witnesses if witness.url is not None)
    for witness in witnesses:
        url = witness.url or ""
        check_url(url, is_loopback=is_loopback(url.partition("://")[2].partition("/")[0]))
    return witnesses


async def watch_quorum(quorum: Quorum, limit_seconds: float) -> None:
    """Tell where heads wait too long for the region's quorum, until cancelled; nothing waits with them."""
    while True:
        quorum.tell(limit_seconds)
        await asyncio.sleep(min(limit_seconds, ASK_SECONDS))


async def ask_witnesses(witnesses: Sequence[Witness], heads: Checkpoints) -> None:
    """Ask them all, again and again, until cancelled.

    Raises:
        EvidenceError: A head that the ledger has signed and a witness cosigned does not go with what the region was
            shown; the evidence is kept.
    """
    pause_seconds = _AGAIN_SECONDS
    async with client(seconds=_CALL_SECONDS) as session:
        while True:
            answers = [await _ask(session, witness, heads) for witness in witnesses]
            await asyncio.sleep(ASK_SECONDS if all(answers) else pause_seconds)
            pause_seconds = _AGAIN_SECONDS if all(answers) else min(2 * pause_seconds, ASK_SECONDS)


async def _ask(session: aiohttp.ClientSession, witness: Witness, heads: Checkpoints) -> bool:
    """Ask one, and compare what it says; says whether it answered."""
    try:
        url = (witness.url or "").rstrip("/")
        note = await last_checkpoint(session, url, witness.verifier, heads.keys.origin)
    except (UnavailableError, ContractError, EvidenceError) as error:
        log.warning("witness.failed", peer=witness.name, code=error.code)
        heed_cancellation()
        return False
    if note is not None:
        await _compare(note, heads, witness.name)
    return True


async def _compare(note: bytes, heads: Checkpoints, name: str) -> None:
    try:
        await heads.learn(note)
        heads.see(note)
        await heads.connect()
    except ContractError as error:
        log.warning("witness.failed", peer=name, code=error.code)
    except EvidenceError as error:
        # What the ledger's key has not signed is the witness's fault and nobody else's.
        if error.code != "SIGNATURE_INVALID":
            raise
        log.warning("witness.failed", peer=name, code=error.code)
    except UnavailableError as error:
        log.warning("head.waiting", code=error.code)
        heed_cancellation()
