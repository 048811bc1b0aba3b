from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BatchEvidence(_message.Message):
    __slots__ = ("index", "entry")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    index: int
    entry: bytes
    def __init__(self, index: _Optional[int] = ..., entry: _Optional[bytes] = ...) -> None: ...

class Notification(_message.Message):
    __slots__ = ("index", "event", "path", "batch", "position", "batch_path")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    BATCH_PATH_FIELD_NUMBER: _ClassVar[int]
    index: int
    event: bytes
    path: bytes
    batch: int
    position: int
    batch_path: bytes
    def __init__(self, index: _Optional[int] = ..., event: _Optional[bytes] = ..., path: _Optional[bytes] = ..., batch: _Optional[int] = ..., position: _Optional[int] = ..., batch_path: _Optional[bytes] = ...) -> None: ...

class NotificationRun(_message.Message):
    __slots__ = ("point", "first_n", "head_before", "head_after", "checkpoint", "batches", "notifications", "padding")
    POINT_FIELD_NUMBER: _ClassVar[int]
    FIRST_N_FIELD_NUMBER: _ClassVar[int]
    HEAD_BEFORE_FIELD_NUMBER: _ClassVar[int]
    HEAD_AFTER_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    BATCHES_FIELD_NUMBER: _ClassVar[int]
    NOTIFICATIONS_FIELD_NUMBER: _ClassVar[int]
    PADDING_FIELD_NUMBER: _ClassVar[int]
    point: str
    first_n: int
    head_before: bytes
    head_after: bytes
    checkpoint: bytes
    batches: _containers.RepeatedCompositeFieldContainer[BatchEvidence]
    notifications: _containers.RepeatedCompositeFieldContainer[Notification]
    padding: bytes
    def __init__(self, point: _Optional[str] = ..., first_n: _Optional[int] = ..., head_before: _Optional[bytes] = ..., head_after: _Optional[bytes] = ..., checkpoint: _Optional[bytes] = ..., batches: _Optional[_Iterable[_Union[BatchEvidence, _Mapping]]] = ..., notifications: _Optional[_Iterable[_Union[Notification, _Mapping]]] = ..., padding: _Optional[bytes] = ...) -> None: ...

class SealedRun(_message.Message):
    __slots__ = ("suite", "key_id", "ciphertext")
    SUITE_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    CIPHERTEXT_FIELD_NUMBER: _ClassVar[int]
    suite: str
    key_id: bytes
    ciphertext: bytes
    def __init__(self, suite: _Optional[str] = ..., key_id: _Optional[bytes] = ..., ciphertext: _Optional[bytes] = ...) -> None: ...

class DeliveryReceipt(_message.Message):
    __slots__ = ("point", "n", "head", "received_ms", "key_id", "signature")
    POINT_FIELD_NUMBER: _ClassVar[int]
    N_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_MS_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    point: str
    n: int
    head: bytes
    received_ms: int
    key_id: bytes
    signature: bytes
    def __init__(self, point: _Optional[str] = ..., n: _Optional[int] = ..., head: _Optional[bytes] = ..., received_ms: _Optional[int] = ..., key_id: _Optional[bytes] = ..., signature: _Optional[bytes] = ...) -> None: ...
