from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OUTCOME_UNSPECIFIED: _ClassVar[Outcome]
    OUTCOME_REPEATED: _ClassVar[Outcome]
    OUTCOME_REFUSED: _ClassVar[Outcome]
OUTCOME_UNSPECIFIED: Outcome
OUTCOME_REPEATED: Outcome
OUTCOME_REFUSED: Outcome

class WrappedKey(_message.Message):
    __slots__ = ("office", "key_id", "enc")
    OFFICE_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    ENC_FIELD_NUMBER: _ClassVar[int]
    office: str
    key_id: bytes
    enc: bytes
    def __init__(self, office: _Optional[str] = ..., key_id: _Optional[bytes] = ..., enc: _Optional[bytes] = ...) -> None: ...

class SealedPayload(_message.Message):
    __slots__ = ("envelope", "wrapped")
    ENVELOPE_FIELD_NUMBER: _ClassVar[int]
    WRAPPED_FIELD_NUMBER: _ClassVar[int]
    envelope: bytes
    wrapped: _containers.RepeatedCompositeFieldContainer[WrappedKey]
    def __init__(self, envelope: _Optional[bytes] = ..., wrapped: _Optional[_Iterable[_Union[WrappedKey, _Mapping]]] = ...) -> None: ...

class SubmitRequest(_message.Message):
    __slots__ = ("tbs", "signature", "key_id", "events", "payloads")
    TBS_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    PAYLOADS_FIELD_NUMBER: _ClassVar[int]
    tbs: bytes
    signature: bytes
    key_id: bytes
    events: _containers.RepeatedScalarFieldContainer[bytes]
    payloads: _containers.RepeatedCompositeFieldContainer[SealedPayload]
    def __init__(self, tbs: _Optional[bytes] = ..., signature: _Optional[bytes] = ..., key_id: _Optional[bytes] = ..., events: _Optional[_Iterable[bytes]] = ..., payloads: _Optional[_Iterable[_Union[SealedPayload, _Mapping]]] = ...) -> None: ...

class Refusal(_message.Message):
    __slots__ = ("code", "sentence", "field", "rule", "retry_after_ms", "has_expected", "expected_batch_seq", "expected_prev_batch", "title", "meaning", "advice")
    CODE_FIELD_NUMBER: _ClassVar[int]
    SENTENCE_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    HAS_EXPECTED_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_BATCH_SEQ_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_PREV_BATCH_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    MEANING_FIELD_NUMBER: _ClassVar[int]
    ADVICE_FIELD_NUMBER: _ClassVar[int]
    code: str
    sentence: str
    field: str
    rule: str
    retry_after_ms: int
    has_expected: bool
    expected_batch_seq: int
    expected_prev_batch: bytes
    title: str
    meaning: str
    advice: str
    def __init__(self, code: _Optional[str] = ..., sentence: _Optional[str] = ..., field: _Optional[str] = ..., rule: _Optional[str] = ..., retry_after_ms: _Optional[int] = ..., has_expected: _Optional[bool] = ..., expected_batch_seq: _Optional[int] = ..., expected_prev_batch: _Optional[bytes] = ..., title: _Optional[str] = ..., meaning: _Optional[str] = ..., advice: _Optional[str] = ...) -> None: ...

class EventException(_message.Message):
    __slots__ = ("position", "outcome", "refusal", "original")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    ORIGINAL_FIELD_NUMBER: _ClassVar[int]
    position: int
    outcome: Outcome
    refusal: Refusal
    original: EventReceipt
    def __init__(self, position: _Optional[int] = ..., outcome: _Optional[_Union[Outcome, str]] = ..., refusal: _Optional[_Union[Refusal, _Mapping]] = ..., original: _Optional[_Union[EventReceipt, _Mapping]] = ...) -> None: ...

class BatchReceipt(_message.Message):
    __slots__ = ("batch_entry", "start", "end", "left", "right", "checkpoint")
    BATCH_ENTRY_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    LEFT_FIELD_NUMBER: _ClassVar[int]
    RIGHT_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    batch_entry: bytes
    start: int
    end: int
    left: _containers.RepeatedScalarFieldContainer[bytes]
    right: _containers.RepeatedScalarFieldContainer[bytes]
    checkpoint: bytes
    def __init__(self, batch_entry: _Optional[bytes] = ..., start: _Optional[int] = ..., end: _Optional[int] = ..., left: _Optional[_Iterable[bytes]] = ..., right: _Optional[_Iterable[bytes]] = ..., checkpoint: _Optional[bytes] = ...) -> None: ...

