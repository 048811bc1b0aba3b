"""How a hub that does not run replaces the key of its own batches: one step, which goes on wherever it was stopped.

    keys/hub-events.key             in use
    keys/hub-events.next.key        made, and named by the ledger or not yet

The ledger says which key signs; where the files stand only follows. A hub that is started in between signs with the
key that the ledger names, whatever its file is called. The key that was replaced signs nothing more and nothing is
sealed to it: its file is destroyed.

Source: ADR 0067.
"""

from __future__ import annotations

from typing import NamedTuple

from adapters.compose.hub_program import opened_hub
from adapters.compose.key_locks import key_lock
from adapters.compose.parts import KEYS, only_one
from adapters.keys.folder import read_hub_keys
from adapters.keys.rotation import HUB_EVENTS, drop_earlier, make_next, switch
from adapters.settings import HubSettings
from contracts.errors import ConflictError
from contracts.ids import KeyId, LeafIndex
from contracts.signing import key_id, sign
from hub.application import Application
from hub.directory_values import SigningKey
from hub.hub_keys import HUB_KEY_REPLACED, follows_tbs
from hub.own_batch import HubDraft


class Replaced(NamedTuple):
    """The key of a hub's own batches, after a replacement.

    Attributes:
        key: In use.
        entry: Index of the entry that names it; None if it was recorded before.
    """

    key: SigningKey
    entry: LeafIndex | None


def replace_hub_key(settings: HubSettings) -> Replaced:
    """Let another key sign the hub's own batches from the next one on.

    Raises:
        ConflictError: FOLDER_IN_USE: the hub runs.
        ExchangeError: As `opened_hub`.
    """
    folder, lock = settings.data_dir / KEYS, key_lock()
    with opened_hub(settings) as application:
        if _settle(settings, application):
            return Replaced(_in_use(application), None)
    with only_one(settings.data_dir):
        if read_hub_keys(folder, lock).next_events is None:
            make_next(folder, HUB_EVENTS, lock)
    with opened_hub(settings) as application:
        coming = read_hub_keys(folder, lock).next_events
        if coming is None:
            raise ConflictError("FOLDER_IN_USE", "somebody else has moved the next key meanwhile")
        replaced, public_key = _in_use(application).key_id, coming.public_key().public_bytes_raw()
        body = {
            "replaced": replaced,
            "key_id": KeyId(key_id(HUB_EVENTS, public_key)),
            "public_key": public_key,
            "signature": sign(coming, follows_tbs(replaced, public_key)),
        }
        (index,) = application.record([HubDraft(HUB_KEY_REPLACED, "DIRECTORY", body)])
        _settle(settings, application)
        return Replaced(_in_use(application), index)


def _in_use(application: Application) -> SigningKey:
    key = application.directory.hub_keys.in_use
    if key is None:
        raise AssertionError("a hub was loaded without its key")
    return key


def _settle(settings: HubSettings, application: Application) -> bool:
    """Put the key files where the ledger says that they belong; says whether a replacement was finished."""
    folder, lock = settings.data_dir / KEYS, key_lock()
    coming = read_hub_keys(folder, lock).next_events
    is_recorded = coming is not None and coming.public_key().public_bytes_raw() == _in_use(application).public_key
    if is_recorded:
        switch(folder, HUB_EVENTS, lock)
    # If we stop here, the earlier key lies there until the next time, which ends this replacement and begins no other.
    return bool(drop_earlier(folder, HUB_EVENTS)) or is_recorded
