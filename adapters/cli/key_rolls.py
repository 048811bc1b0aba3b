"""`pprd keys new|list|rotate|switch|revoke|export-public|change-passphrase`: the keys of a region's gateway; and
`pprd keys replace-hub`: the one of the hub's own batches.

A key is replaced in four steps: `rotate` at the region, `pprd directory apply` at the hub, `switch` at the region,
`revoke` at the hub. In between both keys are good, so nothing stops. Who encrypts key files says the secret in the
environment: PPRD_KEY_PASSPHRASE_FILE or PPRD_KEY_KEK_FILE, a file of mode 0600.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adapters.cli.errors import listing, out, say_json, told
from adapters.cli.options import AsJson, Data, Hub, Region
from contracts.errors import ContractError
from contracts.ids import KeyId
from contracts.suite import X25519

if TYPE_CHECKING:
    from adapters.keys.rotation import HeldKey

Role = Annotated[str, typer.Argument(help="batch, open, receipt, broker, office-ID or point-ID.")]
Suite = Annotated[str, typer.Option(help="Of an office's key: HPKE_X25519 or HPKE_MLKEM768_X25519.")]
Out = Annotated[Path, typer.Option("--out", help="TOML file for the hub's operator.")]


def new_command(role: Role, data: Data, region: Region, suite: Suite = X25519, as_json: AsJson = False) -> None:
    """Make the key of a new office or point, for its registration."""
    from adapters.compose.folder import DataFolder
    from adapters.compose.key_locks import key_lock
    from adapters.compose.key_rolls import keys_folder
    from adapters.keys.rotation import make_first

    with told(as_json=as_json):
        held = make_first(keys_folder(DataFolder(data), region), role, key_lock(), suite=suite)
    _tell(held, as_json=as_json)


def list_command(data: Data, region: Region, as_json: AsJson = False) -> None:
    """List a region's keys and what the directory says of each; exit 1 if one is to be replaced soon."""
    from adapters.compose.folder import DataFolder
    from adapters.compose.key_rolls import region_keys, today

    with told(as_json=as_json):
        found = asyncio.run(region_keys(DataFolder(data).region_settings(region)))
        day = today()
    rows = [
        _row(one.held) | {"state": one.state, "until": None if one.until is None else str(one.until)} for one in found
    ]
    ending = [one.is_ending(day) for one in found]
    if as_json:
        say_json({"keys": [row | {"is_ending": soon} for row, soon in zip(rows, ending, strict=True)]})
    else:
        table = listing("role", "", "algorithm", "file", "state", "until", last="key id")
        for row, soon in zip(rows, ending, strict=True):
            file = "encrypted" if row["is_encrypted"] else "plain"
            until = f"{row['until'] or '-'}{' replace it' if soon else ''}"
            table.add_row(row["role"], row["which"], row["algorithm"], file, row["state"], until, row["key_id"])
        out.print(table)
    if any(ending):
        raise typer.Exit(1)


def rotate_command(
    role: Role, data: Data, region: Region, to: Out, suite: Suite = X25519, as_json: AsJson = False
) -> None:
    """Make the next key of a role and ask for its registration. What is sealed to the one in use still opens."""
    from adapters.compose.folder import DataFolder
    from adapters.compose.key_locks import key_lock
    from adapters.compose.key_rolls import keys_folder, request_for
    from adapters.compose.registration import write_registration
    from adapters.keys.rotation import make_next

    with told(as_json=as_json):
        held = make_next(keys_folder(DataFolder(data), region), role, key_lock(), suite=suite)
        write_registration(to, request_for(region, [held]))
    _tell(held, as_json=as_json)
    if not as_json:
        out.print(f"Give {to} to the hub's operator, then: pprd keys switch {role}", markup=False, soft_wrap=True)


def switch_command(role: Role, data: Data, region: Region, hub: Hub = None, as_json: AsJson = False) -> None:
    """Use the next key of a role from the gateway's next start on; refused until it is registered."""

    async def move() -> HeldKey:
        from adapters.compose.folder import DataFolder
        from adapters.compose.hub_program import reachable_hub
        from adapters.compose.key_rolls import switch_key

        folder = DataFolder(data)
        async with reachable_hub(folder, hub) as address:
            return await switch_key(folder.region_settings(region, hub_address=address), role)

    with told(as_json=as_json):
        held = asyncio.run(move())
    _tell(held, as_json=as_json)


