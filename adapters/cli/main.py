"""The program `pprd`: its verbs and nothing else.

    python -P -m adapters.cli.main ...      is the same program (never start it by its file's path)

Exit codes stand in `adapters.cli.errors`.
"""

from __future__ import annotations

from typing import Annotated

import typer

from adapters.cli.anchors import anchor_command
from adapters.cli.audit import audit_command
from adapters.cli.backups import backup_command
from adapters.cli.checks import fsck_command, repair_command
from adapters.cli.clearances import emergency_app, query_app
from adapters.cli.demo import demo_command
from adapters.cli.deploy import deploy_app
from adapters.cli.directory import directory_app
from adapters.cli.divisions import (
    division_command,
    import_divisions_command,
    register_basis_command,
    sign_basis_command,
)
from adapters.cli.drill import drill_command
from adapters.cli.dues import due_command, explain_command, overdue_command
from adapters.cli.editions import edition_app
from adapters.cli.erasures import erasures_app
from adapters.cli.errors import speak_in
from adapters.cli.evidence import evidence_app
from adapters.cli.export import export_command
from adapters.cli.holds import holds_app
from adapters.cli.key_rolls import (
    change_passphrase_command,
    new_command,
    revoke_command,
    rotate_command,
    switch_command,
)
from adapters.cli.key_rolls import export_command as export_keys_command
from adapters.cli.key_rolls import list_command as list_keys_command
from adapters.cli.keys import keys_app
from adapters.cli.ledger_end import close_command
from adapters.cli.log_keys import log_keys_command, rotate_key_app
from adapters.cli.making import init_command, region_init_command
from adapters.cli.office_register import offices_app
from adapters.cli.offices import inbox_command, receive_command, tasks_command
from adapters.cli.openings import approve_command, open_command, openings_command, take_command
from adapters.cli.procedures import procedure_app
from adapters.cli.projections import projections_app, worklist_command
from adapters.cli.proofs import checkpoint_command, stream_command
from adapters.cli.receipts import receipt_app
from adapters.cli.reconciling import reconcile_app
from adapters.cli.replays import replay_command
from adapters.cli.rights import rights_app
from adapters.cli.routes import route_command
from adapters.cli.servers import serve_hub, serve_ledger, serve_region, serve_relay
from adapters.cli.submitting import submit_command
from adapters.cli.witnesses import witness_app
from contracts.messages import language_of

app = typer.Typer(
    name="pprd",
    help="The exchange of the Pan-Pearl River Delta: hub, relay, regions, witnesses, audit.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

hub_app = typer.Typer(help="The hub of a data folder.", no_args_is_help=True)
relay_app = typer.Typer(help="The relay between ledger and broker.", no_args_is_help=True)
region_app = typer.Typer(help="A region's gateway.", no_args_is_help=True)
app.add_typer(hub_app, name="hub")
app.add_typer(relay_app, name="relay")
app.add_typer(region_app, name="region")

ledger_app = typer.Typer(help="The ledger as files.", no_args_is_help=True)
app.add_typer(ledger_app, name="ledger")

app.add_typer(directory_app, name="directory")
app.add_typer(offices_app, name="offices")
directory_app.command("division")(division_command)
directory_app.command("import-divisions")(import_divisions_command)
directory_app.command("sign-basis")(sign_basis_command)
directory_app.command("register-basis")(register_basis_command)
app.add_typer(deploy_app, name="deploy")
app.add_typer(keys_app, name="keys")
keys_app.command("new")(new_command)
keys_app.command("list")(list_keys_command)
keys_app.command("rotate")(rotate_command)
keys_app.command("switch")(switch_command)
keys_app.command("revoke")(revoke_command)
keys_app.command("export-public")(export_keys_command)
keys_app.command("change-passphrase")(change_passphrase_command)
app.add_typer(receipt_app, name="receipt")
app.add_typer(evidence_app, name="evidence")
app.add_typer(reconcile_app, name="reconcile")
app.add_typer(rights_app, name="rights")
app.add_typer(holds_app, name="holds")
app.add_typer(edition_app, name="edition")
app.add_typer(witness_app, name="witness")
app.add_typer(procedure_app, name="procedure")
procedure_app.command("route")(route_command)
app.add_typer(projections_app, name="projections")
app.add_typer(erasures_app, name="erasures")
app.add_typer(emergency_app, name="emergency")
app.add_typer(query_app, name="sealed-query")

app.command("init")(init_command)
hub_app.command("serve")(serve_hub)
relay_app.command("serve")(serve_relay)
region_app.command("init")(region_init_command)
region_app.command("serve")(serve_region)
app.command("submit")(submit_command)
app.command("receive")(receive_command)
app.command("inbox")(inbox_command)
app.command("tasks")(tasks_command)
app.command("open")(open_command)
app.command("take")(take_command)
app.command("approve")(approve_command)
app.command("openings")(openings_command)
app.command("worklist")(worklist_command)
app.command("stream")(stream_command)
app.command("checkpoint")(checkpoint_command)
app.command("overdue")(overdue_command)
app.command("due")(due_command)
app.command("explain")(explain_command)
app.command("audit")(audit_command)
app.command("backup")(backup_command)
app.command("replay")(replay_command)
ledger_app.command("export")(export_command)
ledger_app.command("serve")(serve_ledger)
ledger_app.command("fsck")(fsck_command)
ledger_app.command("repair")(repair_command)
ledger_app.command("anchor")(anchor_command)
ledger_app.command("close")(close_command)
ledger_app.command("keys")(log_keys_command)
ledger_app.add_typer(rotate_key_app, name="rotate-key")
app.command("demo")(demo_command)
app.command("drill")(drill_command)


@app.callback()
def speak(
    lang: Annotated[
        str,
        typer.Option(
            help="Language of refusals: en or zh.",
            envvar=["PPRD_LANG", "LC_ALL", "LC_MESSAGES", "LANG"],
            show_envvar=False,
        ),
    ] = "en",
) -> None:
    """The exchange of the Pan-Pearl River Delta: hub, relay, regions, audit."""
    speak_in(language_of(lang))


if __name__ == "__main__":
    app()
