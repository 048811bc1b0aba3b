"""Where our errors stand in gRPC: the one table from families to status codes, and the way back.

A status carries our code, family, field and rule in its trailing metadata and a sentence in its details. What the hub
refuses in a submission is not here: that is an answer inside `SubmitResponse` (`adapters.grpc.messages`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

import grpc

from contracts.codes import CODES
from contracts.errors import (
    AccessError,
    ConflictError,
    ContractError,
    EvidenceError,
    ExchangeError,
    Family,
    FatalError,
    RuleError,
    UnavailableError,
)
from contracts.messages import Language, language_of, message_of

CODE_KEY: Final = "pprd-code"
FAMILY_KEY: Final = "pprd-family"
FIELD_KEY: Final = "pprd-field"
RULE_KEY: Final = "pprd-rule"
RETRY_KEY: Final = "pprd-retry-after-ms"
LANGUAGE_KEY: Final = "pprd-lang"
"""In the metadata of a call: the language in which its refusals speak, `en` or `zh`."""
MEANING_KEY: Final = "pprd-meaning-bin"
"""What the code means, in the call's language, UTF-8."""
ADVICE_KEY: Final = "pprd-advice-bin"
"""What to do, in the call's language, UTF-8."""

FAMILY_STATUS: Final[Mapping[Family, grpc.StatusCode]] = MappingProxyType(
    {
        "contract": grpc.StatusCode.INVALID_ARGUMENT,
        "access": grpc.StatusCode.PERMISSION_DENIED,
        "rule": grpc.StatusCode.FAILED_PRECONDITION,
        "conflict": grpc.StatusCode.ABORTED,
        "evidence": grpc.StatusCode.UNAUTHENTICATED,
        "unavailable": grpc.StatusCode.UNAVAILABLE,
        "fatal": grpc.StatusCode.INTERNAL,
    }
)
"""The status of each family; `CODE_STATUS` has the few codes for which gRPC knows a better word."""

CODE_STATUS: Final[Mapping[str, grpc.StatusCode]] = MappingProxyType(
    {
        "DEADLINE_EXCEEDED": grpc.StatusCode.DEADLINE_EXCEEDED,
        "NOT_FOUND": grpc.StatusCode.NOT_FOUND,
        "OVERLOADED": grpc.StatusCode.RESOURCE_EXHAUSTED,
        "RANGE_TOO_LARGE": grpc.StatusCode.OUT_OF_RANGE,
    }
)

_FAMILIES: Final[Mapping[str, type[ExchangeError]]] = MappingProxyType(
    {
        kind.family: kind
        for kind in (
            ContractError,
            AccessError,
            RuleError,
            ConflictError,
            EvidenceError,
            UnavailableError,
            FatalError,
        )
    }
)


def status_of(error: ExchangeError) -> grpc.StatusCode:
    """The status code that an error of ours travels under."""
    return CODE_STATUS.get(error.code) or FAMILY_STATUS[error.family]


def language_asked(metadata: Iterable[tuple[str, str | bytes]] | None) -> Language:
    """The language that a call's metadata names; English if it names none."""
    found = next((value for key, value in metadata or () if key == LANGUAGE_KEY), None)
    return language_of(found if isinstance(found, str) else None)


def metadata_of(error: ExchangeError, language: Language = "en") -> tuple[tuple[str, str | bytes], ...]:
    """Trailing metadata of an error: code, family, where known field, rule and pause in ASCII; what the code says."""
    retry_after_ms = error.retry_after_ms if isinstance(error, UnavailableError) else 0
    pairs = (
        (CODE_KEY, error.code),
        (FAMILY_KEY, error.family),
        (FIELD_KEY, error.field or ""),
        (RULE_KEY, error.rule or ""),
        (RETRY_KEY, str(retry_after_ms) if retry_after_ms else ""),
    )
    message = message_of(error.code, language)
    return (
        *((key, value.encode("ascii", "replace").decode()) for key, value in pairs if value),
        (MEANING_KEY, message.sentence.encode()),
        (ADVICE_KEY, message.advice.encode()),
    )


def error_of(err: grpc.aio.AioRpcError) -> ExchangeError:
    """Turn the end of a call back into an error of ours.

    Args:
        err: As gRPC raised it; its status is anything but OK.

    Returns:
        The error as the peer raised it, or what the transport's own status means.
    """
    details = err.details() or ""
    metadata: Any = err.trailing_metadata() or ()
    found = {key: value for key, value in metadata if isinstance(value, str)}
    code = found.get(CODE_KEY)
    if code is None:
        return _transport_error(err.code(), details)
    family = found.get(FAMILY_KEY) or (CODES[code].family if code in CODES else "unavailable")
    kind = _FAMILIES.get(family, UnavailableError)
    error = kind(code, details, field=found.get(FIELD_KEY), rule=found.get(RULE_KEY))
    pause = found.get(RETRY_KEY, "")
    if isinstance(error, UnavailableError) and pause.isdecimal():
        error.retry_after_ms = int(pause)
    return error


def _transport_error(status: grpc.StatusCode, details: str) -> ExchangeError:
    match status:
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return UnavailableError("DEADLINE_EXCEEDED", "the peer did not answer in time")
        case grpc.StatusCode.RESOURCE_EXHAUSTED if "larger than max" in details:
            return ContractError("BATCH_TOO_LARGE", "the message is larger than the peer accepts")
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            return UnavailableError("OVERLOADED", "the peer takes no more calls now")
        case grpc.StatusCode.UNIMPLEMENTED:
            return ContractError("REQUEST_MALFORMED", "the peer does not know this call")
        case _:
            return UnavailableError("PEER_UNAVAILABLE", f"the call ended with {status.name}")
