"""The evidence files that a region keeps: what it was shown by a ledger that lied, in a form that others can check.

Rules kept here: a file that does not show its claim is not kept; a file is on disk before anybody is told; of each
claim a region keeps the first few, so that who lies cannot fill its disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import structlog

from adapters.region.region_store import RegionStore
from contracts.errors import ExchangeError
from ledger.case import BodyReader
from ledger.compact import sha256
from ledger.evidence_file import EvidenceFile
from ledger.exhibit import checked
from ledger.note import NoteVerifier

MAX_OF_A_CLAIM: Final = 8
"""Files of one claim that are kept."""
_MARK: Final = "evidence "
log = structlog.get_logger()


class EvidenceStore:
    """Evidence files in the marks of `region.sqlite`.

    Args:
        store: The region's file.
        verifier: The ledger's key.
        read_body: Decodes bodies of events.
    """

    def __init__(self, *, store: RegionStore, verifier: NoteVerifier, read_body: BodyReader) -> None:
        self._store = store
        self._verifier = verifier
        self._read_body = read_body

    def keep(self, file: EvidenceFile) -> bool:
        """Keep a file, durable on return.

        Returns:
            Whether it shows what it claims; a file that does not is dropped.
        """
        try:
            data = checked(file, log=self._log_of(file), read_body=self._read_body)
        except ExchangeError:
            return False
        name = f"{_MARK}{file.claim} {sha256(data).digest()[:6].hex()}"
        if self._store.mark(name) is None and len(self._store.marks(f"{_MARK}{file.claim} ")) < MAX_OF_A_CLAIM:
            self._store.set_mark(name, data)
        log.error("evidence.kept", claim=file.claim)
        return True

    def _log_of(self, file: EvidenceFile) -> NoteVerifier:
        """The key that a file of ours is about: of a ledger whose key was replaced, the maker knows them all."""
        return file.log if file.log.name == self._verifier.name else self._verifier


def kept_files(store: RegionStore) -> Sequence[tuple[str, bytes]]:
    """Claims and files that a region has kept, by claim."""
    return [(name.partition(" ")[0], data) for name, data in store.marks(_MARK)]
