"""What readers of a ledger know of its keys: the one that they trust, and what the ledger says followed."""

from __future__ import annotations

from adapters.compose.views import LedgerView, genesis_of
from contracts.schema import load_registry
from hub.log_key_chain import verify_chain
from ledger.log_keys import LogKeys
from ledger.note import NoteVerifier
from ledger.policy import Policy


def chain_and_keys(view: LedgerView, vkey: str | None = None) -> tuple[bytes, LogKeys]:
    """The chain of a ledger's keys and what it says.

    Args:
        view: The ledger.
        vkey: A verifier key that the reader trusts; None trusts the one that the genesis record names.

    Raises:
        ExchangeError: As `verify_chain`.
    """
    chain = view.log_keys()
    known = NoteVerifier.parse(vkey or genesis_of(view).log_key)
    return chain, verify_chain(chain, known, load_registry())


def keys_of(view: LedgerView, vkey: str | None = None) -> LogKeys:
    """The keys of a ledger; see `chain_and_keys`."""
    return chain_and_keys(view, vkey)[1]


def followed(policy: Policy, chain: bytes) -> Policy:
    """A policy for a log whose key was replaced, from one that knows one of its keys.

    Raises:
        ExchangeError: As `verify_chain`: the chain leads to no key of the policy.
    """
    return policy.following(verify_chain(chain, [log.verifier for log in policy.logs], load_registry()))
