"""The witness as a program: its folder, its keys, its answers.

witness.toml   witness.policy   witness/{witness.sqlite,keys/{cosign.key,validated.key}}
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeAlias

from adapters.compose.key_locks import key_lock
from adapters.compose.parts import KEYS, SystemClock, only_one
from adapters.compose.policies import read_policy
from adapters.compose.validating import Validator
from adapters.keys.folder import WitnessKeys, read_witness_keys
from adapters.settings import WitnessSettings
from adapters.store.witness_store import WitnessStore
from adapters.web.site import Site, server_credentials
from adapters.web.witness_site import WitnessSite
from contracts.errors import ContractError, RuleError
from ledger.note import Cosigner, NoteVerifier
from ledger.witness import MAX_BODY_BYTES, open_request

WITNESS_FILE: Final = "witness.sqlite"
VALIDATED: Final = "validated"


Logs: TypeAlias = dict[str, tuple[NoteVerifier, ...]]
"""Keys of ledgers by origin; several while one replaces its key."""


def known_logs(settings: WitnessSettings) -> Logs:
    """The ledgers that a witness cosigns, by origin.

    Raises:
        ContractError: SETTINGS_INVALID: one of them is run by the witness's own people; or as `read_policy`.
    """
    logs: Logs = {}
    for log in read_policy(settings.policy).logs:
        logs[log.verifier.name] = (*logs.get(log.verifier.name, ()), log.verifier)
    for origin in settings.operates:
        if origin in logs:
            raise ContractError("SETTINGS_INVALID", f"who runs {origin} is no witness for it", field="operates")
    return logs


@dataclass(frozen=True, slots=True)
class Signers:
    """The keys of a witness under its names.

    Attributes:
        grown: Says that a ledger only grew.
        validated: Says that every entry of it follows too.
    """

    grown: Cosigner
    validated: Cosigner

    @classmethod
    def of(cls, name: str, keys: WitnessKeys) -> Self:
        """The signers of a witness."""
        return cls(Cosigner(name, keys.cosign), Cosigner(f"{name}/{VALIDATED}", keys.validated))


class _Deciding:
    """`adapters.web.witness_site.Witnessing`."""

    def __init__(self, store: WitnessStore, logs: Logs, signers: Signers, validator: Validator | None) -> None:
        self._store = store
        self._logs = logs
        self._signers = signers
        self._validator = validator
        self._clock = SystemClock()

    def add_checkpoint(self, body: bytes) -> bytes:
        opened = open_request(body, self._logs)
        signers = [self._signers.grown]
        if self._validator is not None and self._validator.follows(opened.checkpoint):
            signers.append(self._signers.validated)
        now_ms = self._clock.now_ms()

        def cosign(text: bytes) -> bytes:
            return b"".join(signer.line(text, seconds=now_ms // 1000) for signer in signers)

        return self._store.advance(opened, cosign, now_ms)

    def last_checkpoint(self, origin_hash: bytes) -> bytes:
        note = self._store.last(origin_hash)
        if note is None:
            raise RuleError("NOT_FOUND", "nothing of this ledger is cosigned here")
        return note


class WitnessProgram:
    """A witness that runs; an async context.

    Args:
        settings: As read.
        ca: Certificates that may have signed those of the source that is validated.

    Attributes:
        address: Where it listens, once started.
    """

    def __init__(self, settings: WitnessSettings, *, ca: Path | None = None) -> None:
        self._settings = settings
        self._ca = ca
        self._stack = AsyncExitStack()
        self.address = ""

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            settings = self._settings
            stack.enter_context(only_one(settings.data_dir))
            logs = known_logs(settings)
            keys = read_witness_keys(settings.data_dir / KEYS, key_lock())
            store = stack.enter_context(WitnessStore(settings.data_dir / WITNESS_FILE))
            validator = await self._validator(stack, logs)
            deciding = _Deciding(store, logs, Signers.of(settings.name, keys), validator)
            is_secured = settings.tls_cert is not None and settings.tls_key is not None
            site = Site(
                WitnessSite(deciding).routes(),
                address=settings.listen,
                credentials=server_credentials(str(settings.tls_cert), str(settings.tls_key)) if is_secured else None,
                max_body_bytes=MAX_BODY_BYTES,
            )
            self.address = (await stack.enter_async_context(site)).address
            self._stack = stack.pop_all()
        return self

    async def _validator(self, stack: AsyncExitStack, logs: Logs) -> Validator | None:
        source = self._settings.validate_source
        if source is None:
            return None
        if len(logs) != 1:
            raise ContractError("SETTINGS_INVALID", "a validating witness has one ledger", field="policy")
        ((verifier, *_),) = logs.values()
        validator = stack.enter_context(Validator(source, verifier, self._ca))
        await asyncio.to_thread(validator.catch_up)
        return validator

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def failed(self) -> None:
        """Wait for ever: a witness does not stop by itself."""
        await asyncio.Event().wait()
