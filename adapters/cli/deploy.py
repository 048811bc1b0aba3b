"""`pprd deploy ...`: writes the configuration of what runs beside the exchange."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from adapters.cli.errors import out, say_json, told
from adapters.cli.options import AsJson, Data
from contracts.errors import ContractError

deploy_app = typer.Typer(help="Configuration of what runs beside the exchange.", no_args_is_help=True)


@deploy_app.callback()
def _group() -> None:
    """Keep the verb's name: a group of one verb would swallow it."""


@deploy_app.command("nats")
def nats_command(
    data: Data,
    to: Annotated[Path, typer.Option("--out", help="Folder for accounts.conf and nats-server.conf.")],
    listen: Annotated[str | None, typer.Option(help="HOST:PORT; loopback and PPRD_NATS_PORT if not given.")] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="The broker's certificate chain, PEM.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its private key, PEM.")] = None,
    tls_ca: Annotated[Path | None, typer.Option(help="Ask clients for certificates that these have signed.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write the broker's accounts from the directory: each region reaches its own subjects and no other's."""
    from adapters.compose.broker_files import Tls, write_broker_files
    from adapters.compose.folder import DataFolder

    with told(as_json=as_json):
        if (tls_cert is None) is not (tls_key is None):
            raise ContractError("SETTINGS_INVALID", "tls_cert and tls_key belong together", field="tls_key")
        tls = None if tls_cert is None or tls_key is None else Tls(tls_cert, tls_key, tls_ca)
        server = write_broker_files(DataFolder(data), to, listen=listen, tls=tls)
    if as_json:
        say_json({"server": str(server)})
        return
    out.print(f"The broker's configuration is in {to}. Start it or, if it runs, reload it:", markup=False)
    out.print(f"  nats-server -c {server}", markup=False, soft_wrap=True)
