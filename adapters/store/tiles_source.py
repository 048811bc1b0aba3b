"""An exported tile directory as the source of an audit: every file is derived again or checked, none is left over.

The folder is an export (`adapters.store.export_layout`) or a bare `log/` folder of one, or what any other writer of
tlog-tiles made of the same ledger: then there is neither policy nor history, and the genesis record names the key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self, TypeVar

from adapters.store.export_layout import (
    CHECKPOINT,
    HISTORY,
    LOG,
    LOG_KEYS,
    MANIFEST,
    POLICY,
    RECEIPTS,
    ExportFolder,
    digest,
    history_name,
    parse_manifest,
    receipt_name,
    tile_place,
)
from contracts.errors import ExchangeError, UnavailableError
from contracts.ids import LeafIndex
from hub.audit_errors import KeptError
from hub.audit_source import Followed, Kept, MissingPayload, NamedPayload, genesis_key
from hub.ports import Run
from ledger.checkpoint import Checkpoint, checkpoint_size, parse_checkpoint
from ledger.compact import HASH_BYTES
from ledger.log_keys import LogKeys
from ledger.note import NoteVerifier
from ledger.policy import Policy, format_policy, parse_policy
from ledger.proof import TlogProof, parse_proof, verify_proof
from ledger.tiles import TILE_WIDTH, decode_bundle, encode_bundle, entries_path, tile_path

if TYPE_CHECKING:
    from hub.replay import Replay

T = TypeVar("T")


class Files(Protocol):
    """Files by name, as `adapters.store.export_layout.ExportFolder` reads them."""

    def read(self, name: str) -> bytes:
        """Bytes of a file; KeptError EXPORT_DAMAGED if it is missing, UnavailableError if it cannot be read now."""

    def has(self, name: str) -> bool:
        """Whether there is such a file or folder."""

    def names(self, folder: str) -> list[str]:
        """Names of the files directly in a folder, with the folder, in order; none if that cannot be known."""

    def walk(self, folder: str = "") -> Iterator[str]:
        """Names of all files below a folder; none if that cannot be known."""


class _Sample(NamedTuple):
    """A signed note that lies beside the log."""

    size: int
    note: Kept


class TilesSource:
    """`hub.audit_source.Source` over a folder of tiles.

    Args:
        folder: Its files.
        prefix: What the names of the log begin with.
        is_bare: Whether there is nothing but the log: neither policy nor history.
    """

    holds_payloads = False
    only_replayed = ()

    def __init__(self, folder: Files, *, prefix: str, is_bare: bool) -> None:
        self._folder = folder
        self._prefix = prefix
        self._is_bare = is_bare
        self._size = 0

    @classmethod
    def of_folder(cls, folder: Path) -> Self:
        """The source of a folder: `OUT` of an export, or its `log` folder alone."""
        if not (folder / LOG).is_dir() and ((folder / "checkpoint").exists() or (folder / "tile").is_dir()):
            return cls(ExportFolder(folder.parent), prefix=f"{folder.name}/", is_bare=True)
        return cls(ExportFolder(folder), prefix=f"{LOG}/", is_bare=False)

    @classmethod
    def of_files(cls, files: Files) -> Self:
        """The source of a bare log whose names begin with nothing, such as one that is read over the web."""
        return cls(files, prefix="", is_bare=True)

    # -- hub.audit_source.Source

    def log_key(self) -> str:
        """See `hub.audit_source.Source.log_key`: the policy's, of a bare log that of the genesis record."""
        if self._is_bare:
            self._size = self._signed_size()
            return genesis_key(self.entries(LeafIndex(0), LeafIndex(1)))
        logs = self._policy().logs
        if not 1 <= len(logs) <= 2 or len({log.verifier.name for log in logs}) != 1:
            raise KeptError("EXPORT_DAMAGED", f"names {len(logs)} logs, an export holds one", place=POLICY)
        return logs[0].verifier.vkey

    def log_keys(self) -> Kept | None:
        """See `hub.audit_source.Source.log_keys`."""
        place = f"{self._prefix}log-keys"
        if self._folder.has(place):
            return Kept(place, self._folder.read(place))
        if not self._is_bare and self._is_listed(LOG_KEYS):
            raise KeptError("EXPORT_DAMAGED", "the file is missing; the manifest names it", place=place)
        return None

    def _is_listed(self, name: str) -> bool:
        """Whether the manifest names a file; one that cannot be read names none, and is told where it is checked."""
        try:
            return name in parse_manifest(self._folder.read(MANIFEST))
        except KeptError:
            return False

    def _signed_size(self) -> int:
        kept = self.checkpoint()
        return _told_at(kept.place, partial(checkpoint_size, kept.data))

    def checkpoint(self) -> Kept:
        """See `hub.audit_source.Source.checkpoint`."""
        place = f"{self._prefix}checkpoint"
        return Kept(place, self._folder.read(place))

    def entries(self, start: LeafIndex, end: LeafIndex) -> Iterator[bytes]:
        """See `hub.audit_source.Source.entries`."""
        self._size = max(self._size, end)
        for number in range(start // TILE_WIDTH, -(-end // TILE_WIDTH)):
            first = number * TILE_WIDTH
            yield from self._bundle(number)[max(0, start - first) : end - first]

    def _bundle(self, number: int) -> list[bytes]:
        width = min(TILE_WIDTH, self._size - number * TILE_WIDTH)
        place = f"{self._prefix}{entries_path(number, width)}"
        entries = _told_at(place, partial(decode_bundle, self._folder.read(place)))
        if len(entries) != width:
            raise KeptError("EXPORT_DAMAGED", f"holds {len(entries)} entries instead of {width}", place=place)
        self._check_narrower(number, width, partial(entries_path, number), lambda w: encode_bundle(entries[:w]))
        return entries

    def place(self, index: LeafIndex) -> str | None:
        """See `hub.audit_source.Source.place`."""
        number = index // TILE_WIDTH
        width = min(TILE_WIDTH, self._size - number * TILE_WIDTH)
        return f"{self._prefix}{entries_path(number, width)}" if width > 0 else None

    def notes(self, size: int) -> Iterator[Kept]:
        """See `hub.audit_source.Source.notes`: the history, and the checkpoints of the receipts."""
        samples: list[_Sample] = []
        for name in self._names(HISTORY):
            kept = Kept(name, self._folder.read(name))
            found = _told_at(name, partial(checkpoint_size, kept.data))
            if name != history_name(found):
                raise KeptError("EXPORT_DAMAGED", f"holds the checkpoint of size {found}", place=name)
            samples.append(_Sample(found, kept))
        for name in self._names(RECEIPTS):
            note = self._receipt(name).checkpoint
            samples.append(_Sample(checkpoint_size(note), Kept(name, note)))
        return iter([sample.note for sample in sorted(samples)])

    def runs(self, size: int) -> Iterator[Run] | None:
        """See `hub.audit_source.Source.runs`: none are exported."""
        self._size = max(self._size, size)
        return None

    def tile(self, level: int, index: int, width: int) -> Kept:
        """See `hub.audit_source.Source.tile`."""
        place = f"{self._prefix}{tile_path(level, index, width)}"
        data = self._folder.read(place)
        if len(data) != width * HASH_BYTES:
            raise KeptError("EXPORT_DAMAGED", f"holds {len(data)} bytes instead of {width * HASH_BYTES}", place=place)
        self._check_narrower(index, width, partial(tile_path, level, index), lambda w: data[: w * HASH_BYTES])
        return Kept(place, data)

    def check_payloads(self, named: Sequence[NamedPayload]) -> list[MissingPayload]:
        """See `hub.audit_source.Source.check_payloads`: none are exported."""
        return []

    def held_of(self, stream_id: bytes, before: int) -> tuple[int, int]:
        """See `hub.audit_source.Source.held_of`: nothing is."""
        return 0, 0

    def payloads_kept(self, size: int) -> int | None:
        """See `hub.audit_source.Source.payloads_kept`: none are."""
        return None

    def copies_of(self, event_id: bytes) -> int:
        """See `hub.audit_source.Source.copies_of`: none are."""
        return 0

    def is_erased_after(self, stream_id: bytes, size: int) -> bool:
        """See `hub.audit_source.Source.is_erased_after`: nothing is held."""
        return False

    def check_files(self, followed: Followed) -> None:
        """See `hub.audit_source.Source.check_files`: policy, receipts, manifest, and that nothing else lies here."""
        if self._is_bare:
            return
        self._size = max(self._size, followed.tally.entries)
        genesis = followed.genesis
        policy = self._policy()
        vkeys = [log.verifier.vkey for log in policy.logs]
        if genesis is None:
            raise KeptError("LEDGER_UNEXPLAINED", "the first entry is no genesis record", index=0)
        keys = followed.directory.log_keys.keys(NoteVerifier.parse(genesis.log_key))
        wanted = [key.vkey for key in keys.at(followed.tally.entries)]
        if vkeys != wanted:
            told = f"names {', '.join(vkeys) or 'no log'}, the log is {', '.join(wanted)}"
            raise KeptError("EXPORT_DAMAGED", told, place=POLICY)
        _told_at(CHECKPOINT, partial(policy.verify, self._folder.read(CHECKPOINT)))
        for name in self._names(RECEIPTS):
            self._check_receipt(name, keys)
        self._check_manifest()
        for name in self._folder.walk():
            if not self._is_expected(name):
                raise KeptError("EXPORT_DAMAGED", "the file belongs to no export of this ledger", place=name)

    def check_rest(self, replay: Replay) -> None:
        """See `hub.audit_source.Source.check_rest`: nothing else is exported."""

    # -- the files beside the log

    def _policy(self) -> Policy:
        data = self._folder.read(POLICY)
        policy = _told_at(POLICY, partial(parse_policy, data))
        if format_policy(policy) != data:
            raise KeptError("EXPORT_DAMAGED", "is not in the form that an export has", place=POLICY)
        return policy

    def _names(self, folder: str) -> list[str]:
        return [] if self._is_bare else self._folder.names(folder)

    def _receipt(self, name: str) -> TlogProof:
        proof = _told_at(name, partial(parse_proof, self._folder.read(name)))
        if name != receipt_name(proof.index):
            raise KeptError("EXPORT_DAMAGED", f"holds the receipt of entry {proof.index}", place=name)
        return proof

    def _check_receipt(self, name: str, keys: LogKeys) -> None:
        proof = self._receipt(name)
        if proof.index >= self._size:
            raise KeptError("EXPORT_DAMAGED", f"entry {proof.index} is not in the log", place=name)
        number, offset = divmod(proof.index, TILE_WIDTH)
        entry = self._bundle(number)[offset]
        if proof.extra != entry:
            raise KeptError("PROOF_MALFORMED", "does not carry the entry of the log", place=name, index=proof.index)

        def read(note: bytes) -> Checkpoint:
            return parse_checkpoint(note, keys)

        _told_at(name, partial(verify_proof, proof, entry, read))

    def _check_manifest(self) -> None:
        digests = parse_manifest(self._folder.read(MANIFEST))
        for name, told in digests.items():
            if not self._folder.has(name):
                raise KeptError("EXPORT_DAMAGED", "the file is missing; the manifest names it", place=name)
            found = digest(self._folder.read(name))
            if found != told:
                raise KeptError("EXPORT_DAMAGED", f"says SHA-256 {told} of {name}, which has {found}", place=MANIFEST)
        for name in (POLICY, CHECKPOINT):
            if name not in digests:
                raise KeptError("EXPORT_DAMAGED", f"does not name {name}", place=MANIFEST)
        for name in (*self._names(HISTORY), *self._names(RECEIPTS)):
            if name not in digests:
                raise KeptError("EXPORT_DAMAGED", "the manifest does not name this file", place=name)

    # -- what may lie in the log

    def _check_narrower(
        self, index: int, width: int, path: Callable[[int], str], expected: Callable[[int], bytes]
    ) -> None:
        """Check the partial tiles of earlier sizes that still lie beside a wider one."""
        folder = f"{self._prefix}{path(1)}".removesuffix("/1")
        for name in self._folder.names(folder):
            found = name.removeprefix(f"{folder}/")
            narrower = int(found) if found.isdecimal() and len(found) < 4 else 0
            if narrower == width < TILE_WIDTH:
                continue
            if not 0 < narrower < width or found != str(narrower):
                raise KeptError("EXPORT_DAMAGED", "the file belongs to no export of this ledger", place=name)
            if self._folder.read(name) != expected(narrower):
                raise KeptError("TILE_INVALID", "is no beginning of the wider tile", place=name)

    def _is_expected(self, name: str) -> bool:
        if name in (CHECKPOINT, LOG_KEYS, POLICY, MANIFEST) or name.startswith((f"{HISTORY}/", f"{RECEIPTS}/")):
            return True
        place = tile_place(name)
        return place is not None and place.is_in(self._size)


def _told_at(place: str, read: Callable[[], T]) -> T:
    """Read something; an error names the file."""
    try:
        return read()
    except (KeptError, UnavailableError):
        raise
    except ExchangeError as error:
        raise KeptError(error.code, error.message, place=place) from error
