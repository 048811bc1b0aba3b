"""Witnesses for tests: real programs on free ports, each with a folder and keys of its own. Pure of pytest."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from adapters.compose.parts import KEYS
from adapters.compose.witness_program import Signers, WitnessProgram
from adapters.keys.folder import make_witness_keys
from adapters.settings import WitnessSettings
from ledger.note import NoteVerifier
from ledger.policy import Group, Log, Policy, Witness, format_policy


class Installed(NamedTuple):
    """A witness that does not run.

    Attributes:
        settings: Its own.
        signers: Its keys.
    """

    settings: WitnessSettings
    signers: Signers


def install(
    folder: Path, name: str, logs: Sequence[NoteVerifier], *, is_ml_dsa: bool = False, validate: str | None = None
) -> Installed:
    """Make the folder of a witness."""
    data_dir = folder / name
    keys = make_witness_keys(data_dir / KEYS, is_ml_dsa=is_ml_dsa)
    policy = folder / f"{name}.policy"
    policy.write_bytes(format_policy(Policy(tuple(Log(log) for log in logs), (), (), "none")))
    settings = WitnessSettings.load(
        None,
        data_dir=data_dir,
        listen="127.0.0.1:0",
        name=f"{name}.witness.example",
        region=name[:2],
        policy=policy,
        validate_source=validate,
    )
    return Installed(settings, Signers.of(settings.name, keys))


@asynccontextmanager
async def running(installed: Installed) -> AsyncIterator[str]:
    """Run a witness; gives its address of the web."""
    async with WitnessProgram(installed.settings) as program:
        yield f"http://{program.address}"


def policy_of(log: NoteVerifier, witnesses: Sequence[tuple[str, NoteVerifier, str]], threshold: int) -> Policy:
    """A quorum of some witnesses: name, key and address of each."""
    members = tuple(Witness(name, verifier, url) for name, verifier, url in witnesses)
    group = Group("quorum-group", threshold, tuple(name for name, _, _ in witnesses))
    return Policy((Log(log),), members, (group,), "quorum-group")
