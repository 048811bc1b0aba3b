"""What the exchange is never to become has no field, column, parameter or path to begin with (DOMAIN 11).

Each place where a name can stand is walked: schemas have their own test (`test_forbidden_names`), here are tables,
calls, settings, verbs and paths. Nothing that can be asked takes an attribute of a person: what a request may name is
written down here, so that a new field is looked at before it works. Each check is shown to fail on a planted example.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest
import typer.main
from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor

from adapters import settings
from adapters._generated.pprd.v1 import exchange_pb2, notification_pb2
from adapters.cli.main import app
from adapters.region.database import RegionDatabase
from adapters.store.cosigned_store import CosignedStore
from adapters.store.projection_store import ProjectionStore
from adapters.store.relay_store import SqliteRelayStore
from adapters.store.shelf import SpillingShelf
from adapters.store.witness_store import WitnessStore
from contracts.errors import ContractError
from contracts.forbidden import check_names

IDENTITY: Final = frozenset(
    {"name", "names", "surname", "birth", "birthday", "address", "phone", "telephone", "mobile", "email", "document"}
    | {"identity", "person", "persons", "subject", "applicant", "guardian", "member", "members", "sex", "gender"}
    | {"nationality", "passport", "card", "uscc", "employer", "landlord", "household"}
)
"""Words of which a name of a request may have none: what says who somebody is, or groups people."""

PUBLIC_NAMES: Final = frozenset({"uscc", "name", "address", "household"})
"""Of these words, those that verbs use for what is no person: an office's code, a file, a machine, a moved-out word."""

REQUESTED: Final = frozenset(
    {"tbs", "signature", "key_id", "events", "payloads", "envelope", "wrapped", "office", "enc"}  # what is signed
    | {"stream_id", "event_id", "request_id", "ciphertext_hash", "producer", "point"}  # opaque ids and addresses
    | {"from_seq", "limit", "index", "tree_size", "size1", "size2", "start", "end", "size", "from_index", "follow"}
    | {"from_n", "inclusion", "consistency", "growth", "sizes"}  # places in the ledger
    | {"after", "due_ms", "rule"}  # where a page of a work list begins
    | {"officer", "purpose", "reason", "reason_commitment", "created_ms"}  # why a payload is opened
)
"""Every field that a request may have."""


def messages(file: FileDescriptor) -> Iterator[Descriptor]:
    """Every message of a file."""
    yield from file.message_types_by_name.values()


def requests() -> Iterator[tuple[str, Descriptor]]:
    """Every call with the message that it takes."""
    for service in exchange_pb2.DESCRIPTOR.services_by_name.values():
        for method in service.methods:
            yield method.name, method.input_type


def fields_of(message: Descriptor, seen: frozenset[str] = frozenset()) -> Iterator[FieldDescriptor]:
    """The fields of a message and of the messages in it."""
    for field in message.fields:
        yield field
        if field.message_type is not None and field.message_type.full_name not in seen:
            yield from fields_of(field.message_type, seen | {message.full_name})


def verbs() -> Iterator[tuple[str, list[str]]]:
    """Every verb with the names of its parameters."""

    def walk(command: Any, path: str) -> Iterator[tuple[str, list[str]]]:
        if hasattr(command, "commands"):
            for name, inner in command.commands.items():
                yield from walk(inner, f"{path} {name}".strip())
        else:
            yield path, [str(parameter.name) for parameter in command.params]

    yield from walk(typer.main.get_command(app), "")


def columns(path: Path) -> list[str]:
    """Names of all tables and columns of a file."""
    with closing(sqlite3.connect(path)) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")]
        return tables + [row[1] for table in tables for row in db.execute(f"PRAGMA table_info({table})")]


