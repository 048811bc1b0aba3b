"""The small story that the published vectors of events, batches, payloads and deliveries tell, in eight ledger entries.

    0 genesis
    1 batch of 44-node: three events, of which the second is refused
    2   ResidenceNoticeAcknowledged, told to 45-node
    3   ReportedIn with one sealed payload, told to 45-450103
    4 batch of the hub
    5   HeadsPublished of both points
    6 batch of 44-node, the next one of its chain
    7   ResidenceNoticeAcknowledged, told to 45-node

Keys are made of numbers, for nothing else. Nobody is in it: the one payload says that a matter reached a state.
"""

import hashlib
from functools import cache
from typing import Any, Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from contracts.event import Header, SealedRef, encode_event
from contracts.event import leaf_hash as event_leaf
from contracts.ids import EventId, Hash, KeyId, OfficeId, PointId, RegionCode, StreamId, TreeSize, uuid7
from contracts.profile import encode_payload
from contracts.schema import load_registry
from contracts.sealing import CIPHER, SEALED_LABEL, commitment
from contracts.signing import key_id, sign
from docs.ledger_parties import LOG
from docs.spec.reference.sealing import envelope
from ledger.batch import NO_BATCH, Batch, batch_hash, encode_tbs
from ledger.checkpoint import Checkpoint, sign_checkpoint
from ledger.entry import BatchEntry, GenesisEntry, Refused, encode_batch_entry, encode_event_entry, encode_genesis
from ledger.heads import HEAD_ZERO, head_next
from ledger.tree import hash_leaf, root_of

CREATED_MS: Final = 1_767_225_600_000
"""2026-01-01 08:00 in Shanghai."""
DAY_BEGAN_MS: Final = 1_767_196_800_000
"""The first instant of that day."""
SENDER, RECEIVER = OfficeId("o1234abcd"), OfficeId("o2345abcd")
NODE, COUNTY = PointId("45-node"), PointId("45-450103")
PROFILE: Final = "NP-COR-STATUS"
REFUSED_EVENT: Final = b"no event"
"""What stands in the place of the second event."""

BATCH_SEED, HUB_SEED, RECEIPT_SEED, POINT_SEED, OFFICE_SEED, SENDER_SEED, HYBRID_SEED, EPHEMERAL_SEED = (
    number.to_bytes(32, "big") for number in range(11, 19)
)
CONTENT_KEY: Final = bytes(range(32))
NONCE: Final = bytes(range(32, 44))
OPENING: Final = bytes(range(64, 128))


class SigningParty(NamedTuple):
    """Who signs: private and public key and its id."""

    purpose: str
    seed: bytes

    @property
    def private(self) -> Ed25519PrivateKey:
        """The private key."""
        return Ed25519PrivateKey.from_private_bytes(self.seed)

    @property
    def public(self) -> bytes:
        """The public key."""
        return self.private.public_key().public_bytes_raw()

    @property
    def key_id(self) -> KeyId:
        """Its id."""
        return key_id(self.purpose, self.public)


GATEWAY: Final = SigningParty("batch", BATCH_SEED)
HUB: Final = SigningParty("hub-events", HUB_SEED)
RECEIPTS: Final = SigningParty("receipt", RECEIPT_SEED)


def x25519_public(seed: bytes) -> bytes:
    """The public key of an office or a point."""
    return X25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def an_id(number: int) -> bytes:
    """A UUIDv7 of the story."""
    return uuid7(unix_ms=CREATED_MS + number, entropy=bytes((number,)) * 10)


def _header(event_type: str, **fields: Any) -> Header:
    body = load_registry().encode_body(f"pprd.v1.{event_type}Body", fields.pop("body", {}))
    values: dict[str, Any] = {
        "event_type": event_type,
        "schema_id": body[2:10],
        "body": body,
        "edition": 1,
        "producer_region": RegionCode("44"),
        "producer_office": SENDER,
        "counterpart_region": RegionCode("45"),
        "counterpart_office": None,
        "sealed": (),
        "correlation_id": None,
        "causation_id": None,
        "sandbox": True,
    }
    return Header(**(values | fields))


def notice(number: int) -> Header:
    """An acknowledged notice: class `std`, nothing sealed."""
    return _header(
        "ResidenceNoticeAcknowledged",
        event_id=EventId(an_id(number)),
        event_class="std",
        stream_id=StreamId(an_id(number + 100)),
        stream_seq=3,
        prev_hash=Hash(hashlib.sha256(bytes((number,))).digest()),
        procedure="RESIDENCE_NOTIFICATION",
        occurred_at=CREATED_MS,
        purpose="RESIDENCE_NOTICE",
        legal_basis="LB-RES-07",
        data_class="P2",
    )


def reported() -> Header:
    """A step of a case: class `cas`, one sealed payload, both other ids."""
    return _header(
        "ReportedIn",
        body={"identity_checked": True},
        event_id=EventId(an_id(3)),
        event_class="cas",
        stream_id=StreamId(an_id(103)),
        stream_seq=300,
        prev_hash=Hash(hashlib.sha256(b"\x03").digest()),
        procedure="CORRECTION_TRANSFER",
        counterpart_office=RECEIVER,
        occurred_at=DAY_BEGAN_MS,
        purpose="CORRECTION_TRANSFER",
        legal_basis="LB-COR-27",
        data_class="P3_PLUS",
        sealed=(sealed_ref(),),
        correlation_id=an_id(103),
        causation_id=an_id(2),
    )


