"""What an audit has derived up to some entry, as plain values, so that an interrupted one can go on.

`state_of` gives it where no batch is open and nothing waits to be compared; `take_up` puts it into the parts of a new
audit. Matters and event ids are not here: they lie on the shelf, which is saved beside it. What was audited before is
not read again; that the ledger still holds it follows from the tree, which goes on from the saved one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from contracts.errors import ConflictError
from contracts.ids import Hash, LeafIndex, PointId
from hub.audit_runs import RunCheck
from hub.audit_source import Source
from hub.audit_tree import TileTree
from hub.ports import ProducerState
from hub.replay import Replay
from hub.sealed import SealedStreams
from ledger.checkpoint import Checkpoint
from ledger.compact import CompactRange
from ledger.tiles import TILE_WIDTH, tile_node_reader

State = Mapping[str, Any]
"""Plain values that JSON can hold."""

_COUNTERS: Final = ("events", "refusals", "deliveries", "openings", "cleared", "missed")
_NUMBERS: Final = ("entries", "batches", "payloads", "heads")


class Progressed(NamedTuple):
    """The parts of an audit that a state is of.

    Attributes:
        replay: What follows from the entries.
        tree: The tree over them.
        runs: The delivery runs compared so far.
    """

    replay: Replay
    tree: TileTree
    runs: RunCheck


def state_of(parts: Progressed, *, vkey: str, origin: str, checkpoints: int, contents: Mapping[str, Any]) -> State:
    """The state of an audit.

    Args:
        parts: Between two batches; no notification waits for its run.
        vkey: The log's verifier key.
        origin: Of the ledger.
        checkpoints: Signed checkpoints compared so far.
        contents: What was found of payloads so far.
    """
    replay, tree, runs = parts
    tally = replay.tally
    return {
        "vkey": vkey,
        "origin": origin,
        "size": tally.entries,
        "root": tree.root().hex(),
        "tree": [[size, [value.hex() for value in hashes]] for size, hashes in tree.levels()],
        "tally": {name: getattr(tally, name) for name in _NUMBERS}
        | {name: dict(getattr(tally, name)) for name in _COUNTERS},
        "heads": {point: [n, head.hex()] for point, (n, head) in replay.heads.items()},
        "producers": {name: [state.next_seq, state.last_hash.hex()] for name, state in replay.producers.items()},
        "retention": tally.retention.state(),
        "recorded_at": replay.batches.recorded_at,
        "directory": list(replay.directory_log),
        "directory_digest": replay.directory_digest.hex(),
        "runs": runs.compared,
        "run_heads": {point: head.hex() for point, head in runs.heads.items()},
        "checkpoints": checkpoints,
        "contents": contents,
        "sealed": sorted(stream_id.hex() for stream_id in replay.sealed.streams),
        "closed": sorted(stream_id.hex() for stream_id in replay.sealed.closed),
    }


def take_up(state: State, parts: Progressed, source: Source, checkpoint: Checkpoint, vkey: str) -> None:
    """Put a state into the parts of a new audit.

    Args:
        state: From `state_of`, undamaged.
        parts: New ones.
        source: The ledger that is audited.
        checkpoint: The one to audit up to.
        vkey: The log's verifier key.

    Raises:
        ConflictError: AUDIT_STATE_FOREIGN: it was saved while another ledger was audited, or one that this one does not
            continue.
    """
    replay, tree, runs = parts
    size = int(state["size"])
    if (state["vkey"], state["origin"]) != (vkey, checkpoint.origin):
        raise _foreign(f"it is of {state['origin']} under the key {state['vkey']}")
    if size > checkpoint.size:
        raise _foreign(f"it is of {size} entries, the ledger has {checkpoint.size}")
    tree.take_up([(count, [_hash(value) for value in hashes]) for count, hashes in state["tree"]])
    kept = _kept_root(source, size, checkpoint.size)
    if tree.root().hex() != state["root"] or kept not in (None, tree.root()):
        raise _foreign(f"its first {size} entries have the root {state['root']}, this ledger's have another one")
    runs.take_up(state["runs"], {point: _hash(head) for point, head in state["run_heads"].items()})
    _take_up_replay(state, replay, source)


def _take_up_replay(state: State, replay: Replay, source: Source) -> None:
    told = state["tally"]
    for name in _NUMBERS:
        setattr(replay.tally, name, int(told[name]))
    for name in _COUNTERS:
        getattr(replay.tally, name).update(told.get(name, {}))
    replay.tally.retention.take_up(state["retention"])
    replay.tally.retention.now_ms = int(state["recorded_at"])
    replay.heads = {PointId(point): (n, _hash(head)) for point, (n, head) in state["heads"].items()}
    indexes = [LeafIndex(index) for index in state["directory"]]
    replay.take_up(_entry(source, LeafIndex(0)), ((index, _entry(source, index)) for index in indexes))
    if replay.directory_digest.hex() != state["directory_digest"]:
        raise _foreign("the directory of this ledger has other entries")
    replay.sealed = SealedStreams(
        frozenset(bytes.fromhex(stream_id) for stream_id in state["sealed"]),
        frozenset(bytes.fromhex(stream_id) for stream_id in state["closed"]),
    )
    replay.batches.recorded_at = int(state["recorded_at"])
    replay.batches.producers.update(
        {name: ProducerState(seq, _hash(last)) for name, (seq, last) in state["producers"].items()}
    )


def _entry(source: Source, index: LeafIndex) -> bytes:
    for entry in source.entries(index, LeafIndex(index + 1)):
        return entry
    raise _foreign(f"this ledger has no entry {index}")


def _kept_root(source: Source, size: int, whole: int) -> Hash | None:
    """Root of the first entries as the kept tiles say it; None where none are kept."""
    if source.tile(0, 0, min(TILE_WIDTH, whole)) is None:
        return None

    def read(level: int, index: int) -> bytes:
        kept = source.tile(level, index, min(TILE_WIDTH, (whole >> 8 * level) - index * TILE_WIDTH))
        return b"" if kept is None else kept.data

    node = tile_node_reader(read)
    bits = [level for level in range(size.bit_length() - 1, -1, -1) if size >> level & 1]
    return CompactRange.of(size, [node(level, (size >> level) - 1) for level in bits]).root()


def _hash(value: str) -> Hash:
    return Hash(bytes.fromhex(value))


def _foreign(message: str) -> ConflictError:
    return ConflictError("AUDIT_STATE_FOREIGN", message)
