"""Streams and consumers of the broker, DOMAIN 9.1: names, and the settings that each must have.

Runs of a region wait in `NTF-<region>` until its inbox acknowledged them, at most 30 days; whatever the broker loses is
published again from the ledger. Nothing here keeps a record.
"""

from __future__ import annotations

from typing import Final

from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)

from adapters.nats.subjects import DIR_SUBJECT, LOG_SUBJECT, RCP_SUBJECTS, STT_SUBJECTS, rgt_subject
from contracts.ids import REGIONS, RegionCode

RCP_STREAM: Final = "RCP"
"""Receipts of all regions, until the relay has read them."""
LOG_STREAM: Final = "LOG"
"""Checkpoints."""
DIR_STREAM: Final = "DIR"
"""The directory's events, for good."""
STT_STREAM: Final = "STT"
"""Statistics, for good: a few messages a month."""
MAX_AGE_SECONDS: Final = 30 * 24 * 3600.0
"""How long an unread message is kept."""
DUPLICATE_WINDOW_SECONDS: Final = 120.0
"""How long the broker itself recognises a repeat; after that the counter does."""

RELAY_DURABLE: Final = "relay"
"""The relay's consumer of receipts."""

_LOG_BYTES: Final = 256 << 20
_ACK_SECONDS: Final = 10.0
_UNACKNOWLEDGED: Final = 256


def ntf_stream(region: RegionCode) -> str:
    """Name of the stream of a region's runs."""
    return f"NTF-{region}"


def rgt_stream(region: RegionCode) -> str:
    """Name of the stream of a region's orders."""
    return f"RGT-{region}"


def ntf_config(region: RegionCode) -> StreamConfig:
    """Settings of a region's stream: a work queue, so that what was acknowledged is gone."""
    return _config(ntf_stream(region), f"pprd.v1.ntf.{region}.>", RetentionPolicy.WORK_QUEUE)


def all_streams() -> tuple[StreamConfig, ...]:
    """Settings of every stream that the relay keeps."""
    log = _config(LOG_STREAM, LOG_SUBJECT, RetentionPolicy.LIMITS)
    log.max_bytes = _LOG_BYTES
    statistics = _config(STT_STREAM, STT_SUBJECTS, RetentionPolicy.LIMITS)
    directory = _config(DIR_STREAM, DIR_SUBJECT, RetentionPolicy.LIMITS)
    statistics.max_age = directory.max_age = 0
    return (
        *(ntf_config(region) for region in REGIONS),
        *(_config(rgt_stream(region), rgt_subject(region), RetentionPolicy.WORK_QUEUE) for region in REGIONS),
        _config(RCP_STREAM, RCP_SUBJECTS, RetentionPolicy.WORK_QUEUE),
        log,
        directory,
        statistics,
    )


def streams_of(region: RegionCode) -> tuple[str, ...]:
    """The streams in which runs of a region wait."""
    return ntf_stream(region), rgt_stream(region)


def inbox_durable(region: RegionCode) -> str:
    """A region's consumer of its own streams."""
    return f"inbox-{region}"


def reading(region: RegionCode) -> tuple[tuple[str, str], ...]:
    """What a region reads: stream and consumer of each."""
    return tuple((stream, inbox_durable(region)) for stream in streams_of(region))


def consumers_of(stream: str) -> tuple[ConsumerConfig, ...]:
    """Settings of the consumers that a stream has."""
    names = [durable for region in REGIONS for name, durable in reading(region) if name == stream]
    if stream == RCP_STREAM:
        names.append(RELAY_DURABLE)
    return tuple(
        ConsumerConfig(
            durable_name=name,
            deliver_policy=DeliverPolicy.ALL,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=_ACK_SECONDS,
            max_ack_pending=_UNACKNOWLEDGED,
        )
        for name in names
    )


def _config(name: str, subject: str, retention: RetentionPolicy) -> StreamConfig:
    return StreamConfig(
        name=name,
        subjects=[subject],
        retention=retention,
        storage=StorageType.FILE,
        discard=DiscardPolicy.OLD,
        max_age=MAX_AGE_SECONDS,
        duplicate_window=DUPLICATE_WINDOW_SECONDS,
    )
