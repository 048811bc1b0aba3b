"""A broker that asks for certificates: who shows a good one and has a registered key comes in, and nobody else."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from adapters.compose.broker_files import Tls, write_broker_files
from adapters.compose.credentials import broker_trust
from adapters.compose.folder import DataFolder
from adapters.keys.certificates import Validity, issue, make_authority, now
from adapters.keys.key_file import make_folder, write_key
from adapters.nats.broker import connected
from adapters.nats.login import JETSTREAM_API, Login
from adapters.nats_server import NatsServer
from adapters.store.opening import LEDGER_FILE, open_store
from contracts.errors import ContractError, UnavailableError
from tests.support.async_tests import runs_in_a_loop
from tests.support.delivering_ledger import DeliveringLedger

pytestmark = pytest.mark.integration


def signed(folder: Path, name: str) -> tuple[Path, Path, Path]:
    """An authority of its own and a certificate of it."""
    make_authority(folder / f"{name}-ca", f"{name} authority", Validity.of_days(40, now()))
    validity = Validity.of_days(35, now())
    cert = issue(folder / f"{name}-ca", folder / "certs", name, hosts=("127.0.0.1",), validity=validity)
    return folder / f"{name}-ca" / "ca.pem", cert, cert.with_suffix(".key")


@runs_in_a_loop
async def test_a_program_shows_its_certificate_and_believes_only_the_named_authority(tmp_path: Path) -> None:
    data = DataFolder(tmp_path)
    data.hub.mkdir()
    ca, cert, key = signed(tmp_path, "ours")
    other_ca, other_cert, other_key = signed(tmp_path, "other")
    with closing(open_store(data.hub / LEDGER_FILE)) as store:
        relay = DeliveringLedger(store).world.relay_key
        make_folder(data.relay / "keys")
        write_key(data.relay / "keys" / "broker.key", relay)
        config = write_broker_files(data, tmp_path / "config", tls=Tls(cert, key, ca))
        with NatsServer(folder=tmp_path / "nats", config=config) as broker:
            url = broker.url.replace("nats://", "tls://")
            good = Login(relay, JETSTREAM_API, broker_trust(ca, cert, key))
            async with connected(url, name="pprd-test", login=good) as inside:
                assert (await inside.js.account_info()).limits is not None
            strangers = {
                "shows none": broker_trust(ca, None, None),
                "shows one of another authority": broker_trust(ca, other_cert, other_key),
                "believes another authority": broker_trust(other_ca, cert, key),
                "says nothing": None,
            }
            for trust in strangers.values():
                with pytest.raises(UnavailableError, match="BROKER_UNAVAILABLE"):
                    async with connected(url, name="pprd-test", login=Login(relay, JETSTREAM_API, trust)):
                        pass


def test_files_that_are_no_pair_are_refused_by_code(tmp_path: Path) -> None:
    ca, cert, _ = signed(tmp_path, "ours")
    _, _, other_key = signed(tmp_path, "other")

    for files, code in (
        ((ca, cert, None), "SETTINGS_INVALID"),
        ((ca, cert, other_key), "KEY_FILE_MALFORMED"),
        ((tmp_path / "none", None, None), "KEY_MISSING"),
    ):
        with pytest.raises((ContractError, UnavailableError)) as error:
            broker_trust(*files)
        assert error.value.code == code
    assert broker_trust(None, None, None) is None
