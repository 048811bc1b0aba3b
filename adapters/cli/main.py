"""The program `pprd`: its verbs and nothing else.

    python -P -m adapters.cli.main ...      is the same program (never start it by its file's path)

Exit codes stand in `adapters.cli.errors`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

import typer

from adapters.cli.errors import speak_in
from adapters.cli.verbs import Verb, group_of
from contracts.messages import language_of


def _group(description: str, verbs: Mapping[str, Verb]) -> typer.Typer:
    return typer.Typer(help=description, no_args_is_help=True, cls=group_of(verbs))


VERBS: Final[Mapping[str, Verb]] = {
    "init": "making:init_command",
    "hub": _group("The hub of a data folder.", {"serve": "servers:serve_hub"}),
    "relay": _group("The relay between ledger and broker.", {"serve": "servers:serve_relay"}),
    "region": _group("A region's gateway.", {"init": "making:region_init_command", "serve": "servers:serve_region"}),
    "ledger": _group(
        "The ledger as files.",
        {
            "export": "export:export_command",
            "serve": "servers:serve_ledger",
            "fsck": "checks:fsck_command",
            "repair": "checks:repair_command",
            "anchor": "anchors:anchor_command",
            "close": "ledger_end:close_command",
            "keys": "log_keys:log_keys_command",
            "rotate-key": "log_keys:rotate_key_app",
        },
    ),
    "directory": _group(
        "Regions, points, offices, keys and mandates.",
        {
            "apply": "directory:apply_command",
            "revoke-key": "directory:revoke_key_command",
            "close-office": "directory:close_office_command",
            "revoke-mandate": "directory:revoke_mandate_command",
            "list": "directory:list_command",
            "division": "divisions:division_command",
            "import-divisions": "divisions:import_divisions_command",
            "sign-basis": "divisions:sign_basis_command",
            "register-basis": "divisions:register_basis_command",
        },
    ),
    "offices": "office_register:offices_app",
    "deploy": "deploy:deploy_app",
    "keys": _group(
        "Keys and certificates of machines.",
        {
            "ca": "keys:ca_command",
            "cert": "keys:cert_command",
            "ends": "keys:ends_command",
            "new": "key_rolls:new_command",
            "list": "key_rolls:list_command",
            "rotate": "key_rolls:rotate_command",
            "switch": "key_rolls:switch_command",
            "revoke": "key_rolls:revoke_command",
            "replace-hub": "key_rolls:replace_hub_command",
            "export-public": "key_rolls:export_command",
            "change-passphrase": "key_rolls:change_passphrase_command",
        },
    ),
    "receipt": _group(
        "Proofs that an event is recorded.",
        {
            "get": "receipts:receipt_command",
            "pack": "receipts:pack_command",
            "verify": "receipts:verify_command",
            "heads": "recipients:heads_command",
        },
    ),
    "evidence": "evidence:evidence_app",
    "reconcile": "reconciling:reconcile_app",
    "rights": "rights:rights_app",
    "holds": "holds:holds_app",
    "edition": "editions:edition_app",
    "witness": "witnesses:witness_app",
    "procedure": _group(
        "Procedures as data: check one, ask where a draft goes.",
        {"check": "procedures:check_command", "route": "routes:route_command"},
    ),
    "projections": "projections:projections_app",
    "erasures": "erasures:erasures_app",
    "emergency": "clearances:emergency_app",
    "sealed-query": "clearances:query_app",
    "submit": "submitting:submit_command",
    "receive": "offices:receive_command",
    "inbox": "offices:inbox_command",
    "tasks": "offices:tasks_command",
    "open": "openings:open_command",
    "take": "openings:take_command",
    "approve": "openings:approve_command",
    "openings": "openings:openings_command",
    "worklist": "projections:worklist_command",
    "stream": "proofs:stream_command",
    "checkpoint": "proofs:checkpoint_command",
    "overdue": "dues:overdue_command",
    "due": "dues:due_command",
    "explain": "dues:explain_command",
    "audit": "audit:audit_command",
    "backup": "backups:backup_command",
    "replay": "replays:replay_command",
    "demo": "demo:demo_command",
    "drill": "drill:drill_command",
}
"""Where each verb stands, in the order of the help text."""

app = typer.Typer(
    name="pprd",
    help="The exchange of the Pan-Pearl River Delta: hub, relay, regions, witnesses, audit.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    cls=group_of(VERBS),
)


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
