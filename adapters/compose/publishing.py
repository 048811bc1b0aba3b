"""The published ledger: from a data folder whose hub may run, from an export, or inside a hub."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import structlog

from adapters.compose.ledger_place import ledger_place
from adapters.compose.local_source import is_export
from adapters.compose.policies import read_policy
from adapters.settings import HubSettings, PublishSettings, is_loopback
from adapters.store.export_layout import LOG
from adapters.store.ledger_store import LedgerStore
from adapters.store.opening import open_store
from adapters.store.published_files import FolderFiles, StoreFiles
from adapters.web.fetch import check_url
from adapters.web.follower import Follower, check_witnesses
from contracts.errors import ContractError, ExchangeError, UnavailableError
from hub.ports import LedgerFiles
from ledger.policy import NO_QUORUM, Policy

if TYPE_CHECKING:
    from adapters.web.site import Site

log = structlog.get_logger()
_PAUSE_SECONDS = 5.0


def ledger_site(files: LedgerFiles, address: str, tls_cert: Path | None, tls_key: Path | None) -> Site:
    """A server of a published ledger."""
    from adapters.web.ledger_site import LedgerSite
    from adapters.web.site import Site, server_credentials

    is_secured = tls_cert is not None and tls_key is not None
    credentials = server_credentials(str(tls_cert), str(tls_key)) if is_secured else None
    return Site(LedgerSite(files).routes(), address=address, credentials=credentials)


def store_files(store: LedgerStore, policy: Policy | None) -> StoreFiles:
    """The files of a hub's store; with a quorum the checkpoint that is shown is the newest one that reached it."""
    has_quorum = policy is not None and policy.quorum != NO_QUORUM
    return StoreFiles(store, store.witnessed_size if has_quorum else None)


def witnesses_of(settings: HubSettings) -> Policy | None:
    """The policy of a hub's witnesses, checked against who runs the hub; None if it asks none.

    Raises:
        ContractError: SETTINGS_INVALID; or as `read_policy`.
    """
    if settings.witness_policy is None:
        return None
    policy = read_policy(settings.witness_policy)
    check_witnesses(policy, settings.operator or "")
    for witness in policy.witnesses:
        if witness.url is not None:
            check_url(witness.url, is_loopback=is_loopback(witness.url.partition("://")[2].partition("/")[0]))
    if policy.logs and settings.origin not in {one.verifier.name for one in policy.logs}:
        raise ContractError("SETTINGS_INVALID", f"the policy is not for {settings.origin}", field="witness_policy")
    return policy


async def follow(store: LedgerStore, policy: Policy) -> None:
    """Ask the witnesses for ever; whatever fails there is told and tried again, and stops nothing else."""
    while True:
        try:
            await Follower(store, policy).run()
        except* ExchangeError as errors:
            for error in errors.exceptions:
                log.error("witnesses.failed", code=getattr(error, "code", None))
        await asyncio.sleep(_PAUSE_SECONDS)


class LedgerProgram:
    """A server of a published ledger that runs beside the hub, or without any; an async context.

    Args:
        settings: As read.

    Attributes:
        address: Where it listens, once started.
    """

    def __init__(self, settings: PublishSettings) -> None:
        self._settings = settings
        self._stack = AsyncExitStack()
        self.address = ""

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            settings = self._settings
            site = ledger_site(self._files(stack), settings.listen, settings.tls_cert, settings.tls_key)
            self.address = (await stack.enter_async_context(site)).address
            self._stack = stack.pop_all()
        return self

    def _files(self, stack: AsyncExitStack) -> LedgerFiles:
        source = self._settings.source
        place = ledger_place(str(source))
        if place is not None:
            store = open_store(place, read_only=True)
            stack.callback(store.close)
            policy = self._settings.witness_policy
            return store_files(store, None if policy is None else read_policy(policy))
        if is_export(source):
            return FolderFiles(source / LOG if (source / LOG).is_dir() else source)
        raise UnavailableError("STORE_MISSING", f"{source} holds neither a ledger nor an export")

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def failed(self) -> None:
        """Wait for ever: the server does not stop by itself."""
        await asyncio.Event().wait()