def bound() -> bytes:
    """What the payload is bound to."""
    return SEALED_LABEL + an_id(103) + an_id(3) + PROFILE.encode()


@cache
def plaintext() -> bytes:
    """The content: a state and a day of a matter."""
    return encode_payload(
        PROFILE,
        {
            "profile": PROFILE,
            "purpose": "CORRECTION_TRANSFER",
            "legal_basis": "LB-COR-27",
            "retention_rule": "CORRECTION_TRANSFER",
            "expires_on": "2026-01-31",
            "minor": False,
            "seal_state": "NONE",
            "safety_hold": False,
            "stream_id": an_id(103),
            "state": "REPORTED",
            "date": "2026-01-01",
        },
    )


@cache
def sealed_envelope() -> bytes:
    """The sealed payload. `contracts.sealing` makes the same, but draws the keys that it wraps; a test compares."""
    made = envelope(plaintext(), bound(), CONTENT_KEY, NONCE, OPENING)
    if not made.startswith(SEALED_LABEL + bytes((len(CIPHER),)) + CIPHER):
        raise AssertionError("the head of an envelope is another one")
    return made


def sealed_ref() -> SealedRef:
    """What the event says of it."""
    promise = commitment(opening=OPENING, plaintext=plaintext())
    return SealedRef(PROFILE, promise, hashlib.sha256(sealed_envelope()).digest(), 1, (RECEIVER,))


class Signed(NamedTuple):
    """A batch of the story with its entry."""

    party: SigningParty
    batch: Batch
    leaves: tuple[Hash, ...]
    refused: tuple[Refused, ...]

    @property
    def tbs(self) -> bytes:
        """What is signed."""
        return encode_tbs(self.batch)

    @property
    def signature(self) -> bytes:
        """The signature."""
        return sign(self.party.private, self.tbs)

    @property
    def entry(self) -> bytes:
        """The batch entry."""
        recorded_at = self.batch.created_ms + 1
        return encode_batch_entry(
            BatchEntry(self.tbs, self.signature, self.party.key_id, recorded_at, tuple(self.refused))
        )


class Story(NamedTuple):
    """Everything of the story. `events` and `heads` are by ledger index and by point."""

    batches: dict[int, Signed]
    events: dict[int, bytes]
    entries: tuple[bytes, ...]
    heads: dict[PointId, tuple[Hash, ...]]

    def note(self, size: int) -> bytes:
        """The signed checkpoint of the first entries."""
        root = root_of([hash_leaf(entry) for entry in self.entries[:size]])
        return sign_checkpoint(Checkpoint(LOG.name, TreeSize(size), root), LOG)


@cache
def story() -> Story:
    """The story, told once."""
    events = {2: encode_event(notice(2)), 3: encode_event(reported()), 7: encode_event(notice(7))}
    leaf = {index: event_leaf(event) for index, event in events.items()}
    node = head_next(HEAD_ZERO, 1, leaf[2])
    heads = {NODE: (node, head_next(node, 2, leaf[7])), COUNTY: (head_next(HEAD_ZERO, 1, leaf[3]),)}
    events[5] = encode_event(_heads_published({point: (1, known[0]) for point, known in heads.items()}))
    leaf[5] = event_leaf(events[5])
    bad = event_leaf(REFUSED_EVENT)
    first = _signed(GATEWAY, "44-node", 0, NO_BATCH, (leaf[2], bad, leaf[3]), 4, (Refused(1, bad, "EVENT_MALFORMED"),))
    hub = _signed(HUB, "00-hub", 0, NO_BATCH, (leaf[5],), 5)
    second = _signed(GATEWAY, "44-node", 1, batch_hash(first.tbs), (leaf[7],), 6)
    batches = {1: first, 4: hub, 6: second}
    genesis = GenesisEntry(
        LOG.name, CREATED_MS - 1_000, LOG.verifier.vkey, HUB.public, 1, True, Hash(bytes(32)), 300_000
    )
    entries = (
        encode_genesis(genesis),
        *(batches[at].entry if at in batches else encode_event_entry(events[at]) for at in range(1, 8)),
    )
    return Story(batches, events, entries, heads)


def _signed(
    party: SigningParty,
    producer: str,
    seq: int,
    prev: Hash,
    leaves: tuple[Hash, ...],
    number: int,
    refused: tuple[Refused, ...] = (),
) -> Signed:
    created_ms = CREATED_MS + number * 1_000
    batch = Batch(producer, an_id(number), seq, len(leaves), created_ms, prev, root_of(leaves))
    return Signed(party, batch, leaves, refused)


def _heads_published(heads: dict[PointId, tuple[int, Hash]]) -> Header:
    return _header(
        "HeadsPublished",
        body={"heads": [{"point": point, "n": n, "head": head} for point, (n, head) in sorted(heads.items())]},
        event_id=EventId(an_id(5)),
        event_class="acc",
        stream_id=StreamId(an_id(105)),
        stream_seq=0,
        prev_hash=Hash(bytes(32)),
        procedure="HEADS",
        producer_region=RegionCode("00"),
        producer_office=OfficeId("o00000000"),
        counterpart_region=None,
        occurred_at=CREATED_MS + 5_000,
        purpose="LEDGER",
        legal_basis="LB-LOG",
        data_class="P0",
    )