def revoke_command(
    key_id: Annotated[str, typer.Argument(help="16 hex digits.")],
    data: Data,
    reason: Annotated[str, typer.Option(help="REPLACED, LOST, COMPROMISED; PRODUCER_CLOSED for one that signs.")],
    as_json: AsJson = False,
) -> None:
    """Revoke a key at the hub, one that signs or an office's: from the next entry on it is good for nothing new."""
    from adapters.compose.directory_changes import continuing, record_all
    from adapters.compose.folder import DataFolder
    from adapters.compose.hub_program import opened_hub
    from adapters.compose.key_rolls import revocation_of

    with told(as_json=as_json), opened_hub(DataFolder(data).hub_settings()) as application:
        event_type, body = revocation_of(application.directory, _key_id(key_id), reason)
        (index,) = record_all(application, [continuing(application, event_type, body)])
    if as_json:
        say_json({"event": event_type, "index": index})
    else:
        out.print(f"{event_type} is recorded at index {index}", markup=False)


def replace_hub_command(data: Data, as_json: AsJson = False) -> None:
    """Replace the key of the hub's own batches by an entry that both sign. Stop the hub before."""
    from adapters.compose.folder import DataFolder
    from adapters.compose.hub_key_rolls import replace_hub_key

    with told(as_json=as_json):
        replaced = replace_hub_key(DataFolder(data).hub_settings())
    key = replaced.key
    if as_json:
        said = {"key_id": key.key_id.hex(), "public_key": key.public_key.hex(), "since": key.registered_at}
        say_json(said | {"index": replaced.entry})
        return
    out.print(f"hub-events: key {key.key_id.hex()}, for batches after entry {key.registered_at}", markup=False)
    out.print(f"public key {key.public_key.hex()}", markup=False, soft_wrap=True)


def export_command(data: Data, region: Region, to: Out, as_json: AsJson = False) -> None:
    """Write the public halves of a region's keys that are in use, of its offices and points too, as a registration."""
    from adapters.compose.folder import DataFolder
    from adapters.compose.key_locks import key_lock
    from adapters.compose.key_rolls import keys_folder, request_for
    from adapters.compose.registration import write_registration
    from adapters.keys.rotation import held_keys

    with told(as_json=as_json):
        held = [one for one in held_keys(keys_folder(DataFolder(data), region), key_lock()) if not one.which]
        write_registration(to, request_for(region, held))
    if as_json:
        say_json({"keys": [_row(one) for one in held]})
    else:
        out.print(f"{len(held)} public keys are in {to}", markup=False, soft_wrap=True)


def change_passphrase_command(
    data: Data,
    part: Annotated[str, typer.Argument(help="hub, relay, witness, or the two digits of a region.")],
    passphrase_file: Annotated[Path | None, typer.Option(help="File of the new passphrase, mode 0600.")] = None,
    kek_file: Annotated[Path | None, typer.Option(help="File of the new key-encryption key, mode 0600.")] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Encrypt the files no longer.")] = False,
    as_json: AsJson = False,
) -> None:
    """Encrypt the key files of a program with another secret; the one so far is said by the environment."""
    from adapters.compose.folder import DataFolder
    from adapters.compose.key_locks import lock_of
    from adapters.compose.key_rolls import lock_again

    with told(as_json=as_json):
        if sum((passphrase_file is not None, kek_file is not None, plain)) != 1:
            raise ContractError("SETTINGS_INVALID", "give one of --passphrase-file, --kek-file and --plain")
        folder = DataFolder(data)
        own = {"hub": folder.hub, "relay": folder.relay, "witness": folder.witness}
        written, count = lock_again(own.get(part) or folder.region(part), lock_of(passphrase_file, kek_file))
    if as_json:
        say_json({"written": written, "files": count})
    else:
        out.print(f"{written} of {count} key files are written again", markup=False)


def _key_id(value: str) -> KeyId:
    try:
        raw = bytes.fromhex(value)
    except ValueError:
        raw = b""
    if len(raw) != 8:
        raise ContractError("REQUEST_MALFORMED", "a key id has 16 hex digits", field="key_id")
    return KeyId(raw)


def _row(held: HeldKey) -> dict[str, Any]:
    return {
        "role": held.role,
        "which": held.which,
        "key_id": held.key_id.hex(),
        "algorithm": held.algorithm,
        "public_key": held.public_raw.hex(),
        "is_encrypted": held.is_locked,
    }


def _tell(held: HeldKey, *, as_json: bool) -> None:
    if as_json:
        say_json(_row(held))
        return
    which = f" ({held.which})" if held.which else ""
    out.print(f"{held.role}{which}: {held.algorithm} key {held.key_id.hex()}", markup=False)
    out.print(f"public key {held.public_raw.hex()}", markup=False, soft_wrap=True)
