"""What travels on the broker, and back: runs, sealed runs, receipts. Framing only; nothing is believed here.

A standard run is a `NotificationRun` as it is. A case run is sealed as a whole to its delivery point's key (HPKE) and
padded before to one of a few sizes, so that on the broker the kinds of case look alike (DOMAIN 9.2). Whether a message
is sealed is told by its first bytes. The same bytes are what `GetRuns` of the exchange answers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from google.protobuf.message import DecodeError
from google.protobuf.message import Message as ProtoMessage

from adapters._generated.pprd.v1 import notification_pb2 as pb
from adapters.nats.subjects import ntf_subject, region_of, rgt_subject
from contracts.errors import ContractError, EvidenceError, UnavailableError
from contracts.event import decode_event
from contracts.ids import Hash, KeyId, LeafIndex, PointId
from hub.delivery_receipt import DeliveryReceipt
from hub.directory_values import AgreementKey, Point
from hub.notification import BatchEvidence, Notification, NotificationRun
from hub.ports import Run
from hub.run_builder import RunBuilder

MAX_MESSAGE_BYTES: Final = 8 << 20
"""Most bytes of a message; the broker refuses more (deploy/nats)."""
BUCKETS_KIB: Final = (4, 16, 64, 256, 1024)
"""Sizes that a case run is padded to; a longer one to the next whole MiB."""
RUN_LABEL: Final = b"pprd-run/v1\n\0"
"""First bytes of what binds a sealed run to its delivery point."""

M = TypeVar("M", bound=ProtoMessage)

_SUITE: Final = b"X25519-HKDF-SHA256+AES-256-GCM"
_HPKE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_SEALED_START: Final = b"\x0a" + bytes((len(_SUITE),)) + _SUITE
_PADDING_TAG: Final = bytes(((pb.NotificationRun.PADDING_FIELD_NUMBER << 3) | 2,))
_PADDING_HEAD: Final = 5
_HASH_BYTES: Final = 32


class Message(NamedTuple):
    """A message ready to be published.

    Attributes:
        subject: DOMAIN 9.1.
        message_id: What makes a repeat recognisable to the broker: of a run its point and first counter. None for a
            receipt: a region says it again because it may not have been heard.
        data: The bytes.
    """

    subject: str
    message_id: str | None
    data: bytes


class RunForm:
    """Turns delivery rows into messages, on the broker and in answers alike.

    Args:
        builder: Builds the runs.
        point: Finds a delivery point in the directory, as it is now.
    """

    def __init__(self, builder: RunBuilder, point: Callable[[PointId], Point | None]) -> None:
        self._builder = builder
        self._point = point

    def message(self, run: Run) -> Message:
        """Build, encode and, if it is one of cases, seal a run.

        Raises:
            FatalError: STORE_DAMAGED: the ledger does not hold what the row says.
            UnavailableError: DIRECTORY_BEHIND: the point is not in the directory yet.
        """
        built = self._builder.build(run)
        data = encode_run(built)
        if run.is_case:
            point = self._point(run.point)
            if point is None:
                raise UnavailableError("DIRECTORY_BEHIND", f"point {run.point} is not in the directory here")
            data = seal_run(data, point=run.point, key=point.key)
        return Message(_subject(run, built), f"{run.point}:{run.first_n}", data)


def _subject(run: Run, built: NotificationRun) -> str:
    """A run is of one class; of those that travel sealed, its first event says whether they are orders."""
    if run.is_case and decode_event(built.notifications[0].event).event_class == "rgt":
        return rgt_subject(region_of(run.point))
    return ntf_subject(run.point, is_case=run.is_case)


def encode_run(run: NotificationRun) -> bytes:
    """Frame a run."""
    message = pb.NotificationRun(
        point=run.point,
        first_n=run.first_n,
        head_before=run.head_before,
        head_after=run.head_after,
        checkpoint=run.checkpoint,
    )
    for index, entry in run.batches:
        message.batches.add(index=index, entry=entry)
    add = message.notifications.add
    for index, event, path, batch, position, batch_path in run.notifications:
        add(index=index, event=event, path=path, batch=batch, position=position, batch_path=batch_path)
    return message.SerializeToString()


def decode_run(data: bytes) -> NotificationRun:
    """Unframe a run.

    Raises:
        ContractError: RUN_MALFORMED: the bytes are no run, or a hash of it has a wrong length.
    """
    message = _parse(pb.NotificationRun(), data)
    if len(message.head_before) != _HASH_BYTES or len(message.head_after) != _HASH_BYTES:
        raise ContractError("RUN_MALFORMED", "a running hash has a wrong length", field="head_before")
    return NotificationRun(
        point=PointId(message.point),
        first_n=message.first_n,
        head_before=Hash(message.head_before),
        head_after=Hash(message.head_after),
        checkpoint=message.checkpoint,
        batches=tuple(BatchEvidence(LeafIndex(b.index), b.entry) for b in message.batches),
        notifications=tuple(
            Notification(LeafIndex(n.index), n.event, n.path, n.batch, n.position, n.batch_path)
            for n in message.notifications
        ),
    )


def is_sealed(data: bytes) -> bool:
    """Say whether a message is a sealed run."""
    return data.startswith(_SEALED_START)


def seal_run(encoded: bytes, *, point: PointId, key: AgreementKey) -> bytes:
    """Pad an encoded run to its bucket and seal it to a delivery point's key."""
    box = _HPKE.encrypt(_pad(encoded), X25519PublicKey.from_public_bytes(key.public_key), _info(point))
    return pb.SealedRun(suite=_SUITE.decode(), key_id=key.key_id, ciphertext=box).SerializeToString()


