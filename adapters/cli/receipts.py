"""`pprd receipt get|pack|verify`: the proof that an event is recorded, as a file that is checked without a hub.

Exit codes of `pprd receipt verify`: 0 it proves what it says, 1 it does not, or it cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adapters.cli.errors import out, say_json, tell, told
from adapters.cli.options import AsJson, Hub, uuid_bytes, uuid_text
from adapters.cli.proofs import MaybeData, Vkey
from contracts.errors import ContractError, ExchangeError, UnavailableError

if TYPE_CHECKING:
    from hub.evidence_pack import ProvedPack
    from hub.receipt_file import ProvedEntry
    from ledger.policy import Policy


PolicyFile = Annotated[
    Path | None,
    typer.Option("--policy", help="Policy file: the log, and the witnesses whose quorum must have signed."),
]
KnownVkey = Annotated[str | None, typer.Option("--vkey", help="The ledger's verifier key, where no policy is given.")]

OwnData = Annotated[
    Path | None, typer.Option("--data", help="With --region: judge as that region does.", file_okay=False)
]
OwnRegion = Annotated[str | None, typer.Option("--region", help="Two digits: judge by the policy of its settings.")]

KnownKeys = Annotated[
    Path | None,
    typer.Option(
        "--log-keys", help="Chain of the ledger's keys (`pprd ledger keys`), where the key was replaced meanwhile."
    ),
]


def receipt_command(
    event_id: Annotated[str, typer.Argument(help="The event.")],
    to: Annotated[Path, typer.Option("--out", help="The proof file to write, F.tlog-proof.")],
    data: MaybeData = None,
    hub: Hub = None,
    vkey: Vkey = None,
    as_json: AsJson = False,
) -> None:
    """Write the proof that an event is in the ledger as a file, after checking it."""
    from adapters.compose.log_key_views import keys_of
    from adapters.compose.views import ledger_view
    from ledger.checkpoint import parse_checkpoint
    from ledger.proof import TlogProof, format_proof, verify_proof

    with told(as_json=as_json), ledger_view(data, hub) as view:
        keys = keys_of(view, vkey)
        receipt = view.receipt(uuid_bytes(event_id))
        proof = TlogProof(receipt.index, receipt.path, receipt.checkpoint, receipt.entry)
        checkpoint = verify_proof(proof, receipt.entry, lambda note: parse_checkpoint(note, keys))
        to.write_bytes(format_proof(proof))
    row = {"file": str(to), "index": receipt.index, "origin": checkpoint.origin, "size": checkpoint.size}
    if as_json:
        say_json(row)
    else:
        out.print(f"{to}: entry {receipt.index} of {checkpoint.origin}, size {checkpoint.size}", markup=False)


def pack_command(
    event_id: Annotated[str, typer.Argument(help="The event.")],
    to: Annotated[Path, typer.Option("--out", help="The page to write, F.html.")],
    policy: PolicyFile = None,
    kept: Annotated[
        list[Path] | None,
        typer.Option("--kept", help="A checkpoint that the reader has kept; the pack shows what became of it."),
    ] = None,
    data: MaybeData = None,
    hub: Hub = None,
    as_json: AsJson = False,
) -> None:
    """Write an evidence pack: one page that shows an event and checks it in a browser, without a network."""
    from adapters.compose.packing import pack_page, policy_in, verifier_fingerprint
    from adapters.compose.views import ledger_view
    from ledger.policy import parse_policy

    with told(as_json=as_json), ledger_view(data, hub) as view:
        event = uuid_bytes(event_id)
        known = policy_in(view, data, event) if policy is None else parse_policy(read_file(policy))
        notes = [read_file(file) for file in kept or ()]
        page, proved = pack_page(view, event, policy=known, kept=notes)
        to.write_bytes(page)
    keys = {key.name: key.fingerprint for key in known.verifiers}
    if as_json:
        row = {"file": str(to), "bytes": len(page), "verifier": verifier_fingerprint(), "keys": keys}
        say_json(row | _proved_row(proved.proved) | _pack_row(proved))
        return
    at = proved.proved.checkpoint
    out.print(f"{to}: entry {proved.proved.index} of {at.origin}, {len(page)} bytes", markup=False)
    out.print("Whoever gets it compares these fingerprints with a source of his own:", markup=False)
    for name, fingerprint in keys.items():
        out.print(f"  {fingerprint}  {name}", markup=False, soft_wrap=True)
    out.print(f"  {verifier_fingerprint()}  the verifier of this release", markup=False, soft_wrap=True)


def verify_command(
    file: Annotated[Path, typer.Argument(help="The proof file, F.tlog-proof, or an evidence pack, F.html.")],
    policy: PolicyFile = None,
    vkey: KnownVkey = None,
    log_keys: KnownKeys = None,
    folder: OwnData = None,
    region: OwnRegion = None,
    as_json: AsJson = False,
) -> None:
    """Check a proof file or an evidence pack against keys of your own; no hub is asked.

    With --data and --region the policy is the one by which that region's gateway and inbox judge: its settings'.
    """
    from adapters.compose.log_key_views import followed
    from adapters.compose.packing import check_page, is_page
    from hub.receipt_file import verify_receipt_file

    pack: ProvedPack | None = None
    try:
        with _naming(policy):
            known = _policy_said(folder, region, policy, vkey)
        if log_keys is not None:
            with _naming(log_keys):
                known = followed(known, read_file(log_keys))
        with _naming(file):
            data = read_file(file)
            pack = check_page(data, known) if is_page(data) else None
            proved = verify_receipt_file(data, known) if pack is None else pack.proved
    except ExchangeError as error:
        tell(error, as_json=as_json)
        raise typer.Exit(1) from error
    if as_json:
        say_json(_proved_row(proved) | ({} if pack is None else _pack_row(pack)))
        return
    at = proved.checkpoint
    out.print(f"Entry {proved.index} of {at.origin} is under the signed checkpoint of size {at.size}", markup=False)
    header = proved.header
    if header is None:
        out.print("  It is no event: a batch header or the beginning of the ledger.")
    else:
        by = f"{header.producer_region} {header.producer_office}"
        out.print(f"  {header.event_type} by {by}, occurred {_instant(header.occurred_at)}", markup=False)
        out.print(f"  event {uuid_text(header.event_id)} of matter {uuid_text(header.stream_id)}", markup=False)
    for name, seconds in proved.cosigned_at:
        out.print(f"  cosigned by {name} at {_instant(seconds * 1000)}", markup=False)
    if pack is not None:
        out.print(f"  signed by {pack.batch.producer}, recorded {_instant(pack.batch_entry.recorded_at)}", markup=False)
        out.print(f"  the ledger only grew: sizes {', '.join(map(str, _sizes(pack)))}", markup=False)
        for index, event_type in pack.ends:
            out.print(f"  content was destroyed: entry {index}, {event_type}", markup=False)
    out.print("the receipt holds", style="bold green")


def _policy_said(folder: Path | None, region: str | None, policy: Path | None, vkey: str | None) -> Policy:
    """The policy to judge by: of a region's settings, or as the other options say."""
    from adapters.compose.folder import DataFolder
    from adapters.compose.foreign_auditing import policy_of
    from adapters.compose.region_witnesses import region_policy

    if folder is None and region is None:
        return policy_of(vkey, None if policy is None else read_file(policy))
    if folder is None or region is None or policy is not None or vkey is not None:
        raise ContractError("SETTINGS_INVALID", "--data goes with --region, and with neither --policy nor --vkey")
    return region_policy(DataFolder(folder).region_settings(region))