class EventReceipt(_message.Message):
    __slots__ = ("entry", "index", "path", "checkpoint")
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    entry: bytes
    index: int
    path: _containers.RepeatedScalarFieldContainer[bytes]
    checkpoint: bytes
    def __init__(self, entry: _Optional[bytes] = ..., index: _Optional[int] = ..., path: _Optional[_Iterable[bytes]] = ..., checkpoint: _Optional[bytes] = ...) -> None: ...

class SubmitResponse(_message.Message):
    __slots__ = ("batch_id", "receipt", "exceptions", "refusal")
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    EXCEPTIONS_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    batch_id: bytes
    receipt: BatchReceipt
    exceptions: _containers.RepeatedCompositeFieldContainer[EventException]
    refusal: Refusal
    def __init__(self, batch_id: _Optional[bytes] = ..., receipt: _Optional[_Union[BatchReceipt, _Mapping]] = ..., exceptions: _Optional[_Iterable[_Union[EventException, _Mapping]]] = ..., refusal: _Optional[_Union[Refusal, _Mapping]] = ...) -> None: ...

class GetStreamRequest(_message.Message):
    __slots__ = ("stream_id", "from_seq", "limit")
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_SEQ_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    stream_id: bytes
    from_seq: int
    limit: int
    def __init__(self, stream_id: _Optional[bytes] = ..., from_seq: _Optional[int] = ..., limit: _Optional[int] = ...) -> None: ...

class StreamEvent(_message.Message):
    __slots__ = ("index", "event")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    index: int
    event: bytes
    def __init__(self, index: _Optional[int] = ..., event: _Optional[bytes] = ...) -> None: ...

class GetStreamResponse(_message.Message):
    __slots__ = ("events", "has_more")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    HAS_MORE_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[StreamEvent]
    has_more: bool
    def __init__(self, events: _Optional[_Iterable[_Union[StreamEvent, _Mapping]]] = ..., has_more: _Optional[bool] = ...) -> None: ...

class GetReceiptRequest(_message.Message):
    __slots__ = ("event_id",)
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    event_id: bytes
    def __init__(self, event_id: _Optional[bytes] = ...) -> None: ...

class InclusionQuery(_message.Message):
    __slots__ = ("index", "tree_size")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    TREE_SIZE_FIELD_NUMBER: _ClassVar[int]
    index: int
    tree_size: int
    def __init__(self, index: _Optional[int] = ..., tree_size: _Optional[int] = ...) -> None: ...

class ConsistencyQuery(_message.Message):
    __slots__ = ("size1", "size2")
    SIZE1_FIELD_NUMBER: _ClassVar[int]
    SIZE2_FIELD_NUMBER: _ClassVar[int]
    size1: int
    size2: int
    def __init__(self, size1: _Optional[int] = ..., size2: _Optional[int] = ...) -> None: ...

class GrowthQuery(_message.Message):
    __slots__ = ("sizes", "size2")
    SIZES_FIELD_NUMBER: _ClassVar[int]
    SIZE2_FIELD_NUMBER: _ClassVar[int]
    sizes: _containers.RepeatedScalarFieldContainer[int]
    size2: int
    def __init__(self, sizes: _Optional[_Iterable[int]] = ..., size2: _Optional[int] = ...) -> None: ...

class GetProofRequest(_message.Message):
    __slots__ = ("inclusion", "consistency", "growth")
    INCLUSION_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    GROWTH_FIELD_NUMBER: _ClassVar[int]
    inclusion: InclusionQuery
    consistency: ConsistencyQuery
    growth: GrowthQuery
    def __init__(self, inclusion: _Optional[_Union[InclusionQuery, _Mapping]] = ..., consistency: _Optional[_Union[ConsistencyQuery, _Mapping]] = ..., growth: _Optional[_Union[GrowthQuery, _Mapping]] = ...) -> None: ...

class ProofPath(_message.Message):
    __slots__ = ("path",)
    PATH_FIELD_NUMBER: _ClassVar[int]
    path: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, path: _Optional[_Iterable[bytes]] = ...) -> None: ...

