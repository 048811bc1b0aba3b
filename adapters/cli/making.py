"""`pprd init` and `pprd region init`: new keys and a new ledger, only ever by these words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from adapters.cli.errors import out, say_json, told
from adapters.cli.options import AsJson, Data, Region
from contracts.ids import OfficeId, PointId, RegionCode
from contracts.suite import X25519

Sandbox = Annotated[
    bool, typer.Option("--sandbox/--live", help="Synthetic identities only, or real ones only. There is no default.")
]


def init_command(
    data: Data,
    origin: Annotated[str, typer.Option(help="Name of the ledger in every checkpoint, for ever.")],
    sandbox: Sandbox,
    listen: Annotated[str, typer.Option(help="HOST:PORT where the hub will listen.")] = "127.0.0.1:0",
    continues: Annotated[
        str | None, typer.Option(help="The archive of a closed ledger from which this one goes on, under a new origin.")
    ] = None,
    continues_vkey: Annotated[
        str | None, typer.Option(help="A verifier key of that ledger, from a source of your own.")
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(help="Keep it in this database of PostgreSQL: `service=NAME` or another conninfo, no password."),
    ] = None,
    store_schema: Annotated[str | None, typer.Option(help="Its own schema there, `pprd` if not said.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make the keys and the ledger of a new hub, with its genesis entry."""
    from adapters.compose.folder import DataFolder
    from adapters.compose.hub_program import create_ledger
    from adapters.compose.ledger_end import predecessor_for
    from adapters.settings import HubSettings

    folder = DataFolder(data)
    with told(as_json=as_json):
        settings = HubSettings.load(
            None,
            data_dir=folder.hub,
            origin=origin,
            listen=listen,
            sandbox=sandbox,
            store=store,
            store_schema=store_schema,
        )
        predecessor = None if continues is None else predecessor_for(origin, continues, vkey=continues_vkey)
        verifier = create_ledger(settings, predecessor)
        folder.write_hub(settings)
    if as_json:
        say_json({"data": str(data), "origin": origin, "vkey": verifier.vkey})
        return
    where = f"{data}, its rows in schema {settings.store_schema} of the database" if settings.store else str(data)
    out.print(f"A new ledger of {origin} is in {where}. Its key, for every region and auditor:", markup=False)
    out.print(verifier.vkey, markup=False, soft_wrap=True)
    out.print("Next: `pprd directory apply FILE` for each region, then `pprd hub serve`.", markup=False)


def region_init_command(
    data: Data,
    region: Region,
    offices: Annotated[Path, typer.Argument(help="TOML: points, and [[office]] with type, point, areas, uscc.")],
    vkey: Annotated[str, typer.Option(help="The ledger's verifier key, as its operator gave it to you.")],
    hub: Annotated[str, typer.Option("--hub", help="HOST:PORT of the hub.")],
    nats: Annotated[str, typer.Option("--nats", help="nats://HOST:PORT or tls://HOST:PORT of the broker.")],
    sandbox: Sandbox,
    suite: Annotated[
        str, typer.Option(help="Of the offices' keys: HPKE_X25519, or HPKE_MLKEM768_X25519 against quantum computers.")
    ] = X25519,
    as_json: AsJson = False,
) -> None:
    """Make the keys of a region's gateway, and the registration file for the hub's operator."""
    from adapters.compose.folder import DataFolder
    from adapters.compose.key_locks import key_lock
    from adapters.compose.parts import KEYS
    from adapters.compose.registration import read_plan, registration_of, write_registration
    from adapters.keys.folder import make_region_keys
    from adapters.settings import RegionSettings

    folder = DataFolder(data)
    with told(as_json=as_json):
        plan = read_plan(offices, RegionCode(region))
        settings = RegionSettings.load(
            None,
            region=region,
            data_dir=folder.region(region),
            hub_address=hub,
            nats_url=nats,
            log_vkey=vkey,
            sandbox=sandbox,
        )
        keys = make_region_keys(
            folder.region(region) / KEYS,
            offices=[OfficeId(row["id"]) for row in plan.offices],
            points=[PointId(point) for point in plan.points],
            suite=suite,
            lock=key_lock(),
        )
        path = folder.region(region) / "registration.toml"
        write_registration(path, registration_of(plan, keys))
        folder.write_region(settings)
    if as_json:
        say_json({"registration": str(path), "offices": [row["id"] for row in plan.offices]})
        return
    out.print(f"Region {region} has its keys. Give {path} to the hub's operator:", markup=False)
    out.print(f"  pprd directory apply {path} --data DIR", markup=False)
