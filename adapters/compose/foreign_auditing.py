"""Audits that need a policy: of a log that is not ours, and of the signatures under a checkpoint of ours."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import replace

from adapters.compose.ledger_place import ledger_place
from adapters.compose.log_key_views import followed
from adapters.compose.sources import SYSTEM, Trust, open_source
from adapters.store.opening import open_store
from adapters.store.store_keys import store_chain
from contracts.errors import ContractError, ExchangeError, UnavailableError
from contracts.ids import TreeSize
from hub.audit_report import Problem, Progress, Report
from hub.foreign import ForeignAudit, ForeignReport
from ledger.note import NoteVerifier
from ledger.policy import NO_QUORUM, Log, Policy, parse_policy


def run_foreign_audit(
    source_text: str,
    *,
    vkey: str | None = None,
    policy: bytes | None = None,
    trust: Trust = SYSTEM,
    progress: Progress | None = None,
) -> ForeignReport:
    """Audit a log that is not ours: tree, tiles and signatures.

    Args:
        source_text: A folder of tiles with a checkpoint, or the address of one.
        vkey: The log's verifier key; or
        policy: a policy file, whose quorum must be reached.
        trust: Whom the reader believes and what it shows.
        progress: Told how many of how many entries are done.

    Raises:
        ContractError: SETTINGS_INVALID: neither key nor policy is given; NOTE_MALFORMED, KEY_UNSAFE, POLICY_MALFORMED.
        UnavailableError: The source cannot be found or read.
    """
    with ExitStack() as stack:
        known = policy_of(vkey, policy)
        source = open_source(stack, source_text, trust)
        return ForeignAudit(source_text, source, known, progress).run()


def policy_of(vkey: str | None, policy: bytes | None) -> Policy:
    """The policy that an auditor gave, or that of a single key; raises as `run_foreign_audit`."""
    if policy is not None:
        return parse_policy(policy)
    if vkey is None:
        raise ContractError("SETTINGS_INVALID", "say --vkey or --policy: whose signature is to be believed?")
    return Policy((Log(NoteVerifier.parse(vkey)),), (), (), NO_QUORUM)


def hold_to_policy(report: Report, policy: Policy, trust: Trust = SYSTEM) -> Report:
    """Check that the audited checkpoint bears the signatures that a policy demands.

    Args:
        report: Of an audit that found nothing.
        policy: The auditor's own.
        trust: As of the audit.

    Returns:
        The report, with a problem if the quorum is not reached or a signature is bad.

    Raises:
        UnavailableError: SOURCE_MOVED: the ledger has grown since the audit.
    """
    note, chain = _checkpoint(report, trust)
    try:
        policy = policy if chain is None else followed(policy, chain)
        checkpoint = policy.verify(note).checkpoint
    except ExchangeError as error:
        return replace(report, problem=Problem(error.code, error.message, None, "checkpoint"))
    if checkpoint.size != report.size:
        raise UnavailableError("SOURCE_MOVED", f"size {report.size} was audited, {checkpoint.size} is shown now")
    if checkpoint.root.hex() != report.root:
        return replace(report, problem=Problem("CHECKPOINT_INVALID", "another root is shown now", None, "checkpoint"))
    return report


def _checkpoint(report: Report, trust: Trust) -> tuple[bytes, bytes | None]:
    """The signed note, and the chain of the log's keys where it had more than one."""
    place = ledger_place(report.source)
    if place is None:
        with ExitStack() as stack:
            source = open_source(stack, report.source, trust)
            chain = source.log_keys()
            return source.checkpoint().data, None if chain is None else chain.data
    with closing(open_store(place, read_only=True)) as store:
        return store.checkpoint(TreeSize(report.size)) or b"", store_chain(store, report.size)
