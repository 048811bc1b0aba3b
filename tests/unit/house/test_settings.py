"""Settings are checked as a whole, all mistakes are told at once, and nothing that secures has a default."""

from pathlib import Path

import pytest

from adapters.settings import DEPLOY, HubSettings, RegionSettings, RelaySettings, Settings, WitnessSettings, is_loopback
from contracts.errors import ContractError

_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
_HUB: dict[str, object] = {"data_dir": "d", "listen": "127.0.0.1:0", "origin": "pprd.example/demo", "sandbox": True}
_REGION: dict[str, object] = {
    "region": "44",
    "data_dir": "d",
    "hub_address": "127.0.0.1:50051",
    "nats_url": "nats://127.0.0.1:4222",
    "log_vkey": _VKEY,
    "sandbox": True,
}


def _refused(kind: type[Settings], path: Path | None = None, /, **said: object) -> str:
    with pytest.raises(ContractError) as caught:
        kind.load(path, **said)
    assert caught.value.code == "SETTINGS_INVALID"
    return caught.value.message


def test_the_sample_of_the_hub_starts_a_hub() -> None:
    settings = HubSettings.load(DEPLOY / "hub.toml")

    assert settings.listen == "127.0.0.1:0"
    assert settings.sandbox is True


def test_the_sample_of_the_relay_starts_a_relay() -> None:
    assert RelaySettings.load(DEPLOY / "relay.toml").nats_url == "nats://127.0.0.1:4222"
    assert WitnessSettings.load(DEPLOY / "witness.toml").operates == ()


def test_the_sample_of_a_region_lacks_only_what_nobody_may_guess() -> None:
    """The region and the key of the ledger are said by the operator."""
    message = _refused(RegionSettings, DEPLOY / "region.toml")
    settings = RegionSettings.load(DEPLOY / "region.toml", region="44", log_vkey=_VKEY)

    assert message.count("Field required") == 2
    assert "region:" in message
    assert "log_vkey:" in message
    assert settings.region == "44"


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "relay.toml"
    file.write_text('hub_data_dir = "file"\nrelay_data_dir = "file"\nnats_url = "nats://[::1]:4222"\n')
    monkeypatch.setenv("PPRD_RELAY_HUB_DATA_DIR", "environment")
    monkeypatch.setenv("PPRD_RELAY_RELAY_DATA_DIR", "environment")

    settings = RelaySettings.load(file, hub_data_dir=Path("said"), nats_url=None)

    assert settings == RelaySettings(
        hub_data_dir=Path("said"), relay_data_dir=Path("environment"), nats_url="nats://[::1]:4222"
    )


def test_all_mistakes_are_told_at_once() -> None:
    """The operator corrects a file once, not once a mistake."""
    message = _refused(HubSettings, listen="0.0.0.0:50051", origin="two words", max_queue_events=1, colour="red")

    for name in ("data_dir", "origin", "tls_cert", "tls_key", "max_queue_events", "sandbox", "colour"):
        assert f"{name}: " in message


@pytest.mark.parametrize("missing", ["sandbox", "origin", "listen", "data_dir"])
def test_a_hub_has_no_default_for_what_secures_it(missing: str) -> None:
    message = _refused(HubSettings, **{name: value for name, value in _HUB.items() if name != missing})

    assert f"{missing}: Field required" in message


@pytest.mark.parametrize("missing", ["sandbox", "log_vkey", "region", "hub_address", "nats_url"])
def test_a_region_has_no_default_for_what_secures_it(missing: str) -> None:
    message = _refused(RegionSettings, **{name: value for name, value in _REGION.items() if name != missing})

    assert f"{missing}: Field required" in message


def test_a_name_that_is_misspelled_in_the_environment_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit that somebody believes to have set must be set."""
    monkeypatch.setenv("PPRD_HUB_MAX_QUEUE_EVENT", "5000")

    assert "max_queue_event:" in _refused(HubSettings, **_HUB)


@pytest.mark.parametrize("listen", ["0.0.0.0:50051", "[::]:50051", "hub.example:50051", "10.0.0.1:50051"])
def test_a_hub_listens_without_tls_on_loopback_only(listen: str) -> None:
    message = _refused(HubSettings, **_HUB | {"listen": listen})

    assert "tls_cert: is required" in message
    assert "tls_key: is required" in message
    assert "tls_client_ca: is required" in message


def test_a_hub_with_all_tls_files_listens_anywhere(tmp_path: Path) -> None:
    files = {name: tmp_path / f"{name}.pem" for name in ("tls_cert", "tls_key", "tls_client_ca")}
    for file in files.values():
        file.write_text("PEM", encoding="ascii")

    settings = HubSettings.load(**_HUB, **files).model_copy(update={"listen": "0.0.0.0:50051"})

    assert HubSettings.load(**settings.model_dump()) == settings


def test_a_tls_file_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    assert "is not a file" in _refused(HubSettings, **_HUB, tls_cert=tmp_path / "absent.pem")


def test_a_region_reaches_a_hub_elsewhere_only_with_its_authority() -> None:
    assert "hub_ca: is required" in _refused(RegionSettings, **_REGION | {"hub_address": "hub.example:50051"})


@pytest.mark.parametrize(
    "url", ["nats://hub.example:4222", "http://127.0.0.1:4222", "nats://127.0.0.1", "nats://u@127.0.0.1:4222", ""]
)
def test_a_broker_is_reached_without_tls_on_loopback_only(url: str) -> None:
    assert "nats_url:" in _refused(RegionSettings, **_REGION | {"nats_url": url})


def test_a_broker_elsewhere_is_reached_with_tls() -> None:
    assert RegionSettings.load(**_REGION | {"nats_url": "tls://hub.example:4222"}).nats_url.startswith("tls://")


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "127.0.0.1:70000", ":50051", "127.0.0.1:x", "a/b:1", "u@h:1", "::1:5"]
)
def test_an_address_is_a_host_and_a_port(address: str) -> None:
    assert "listen:" in _refused(HubSettings, **_HUB | {"listen": address})


@pytest.mark.parametrize("region", ["00", "11", "4", "Guangdong"])
def test_a_region_is_one_of_the_eleven(region: str) -> None:
    assert "is not one of 35, 36" in _refused(RegionSettings, **_REGION | {"region": region})


@pytest.mark.parametrize(
    ("address", "is_local"),
    [
        ("127.8.8.8:1", True),
        ("[::1]:1", True),
        ("localhost:1", True),
        ("0.0.0.0:1", False),
        ("localhost.example:1", False),
    ],
)
def test_loopback_is_decided_by_the_address_alone(address: str, is_local: bool) -> None:
    """No name is resolved: what it resolves to may change after the check."""
    assert is_loopback(address) is is_local


@pytest.mark.parametrize("content", [b"listen = ", b"\xff"])
def test_a_file_that_is_no_toml_is_told(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "hub.toml"
    file.write_bytes(content)

    assert "cannot be read as TOML" in _refused(HubSettings, file)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert "cannot be read as TOML" in _refused(HubSettings, tmp_path / "absent.toml")