@contextmanager
def _naming(file: Path | None) -> Iterator[None]:
    """Let an error say which file it is about."""
    try:
        yield
    except ExchangeError as error:
        if file is not None and str(file) not in error.message:
            error.message = f"{file}: {error.message}"
        raise


def _proved_row(proved: ProvedEntry) -> dict[str, Any]:
    header, at = proved.header, proved.checkpoint
    event = None
    if header is not None:
        event = {
            "event_id": uuid_text(header.event_id),
            "stream_id": uuid_text(header.stream_id),
            "event": header.event_type,
            "region": header.producer_region,
            "office": header.producer_office,
            "occurred_at": _instant(header.occurred_at),
        }
    return {
        "index": proved.index,
        "origin": at.origin,
        "size": at.size,
        "root": at.root.hex(),
        "event": event,
        "cosigned_at": dict(proved.cosigned_at),
    }


def _pack_row(pack: ProvedPack) -> dict[str, Any]:
    return {
        "producer": pack.batch.producer,
        "recorded_at": _instant(pack.batch_entry.recorded_at),
        "sizes": _sizes(pack),
        "ends": [{"index": index, "event": event_type} for index, event_type in pack.ends],
    }


def _sizes(pack: ProvedPack) -> list[int]:
    return [head.checkpoint.size for head in pack.heads]


def _instant(at_ms: int) -> str:
    try:
        return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%MZ")
    except (OverflowError, ValueError):
        return f"{at_ms} ms"


def read_file(path: Path) -> bytes:
    """The bytes of a file that a person named.

    Raises:
        UnavailableError: SOURCE_UNREADABLE.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnavailableError("SOURCE_UNREADABLE", f"{path} cannot be read: {error.strerror}") from error