class GetProofResponse(_message.Message):
    __slots__ = ("path", "checkpoint", "growth")
    PATH_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    GROWTH_FIELD_NUMBER: _ClassVar[int]
    path: _containers.RepeatedScalarFieldContainer[bytes]
    checkpoint: bytes
    growth: _containers.RepeatedCompositeFieldContainer[ProofPath]
    def __init__(self, path: _Optional[_Iterable[bytes]] = ..., checkpoint: _Optional[bytes] = ..., growth: _Optional[_Iterable[_Union[ProofPath, _Mapping]]] = ...) -> None: ...

class GetEntriesRequest(_message.Message):
    __slots__ = ("start", "end")
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    start: int
    end: int
    def __init__(self, start: _Optional[int] = ..., end: _Optional[int] = ...) -> None: ...

class EntryChunk(_message.Message):
    __slots__ = ("start", "entries")
    START_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    start: int
    entries: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, start: _Optional[int] = ..., entries: _Optional[_Iterable[bytes]] = ...) -> None: ...

class GetLogKeysRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetLogKeysResponse(_message.Message):
    __slots__ = ("chain",)
    CHAIN_FIELD_NUMBER: _ClassVar[int]
    chain: bytes
    def __init__(self, chain: _Optional[bytes] = ...) -> None: ...

class GetCheckpointRequest(_message.Message):
    __slots__ = ("size",)
    SIZE_FIELD_NUMBER: _ClassVar[int]
    size: int
    def __init__(self, size: _Optional[int] = ...) -> None: ...

class GetCheckpointResponse(_message.Message):
    __slots__ = ("checkpoint",)
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    checkpoint: bytes
    def __init__(self, checkpoint: _Optional[bytes] = ...) -> None: ...

class OpenPayloadRequest(_message.Message):
    __slots__ = ("request_id", "event_id", "ciphertext_hash", "office", "officer", "purpose", "reason", "reason_commitment", "created_ms", "producer", "key_id", "signature", "role", "approval", "clearance")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    CIPHERTEXT_HASH_FIELD_NUMBER: _ClassVar[int]
    OFFICE_FIELD_NUMBER: _ClassVar[int]
    OFFICER_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REASON_COMMITMENT_FIELD_NUMBER: _ClassVar[int]
    CREATED_MS_FIELD_NUMBER: _ClassVar[int]
    PRODUCER_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    APPROVAL_FIELD_NUMBER: _ClassVar[int]
    CLEARANCE_FIELD_NUMBER: _ClassVar[int]
    request_id: bytes
    event_id: bytes
    ciphertext_hash: bytes
    office: str
    officer: bytes
    purpose: str
    reason: str
    reason_commitment: bytes
    created_ms: int
    producer: str
    key_id: bytes
    signature: bytes
    role: str
    approval: bytes
    clearance: bytes
    def __init__(self, request_id: _Optional[bytes] = ..., event_id: _Optional[bytes] = ..., ciphertext_hash: _Optional[bytes] = ..., office: _Optional[str] = ..., officer: _Optional[bytes] = ..., purpose: _Optional[str] = ..., reason: _Optional[str] = ..., reason_commitment: _Optional[bytes] = ..., created_ms: _Optional[int] = ..., producer: _Optional[str] = ..., key_id: _Optional[bytes] = ..., signature: _Optional[bytes] = ..., role: _Optional[str] = ..., approval: _Optional[bytes] = ..., clearance: _Optional[bytes] = ...) -> None: ...

class OpenPayloadResponse(_message.Message):
    __slots__ = ("envelope", "wrapped", "access_event", "receipt")
    ENVELOPE_FIELD_NUMBER: _ClassVar[int]
    WRAPPED_FIELD_NUMBER: _ClassVar[int]
    ACCESS_EVENT_FIELD_NUMBER: _ClassVar[int]
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    envelope: bytes
    wrapped: WrappedKey
    access_event: bytes
    receipt: EventReceipt
    def __init__(self, envelope: _Optional[bytes] = ..., wrapped: _Optional[_Union[WrappedKey, _Mapping]] = ..., access_event: _Optional[bytes] = ..., receipt: _Optional[_Union[EventReceipt, _Mapping]] = ...) -> None: ...

class OpenRequests(_message.Message):
    __slots__ = ("requests",)
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[OpenPayloadRequest]
    def __init__(self, requests: _Optional[_Iterable[_Union[OpenPayloadRequest, _Mapping]]] = ...) -> None: ...

