"""Every error of ours survives the way through gRPC and back; every status of the transport becomes one of ours."""

from __future__ import annotations

from typing import Any, get_args

import grpc
import pytest

from adapters.grpc.codes import CODE_STATUS, FAMILY_STATUS, error_of, metadata_of, status_of
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

KINDS: dict[str, type[ExchangeError]] = {
    kind.family: kind
    for kind in (ContractError, AccessError, RuleError, ConflictError, EvidenceError, UnavailableError, FatalError)
}


def ended(status: grpc.StatusCode, details: str = "", metadata: Any = ()) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(status, grpc.aio.Metadata(), grpc.aio.Metadata(*metadata), details, None)


def test_each_family_has_a_status_and_no_two_share_one() -> None:
    assert set(FAMILY_STATUS) == set(get_args(Family))
    assert len(set(FAMILY_STATUS.values())) == len(FAMILY_STATUS)


def test_the_special_codes_are_codes() -> None:
    assert set(CODE_STATUS) <= set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_an_error_comes_back_as_it_went_out(code: str) -> None:
    error = KINDS[CODES[code].family](code, "样例: 3 is not 4", field="body.division", rule="R-COR-3")

    back = error_of(ended(status_of(error), error.message, metadata_of(error)))

    assert type(back) is type(error)
    assert (back.code, back.message, back.field, back.rule) == (code, error.message, error.field, error.rule)


def test_what_is_not_known_is_left_out() -> None:
    keys = {key for key, _ in metadata_of(RuleError("GUARD_FAILED", "no"))}

    assert keys == {"pprd-code", "pprd-family", "pprd-meaning-bin", "pprd-advice-bin"}


def test_the_pause_that_an_error_asks_for_comes_back() -> None:
    error = UnavailableError("OVERLOADED", "full")
    error.retry_after_ms = 250

    back = error_of(ended(status_of(error), "full", metadata_of(error)))

    assert isinstance(back, UnavailableError)
    assert back.retry_after_ms == 250


def test_a_code_of_a_newer_hub_keeps_its_family() -> None:
    back = error_of(
        ended(grpc.StatusCode.PERMISSION_DENIED, "no", (("pprd-code", "NEW_CODE"), ("pprd-family", "access")))
    )

    assert type(back) is AccessError
    assert back.code == "NEW_CODE"


@pytest.mark.parametrize(
    ("status", "details", "kind", "code"),
    [
        (grpc.StatusCode.UNAVAILABLE, "", UnavailableError, "PEER_UNAVAILABLE"),
        (grpc.StatusCode.CANCELLED, "", UnavailableError, "PEER_UNAVAILABLE"),
        (grpc.StatusCode.UNKNOWN, "", UnavailableError, "PEER_UNAVAILABLE"),
        (grpc.StatusCode.INTERNAL, "", UnavailableError, "PEER_UNAVAILABLE"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "", UnavailableError, "DEADLINE_EXCEEDED"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "Concurrent RPC limit", UnavailableError, "OVERLOADED"),
        (
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "SERVER: Received message larger than max (9 vs. 8)",
            ContractError,
            "BATCH_TOO_LARGE",
        ),
        (grpc.StatusCode.UNIMPLEMENTED, "", ContractError, "REQUEST_MALFORMED"),
    ],
)
def test_a_status_of_the_transport_becomes_one_of_ours(
    status: grpc.StatusCode, details: str, kind: type[ExchangeError], code: str
) -> None:
    back = error_of(ended(status, details))

    assert type(back) is kind
    assert back.code == code
    assert code in CODES