def identity_words(name: str) -> frozenset[str]:
    """The words of a name that say who somebody is."""
    return IDENTITY.intersection(word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name))


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Every database that a program of ours makes, with its names."""
    folder = tmp_path_factory.mktemp("stores")
    CosignedStore(folder / "hub.sqlite").close()
    with SqliteRelayStore(folder / "relay.sqlite"):
        pass
    RegionDatabase(folder / "region.sqlite").close()
    ProjectionStore(folder / "projections.sqlite", form="test").close()
    with WitnessStore(folder / "witness.sqlite"):
        pass
    with SpillingShelf() as shelf:
        shelf_names = columns(shelf.write_all())
    return {path.name: columns(path) for path in folder.glob("*.sqlite")} | {"shelf": shelf_names}


def test_no_table_has_a_column_for_what_is_out_of_scope(stores: dict[str, list[str]]) -> None:
    assert len(stores) == 6
    for names in stores.values():
        assert len(names) > 4
        check_names(names)


def test_the_hub_has_no_column_that_says_who_somebody_is(stores: dict[str, list[str]]) -> None:
    for store in ("hub.sqlite", "relay.sqlite", "projections.sqlite", "witness.sqlite", "shelf"):
        found = {name for name in stores[store] if identity_words(name) - PUBLIC_NAMES}
        assert found == frozenset(), store


def test_a_planted_column_is_found(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.sqlite")) as db:
        db.execute("CREATE TABLE matters (stream_id BLOB, risk_level INTEGER)")
        db.execute("CREATE TABLE people (person BLOB)")
    with pytest.raises(ContractError, match="risk"):
        check_names(columns(tmp_path / "a.sqlite"))

    assert [name for name in columns(tmp_path / "a.sqlite") if identity_words(name)] == ["person"]


def test_no_message_of_a_call_or_of_the_broker_has_a_forbidden_field() -> None:
    names = [
        field.name
        for file in (exchange_pb2.DESCRIPTOR, notification_pb2.DESCRIPTOR)
        for message in messages(file)
        for field in message.fields
    ]
    assert len(names) > 80
    check_names(names)


def test_no_call_takes_what_says_who_somebody_is() -> None:
    """Whatever is asked is asked by an opaque id, a place in the ledger or the caller's own office."""
    for call, request in requests():
        for field in fields_of(request):
            assert identity_words(field.name) == frozenset(), (call, field.name)


def test_what_a_call_that_reads_may_name_is_written_down() -> None:
    """A new field of a request is looked at here before it works: nothing that could search for people slips in."""
    reading = [(call, request) for call, request in requests() if call.startswith(("Get", "Watch"))]
    assert len(reading) >= 8
    for call, request in reading:
        for field in fields_of(request):
            assert field.name in REQUESTED, (call, field.name)


def test_no_call_opens_more_than_one_payload() -> None:
    """No bulk opening (DOMAIN 8.1): a signed request names one payload, and a frame of several says no more."""
    taken = dict(requests())
    one = taken["OpenPayload"]
    assert [field.name for field in one.fields if field.is_repeated] == []
    assert {"ciphertext_hash", "officer", "reason", "signature"} <= {field.name for field in one.fields}
    (frame,) = taken["OpenEach"].fields
    assert frame.message_type is one


def test_no_verb_has_a_parameter_for_what_is_out_of_scope() -> None:
    found = dict(verbs())
    assert len(found) > 30
    for verb, names in found.items():
        for name in names:
            # `points` are delivery points here, the word of DOMAIN 9.1; scores are the other meaning of it.
            check_names([name] if name != "points" else [])
            assert identity_words(name) - PUBLIC_NAMES == frozenset(), (verb, name)


def test_a_planted_verb_is_found() -> None:
    planted = typer.Typer()

    @planted.command("find")
    def find(birth_date: str, risk: str) -> None:
        """Search for people."""

    command = typer.main.get_command(planted)
    names = [str(parameter.name) for parameter in command.params]

    assert {word for name in names for word in identity_words(name)} == {"birth"}
    with pytest.raises(ContractError, match="risk"):
        check_names(names)


def test_no_setting_is_out_of_scope() -> None:
    kinds: list[Any] = [
        kind
        for kind in vars(settings).values()
        if isinstance(kind, type) and issubclass(kind, settings.Settings) and kind is not settings.Settings
    ]
    assert len(kinds) >= 4
    for kind in kinds:
        check_names(kind.model_fields)


def paths() -> Iterable[str]:
    """Every path that a web server of ours answers, as its source writes it."""
    folder = Path(settings.__file__).parent / "web"
    for file in sorted(folder.glob("*.py")):
        yield from re.findall(r'"(/[a-z0-9_./{}:\[\]+*<>-]*)"', file.read_text(encoding="utf-8"))


def test_no_path_of_the_web_names_or_asks_for_a_person() -> None:
    found = list(paths())
    assert found
    for path in found:
        check_names([path])
        # `{name}` is the name of a tile or of the checkpoint.
        assert identity_words(path.replace("{name", "{")) == frozenset(), path


def test_no_web_server_reads_a_query() -> None:
    """A query is where a search would begin."""
    folder = Path(settings.__file__).parent / "web"
    for file in folder.glob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert "request.query" not in text, file.name
        assert "rel_url.query" not in text, file.name