class OpenAnswer(_message.Message):
    __slots__ = ("number", "opened", "refusal")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    OPENED_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    number: int
    opened: OpenPayloadResponse
    refusal: Refusal
    def __init__(self, number: _Optional[int] = ..., opened: _Optional[_Union[OpenPayloadResponse, _Mapping]] = ..., refusal: _Optional[_Union[Refusal, _Mapping]] = ...) -> None: ...

class OpenAnswers(_message.Message):
    __slots__ = ("answers",)
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    answers: _containers.RepeatedCompositeFieldContainer[OpenAnswer]
    def __init__(self, answers: _Optional[_Iterable[_Union[OpenAnswer, _Mapping]]] = ...) -> None: ...

class WatchDirectoryRequest(_message.Message):
    __slots__ = ("from_index", "follow")
    FROM_INDEX_FIELD_NUMBER: _ClassVar[int]
    FOLLOW_FIELD_NUMBER: _ClassVar[int]
    from_index: int
    follow: bool
    def __init__(self, from_index: _Optional[int] = ..., follow: _Optional[bool] = ...) -> None: ...

class DirectoryUpdate(_message.Message):
    __slots__ = ("events", "through")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    THROUGH_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[StreamEvent]
    through: int
    def __init__(self, events: _Optional[_Iterable[_Union[StreamEvent, _Mapping]]] = ..., through: _Optional[int] = ...) -> None: ...

class GetRunsRequest(_message.Message):
    __slots__ = ("point", "from_n", "limit")
    POINT_FIELD_NUMBER: _ClassVar[int]
    FROM_N_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    point: str
    from_n: int
    limit: int
    def __init__(self, point: _Optional[str] = ..., from_n: _Optional[int] = ..., limit: _Optional[int] = ...) -> None: ...

class PublishedRun(_message.Message):
    __slots__ = ("point", "first_n", "count", "data")
    POINT_FIELD_NUMBER: _ClassVar[int]
    FIRST_N_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    point: str
    first_n: int
    count: int
    data: bytes
    def __init__(self, point: _Optional[str] = ..., first_n: _Optional[int] = ..., count: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...

class GetProducerRequest(_message.Message):
    __slots__ = ("producer",)
    PRODUCER_FIELD_NUMBER: _ClassVar[int]
    producer: str
    def __init__(self, producer: _Optional[str] = ...) -> None: ...

class GetProducerResponse(_message.Message):
    __slots__ = ("next_seq", "last_hash")
    NEXT_SEQ_FIELD_NUMBER: _ClassVar[int]
    LAST_HASH_FIELD_NUMBER: _ClassVar[int]
    next_seq: int
    last_hash: bytes
    def __init__(self, next_seq: _Optional[int] = ..., last_hash: _Optional[bytes] = ...) -> None: ...

class GetWorkListRequest(_message.Message):
    __slots__ = ("office", "after", "limit", "created_ms", "producer", "key_id", "signature")
    OFFICE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CREATED_MS_FIELD_NUMBER: _ClassVar[int]
    PRODUCER_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    office: str
    after: bytes
    limit: int
    created_ms: int
    producer: str
    key_id: bytes
    signature: bytes
    def __init__(self, office: _Optional[str] = ..., after: _Optional[bytes] = ..., limit: _Optional[int] = ..., created_ms: _Optional[int] = ..., producer: _Optional[str] = ..., key_id: _Optional[bytes] = ..., signature: _Optional[bytes] = ...) -> None: ...

class WorkListRow(_message.Message):
    __slots__ = ("stream_id", "kind", "state", "due_ms", "rule", "calendar_assumed")
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    DUE_MS_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    CALENDAR_ASSUMED_FIELD_NUMBER: _ClassVar[int]
    stream_id: bytes
    kind: str
    state: str
    due_ms: int
    rule: str
    calendar_assumed: bool
    def __init__(self, stream_id: _Optional[bytes] = ..., kind: _Optional[str] = ..., state: _Optional[str] = ..., due_ms: _Optional[int] = ..., rule: _Optional[str] = ..., calendar_assumed: _Optional[bool] = ...) -> None: ...

class GetWorkListResponse(_message.Message):
    __slots__ = ("rows", "after", "position")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    rows: _containers.RepeatedCompositeFieldContainer[WorkListRow]
    after: bytes
    position: int
    def __init__(self, rows: _Optional[_Iterable[_Union[WorkListRow, _Mapping]]] = ..., after: _Optional[bytes] = ..., position: _Optional[int] = ...) -> None: ...
