"""NKeys as the broker writes them, and accounts that are the same for the same directory."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.nats.accounts import accounts_text
from adapters.nats.login import JETSTREAM_API, REGION_API, Login, LoginClient, public_nkey
from contracts.ids import RegionCode

KEYS = [Ed25519PrivateKey.from_private_bytes(bytes((n,)) * 32).public_key().public_bytes_raw() for n in range(1, 5)]


def test_a_public_key_has_56_characters_and_begins_with_u() -> None:
    names = [public_nkey(key) for key in KEYS]

    assert {len(name) for name in names} == {56}
    assert {name[0] for name in names} == {"U"}
    assert len(set(names)) == len(KEYS)


def test_a_key_of_zeros_is_written_as_the_specification_says() -> None:
    """Prefix byte 0xA0, 32 zeros and their CRC-16 (XMODEM), low byte first."""
    crc = 0
    for byte in (0xA0, *bytes(32)):
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1
            crc &= 0xFFFF

    import base64

    assert base64.b32decode(public_nkey(bytes(32)) + "========"[: -56 % 8]) == (
        b"\xa0" + bytes(32) + crc.to_bytes(2, "little")
    )


def test_the_accounts_do_not_depend_on_the_order_of_keys_and_regions() -> None:
    one = {RegionCode("44"): KEYS[1:3], RegionCode("45"): KEYS[3:]}
    other = {RegionCode("45"): KEYS[3:], RegionCode("44"): KEYS[2:0:-1]}

    assert accounts_text(KEYS[0], one) == accounts_text(KEYS[0], other)


def test_a_region_without_a_key_has_no_user() -> None:
    text = accounts_text(KEYS[0], {RegionCode("44"): ()})

    assert text.count("nkey:") == 1


def test_no_region_is_named_in_the_account_of_another() -> None:
    text = accounts_text(KEYS[0], {RegionCode("44"): KEYS[1:2], RegionCode("45"): KEYS[2:3]})
    own = text[text.index("  REGION-44 {") : text.index("  REGION-45 {")]

    assert "NTF-44" in own
    assert "45" not in own.replace(public_nkey(KEYS[1]), "")


def test_a_program_uses_its_own_api_only_if_the_broker_has_accounts() -> None:
    client = LoginClient(Login(Ed25519PrivateKey.generate(), REGION_API))

    assert client.api_prefix == JETSTREAM_API
    client.sign("nonce")
    assert client.api_prefix == REGION_API
