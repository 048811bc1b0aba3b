"""How a hub that does not run replaces the key of its ledger: prepare, switch, retire; or withdraw.

    keys/log.key             in use
    keys/log.next.key        made by `prepare`, announced in the ledger
    keys/log.<key id>.key    used before, until `retire`

The ledger says which keys sign; where the files stand only follows. Whatever step was the last one before a stop, the
same verb goes on, and a hub that is started meanwhile signs with the keys that the ledger names, whatever their files
are called.

Source: ADR 0057.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from adapters.compose.hub_program import opened_hub
from adapters.compose.key_locks import key_lock
from adapters.compose.parts import KEYS, only_one
from adapters.keys.folder import read_hub_keys
from adapters.keys.rotation import LOG, drop_earlier, drop_next, make_next, switch
from adapters.settings import HubSettings
from contracts.errors import ConflictError, RuleError
from contracts.ids import LeafIndex
from contracts.signing import key_id
from hub.application import Application
from hub.log_key_changes import ANNOUNCED, SWITCHED, WITHDRAWN
from hub.own_batch import HubDraft
from ledger.log_keys import LogKeys


class Rolled(NamedTuple):
    """Where the replacement of a ledger's key stands.

    Attributes:
        keys: Every key that the ledger had.
        entry: Index of the entry that the step recorded; None if it was recorded before, or records nothing.
        dropped: Names of key files that were destroyed.
    """

    keys: LogKeys
    entry: LeafIndex | None = None
    dropped: tuple[str, ...] = ()


def log_key_standing(settings: HubSettings) -> Rolled:
    """Where it stands; raises as `opened_hub`."""
    with opened_hub(settings) as application:
        return Rolled(application.log_keys)


def prepare_log_key(settings: HubSettings) -> Rolled:
    """Make the next key and announce it: from here on checkpoints bear two signatures. Done again, it goes on.

    Raises:
        ConflictError: FOLDER_IN_USE: the hub runs.
        ExchangeError: As `opened_hub`.
    """
    with opened_hub(settings) as application:
        _settle(settings, application)
        if application.log_keys.announced is not None:
            return Rolled(application.log_keys)
    folder, lock = settings.data_dir / KEYS, key_lock()
    with only_one(settings.data_dir):
        if read_hub_keys(folder, lock).next_log is None:
            make_next(folder, LOG, lock)
    with opened_hub(settings) as application:
        next_log = read_hub_keys(folder, lock).next_log
        if next_log is None:
            raise ConflictError("FOLDER_IN_USE", "somebody else has moved the next key meanwhile")
        public_key = next_log.public_key().public_bytes_raw()
        body = {"key_id": key_id(LOG, public_key), "public_key": public_key}
        (index,) = application.record([HubDraft(ANNOUNCED, "DIRECTORY", body)])
        return Rolled(application.log_keys, index)


def switch_log_key(settings: HubSettings) -> Rolled:
    """Let the announced key sign alone. Done again after a stop, it goes on.

    Raises:
        RuleError: LOG_KEY_NOT_ANNOUNCED: there is none.
        ExchangeError: As `opened_hub`.
    """
    with opened_hub(settings) as application:
        if _settle(settings, application):
            return Rolled(application.log_keys)
        index = _end(application, SWITCHED)
        _settle(settings, application)
        return Rolled(application.log_keys, index)


def withdraw_log_key(settings: HubSettings) -> Rolled:
    """Go on with the key in use and destroy the announced one; raises as `switch_log_key`."""
    with opened_hub(settings) as application:
        index = _end(application, WITHDRAWN)
        _settle(settings, application)
        return Rolled(application.log_keys, index)


def retire_log_keys(settings: HubSettings) -> Rolled:
    """Destroy the files of keys that sign no longer; raises as `opened_hub`."""
    with opened_hub(settings) as application:
        _settle(settings, application)
        return Rolled(application.log_keys, None, tuple(drop_earlier(settings.data_dir / KEYS, LOG)))


def _end(application: Application, event_type: str) -> LeafIndex:
    changes = application.directory.log_keys
    name = changes.announced
    if name is None:
        raise RuleError("LOG_KEY_NOT_ANNOUNCED", "no next key of the ledger is announced", field="key_id")
    draft = HubDraft(event_type, "DIRECTORY", {"key_id": name}, stream_id=changes.stream_of(name))
    (index,) = application.record([draft])
    return index


def _settle(settings: HubSettings, application: Application) -> bool:
    """Put the key files where the ledger says that they belong; says whether a switch was finished."""
    folder: Path = settings.data_dir / KEYS
    lock, keys = key_lock(), application.log_keys
    next_log = read_hub_keys(folder, lock).next_log
    if next_log is None:
        return False
    public_key = next_log.public_key().public_bytes_raw()
    known = {key.verifier.public_key for key in keys.keys}
    if public_key == keys.in_use.public_key:
        switch(folder, LOG, lock)
        return True
    if public_key in known and (keys.announced is None or keys.announced.public_key != public_key):
        drop_next(folder, LOG)
    return False