def open_run(data: bytes, *, point: PointId, private_of: Callable[[KeyId], X25519PrivateKey | None]) -> bytes:
    """Open a sealed run.

    Args:
        data: As it arrived.
        point: Whose it must be.
        private_of: The point's private key by its id.

    Returns:
        The encoded run, for `decode_run`, which ignores the padding.

    Raises:
        ContractError: RUN_MALFORMED: the bytes are no sealed run of the one suite.
        EvidenceError: RUN_INVALID: it is sealed to a key that the point does not have, or to another point.
    """
    message = _parse(pb.SealedRun(), data)
    if message.suite != _SUITE.decode():
        raise ContractError("RUN_MALFORMED", f"suite {message.suite[:64]!r} is not known", field="suite")
    private = private_of(KeyId(message.key_id))
    if private is None:
        raise EvidenceError("RUN_INVALID", f"a run of {point} is sealed to key {message.key_id.hex()}", field="key_id")
    try:
        return _HPKE.decrypt(message.ciphertext, private, _info(point))
    except (InvalidTag, ValueError) as error:
        raise EvidenceError("RUN_INVALID", f"a sealed run does not open with the key of {point}") from error


def encode_receipt(receipt: DeliveryReceipt) -> bytes:
    """Frame a receipt."""
    return pb.DeliveryReceipt(
        point=receipt.point,
        n=receipt.n,
        head=receipt.head,
        received_ms=receipt.received_ms,
        key_id=receipt.key_id,
        signature=receipt.signature,
    ).SerializeToString()


def decode_receipt(data: bytes) -> DeliveryReceipt:
    """Unframe a receipt.

    Raises:
        ContractError: RUN_MALFORMED: the bytes are no receipt.
    """
    message = _parse(pb.DeliveryReceipt(), data)
    if len(message.head) != _HASH_BYTES or not message.point.isascii() or not message.n:
        raise ContractError("RUN_MALFORMED", "a receipt without point, counter or running hash")
    return DeliveryReceipt(
        PointId(message.point),
        message.n,
        Hash(message.head),
        message.received_ms,
        KeyId(message.key_id),
        message.signature,
    )


def _pad(encoded: bytes) -> bytes:
    # The field's length takes four bytes whatever it says, so that every size can be filled exactly.
    total = _bucket_bytes(len(encoded) + _PADDING_HEAD)
    zeros = total - len(encoded) - _PADDING_HEAD
    length = bytes((zeros >> shift & 0x7F) | (0x80 if shift < 21 else 0) for shift in (0, 7, 14, 21))
    return (encoded + _PADDING_TAG + length).ljust(total, b"\0")


def _bucket_bytes(size: int) -> int:
    for bucket_kib in BUCKETS_KIB:
        if size <= bucket_kib << 10:
            return bucket_kib << 10
    return -(-size // (1 << 20)) << 20


def _info(point: PointId) -> bytes:
    return RUN_LABEL + point.encode("ascii")


def _parse(message: M, data: bytes) -> M:
    if len(data) > MAX_MESSAGE_BYTES:
        raise ContractError("RUN_MALFORMED", f"{len(data)} bytes are more than a message may have")
    try:
        message.ParseFromString(data)
    except DecodeError as error:
        raise ContractError("RUN_MALFORMED", f"{len(data)} bytes are no {type(message).__name__}") from error
    return message
