"""Lies in answers: receipts that prove nothing, times that are not true, payloads that are others, silence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters._generated.pprd.v1 import exchange_pb2 as pb
from adapters.compose.folder import DataFolder
from adapters.drill.liar import Lie as Change
from adapters.drill.liar import LyingHub
from adapters.drill.lie import GATEWAY, OFFICE, Lie, Noticed
from adapters.drill.rig import Rig
from adapters.drill.stage import OFFICES, RECEIVER, SENDER, notice
from adapters.region.gateway import RegionGateway
from adapters.region.opening import Reader
from contracts.errors import FatalError
from ledger.checkpoint import parse_checkpoint, sign_checkpoint
from ledger.note import NoteSigner

_BACK_MS: Final = 1_800_000
_SILENT_SECONDS: Final = 1.0


async def _answered(rig: Rig, name: str, change: Change, *, back_ms: int = 0) -> Mapping[str, Noticed]:
    """Let the sender submit something and get an answer that is not true."""
    folder = rig.folder(name)
    async with LyingHub(folder, {"Submit": change}, back_ms=back_ms) as hub:
        code = await rig.alarm(folder, SENDER, hub.address, notice)
    return {GATEWAY: Noticed(code, rig.kept(folder, SENDER))}


async def _forged_receipt(rig: Rig) -> Mapping[str, Noticed]:
    async def another_proof(request: bytes, answer: bytes) -> bytes:
        response = pb.SubmitResponse.FromString(answer)
        response.receipt.left[0] = bytes(32)
        return response.SerializeToString()

    return await _answered(rig, "forged-receipt", another_proof)


async def _foreign_receipt(rig: Rig) -> Mapping[str, Noticed]:
    key = Ed25519PrivateKey.generate()

    async def another_key(request: bytes, answer: bytes) -> bytes:
        response = pb.SubmitResponse.FromString(answer)
        checkpoint = parse_checkpoint(response.receipt.checkpoint, rig.stage.log)
        response.receipt.checkpoint = sign_checkpoint(checkpoint, NoteSigner(rig.stage.log.name, key))
        return response.SerializeToString()

    return await _answered(rig, "foreign-receipt", another_key)


async def _back_dated(rig: Rig) -> Mapping[str, Noticed]:
    async def true(request: bytes, answer: bytes) -> bytes:
        return answer

    return await _answered(rig, "back-dated", true, back_ms=_BACK_MS)


async def _silent(rig: Rig) -> Mapping[str, Noticed]:
    """It records and does not answer: who is away, or slow, looks the same."""
    folder = rig.folder("silent")

    async def nothing(request: bytes, answer: bytes) -> bytes:
        return b""

    async def submit(gateway: RegionGateway) -> None:
        await notice(gateway, timeout_seconds=_SILENT_SECONDS)

    async with LyingHub(folder, {"Submit": nothing}) as hub:
        code = await rig.alarm(folder, SENDER, hub.address, submit)
    return {GATEWAY: Noticed(code, rig.kept(folder, SENDER))}


# -- payloads


async def _opened(rig: Rig, folder: DataFolder, hub: LyingHub) -> str:
    """Let the receiver open the first notice; gives the code of its alarm."""

    async def read(gateway: RegionGateway) -> None:
        reader = Reader(OFFICES[RECEIVER], "an exercise", role="REGISTRAR")
        await gateway.opener.open(rig.stage.sealed, "NP-RES", reader)

    return await rig.alarm(folder, RECEIVER, hub.address, read)


async def _received(rig: Rig, name: str) -> DataFolder:
    folder = rig.folder(name)
    async with LyingHub(folder) as hub:
        if code := await rig.receive(folder, RECEIVER, hub.address):
            raise FatalError("DRILL_FAILED", f"the receiver was not told: {code}")
    return folder


async def _swapped(rig: Rig) -> Mapping[str, Noticed]:
    folder = await _received(rig, "swapped")

    async def other_bytes(request: bytes, answer: bytes) -> bytes:
        response = pb.OpenPayloadResponse.FromString(answer)
        response.envelope = response.envelope[:-1] + bytes([response.envelope[-1] ^ 1])
        return response.SerializeToString()

    async with LyingHub(folder, {"OpenPayload": other_bytes}) as hub:
        code = await _opened(rig, folder, hub)
    return {OFFICE: Noticed(code, rig.kept(folder, RECEIVER))}


async def _unrecorded(rig: Rig) -> Mapping[str, Noticed]:
    """The second opening comes with the record of the first one."""
    folder = await _received(rig, "unrecorded")
    first: list[pb.OpenPayloadResponse] = []

    async def recorded_once(request: bytes, answer: bytes) -> bytes:
        response = pb.OpenPayloadResponse.FromString(answer)
        first.append(response)
        response.access_event = first[0].access_event
        response.receipt.CopyFrom(first[0].receipt)
        return response.SerializeToString()

    async with LyingHub(folder, {"OpenPayload": recorded_once}) as hub:
        if await _opened(rig, folder, hub):
            raise FatalError("DRILL_FAILED", "an honest opening was refused")
        code = await _opened(rig, folder, hub)
    return {OFFICE: Noticed(code, rig.kept(folder, RECEIVER))}


ANSWER_LIES = (
    Lie(
        "forges a receipt: a proof that does not lead to the head",
        "with the answer, before the event counts as recorded",
        _forged_receipt,
        {GATEWAY: "RANGE_FAILS"},
    ),
    Lie(
        "forges a receipt: a head that another key has signed",
        "with the answer; the ledger signed nothing, so anybody between may be the liar",
        _foreign_receipt,
        {GATEWAY: None},
    ),
    Lie(
        "back-dates a batch: recorded before it was made",
        "with the receipt",
        _back_dated,
        {GATEWAY: "RECORDED_EARLY"},
    ),
    Lie(
        "withholds the answer: recorded, and nobody is told",
        "when the time is over; the same bytes are sent again and their receipt tells",
        _silent,
        {GATEWAY: None},
    ),
    Lie(
        "swaps a payload",
        "before it is decrypted",
        _swapped,
        {OFFICE: "PAYLOAD_SWAPPED"},
    ),
    Lie(
        "hands a payload out and records another opening",
        "before it is decrypted",
        _unrecorded,
        {OFFICE: "OPENING_UNRECORDED"},
    ),
)
