"""A note has one form, known keys must verify, and everything that a lax parser lets through is refused (LEDGER 2)."""

import base64
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ContractError, EvidenceError, ExchangeError
from ledger.note import (
    MAX_NOTE_BYTES,
    Cosigner,
    KeyType,
    NoteSigner,
    NoteVerifier,
    add_lines,
    parse_note,
    sign_note,
    split_note,
)

_SPEC_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
_GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
_GO_NOTE = """If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
""".encode()
_TEXT = b"one line\n\nand after an empty one another\n"


def _key(number: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(number.to_bytes(32, "big"))


_SIGNER = NoteSigner("signer.example/a", _key(1))
_KNOWN = _SIGNER.verifier
_OTHER = NoteSigner("other.example", _key(2))
_NOTE = sign_note(_TEXT, [_SIGNER])
_LINE = _SIGNER.line(_TEXT)


def _refused(note: bytes) -> None:
    with pytest.raises(ContractError) as caught:
        parse_note(note, [_KNOWN])
    assert caught.value.code == "NOTE_MALFORMED"


def _unsigned(note: bytes) -> None:
    with pytest.raises(EvidenceError) as caught:
        parse_note(note, [_KNOWN])
    assert caught.value.code == "SIGNATURE_INVALID"


def _line_of(payload: bytes, *, name: str = _KNOWN.name, key_id: bytes = _KNOWN.key_id) -> bytes:
    return f"— {name} {base64.b64encode(key_id + payload).decode()}\n".encode()


def test_the_key_of_the_specification_is_read_and_written_back() -> None:
    verifier = NoteVerifier.parse(_SPEC_KEY)

    assert (verifier.name, verifier.key_type) == ("example.com/foo", KeyType.ED25519)
    assert verifier.key_id.hex() == "530d903a"
    assert verifier.vkey == _SPEC_KEY


def test_a_note_that_other_software_signed_is_good() -> None:
    note = parse_note(_GO_NOTE, [NoteVerifier.parse(_GO_KEY)])

    assert note.text == _GO_NOTE[: _GO_NOTE.index("\n— ".encode())]
    assert [item.verifier.name for item in note.verified] == ["PeterNeumann"]


def test_the_text_ends_at_the_last_empty_line() -> None:
    assert parse_note(_NOTE, [_KNOWN]).text == _TEXT
    assert sign_note(_TEXT, [_SIGNER]) == _TEXT + b"\n" + _LINE


def test_unknown_keys_are_ignored_even_if_they_share_a_name_or_an_id() -> None:
    lines = [
        _OTHER.line(_TEXT),
        _line_of(b"x", name="other.example"),
        _line_of(b"x", key_id=b"\0\0\0\0"),
        _line_of(b"x", key_id=b"\0\0\0\0"),
    ]
    note = add_lines(_NOTE, lines)

    assert [item.verifier for item in parse_note(note, [_KNOWN]).verified] == [_KNOWN]


def test_a_note_that_no_known_key_signed_is_refused() -> None:
    _unsigned(sign_note(_TEXT, [_OTHER]))
    with pytest.raises(EvidenceError, match="SIGNATURE_INVALID"):
        parse_note(_NOTE, [])


def test_one_bad_signature_of_a_known_key_refuses_the_note() -> None:
    bad = _OTHER.line(b"another text\n")
    note = add_lines(_NOTE, [bad])

    with pytest.raises(EvidenceError, match="SIGNATURE_INVALID"):
        parse_note(note, [_KNOWN, _OTHER.verifier])


def test_a_changed_text_is_refused() -> None:
    _unsigned(_NOTE.replace(b"one line", b"two line"))


def test_a_known_key_may_not_sign_twice() -> None:
    _refused(_NOTE + _LINE)


def test_a_known_key_must_sign_with_the_right_length() -> None:
    good = base64.b64decode(_LINE.split(b" ")[2])[4:]
    for payload in (good[:-1], good + b"\0", b"\0"):
        _refused(_TEXT + b"\n" + _line_of(payload))


@pytest.mark.parametrize(
    "note",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(_TEXT, id="no signature"),
        pytest.param(_TEXT + b"\n", id="no signature after the empty line"),
        pytest.param(_NOTE[:-1], id="no final newline"),
        pytest.param(_NOTE + b"\n", id="one newline too many"),
        pytest.param(_NOTE + b"junk\n", id="junk after the signatures"),
        pytest.param(_TEXT + b"\njunk\n" + _LINE, id="junk before the signatures"),
        pytest.param(_TEXT + _LINE, id="no empty line"),
        pytest.param(_NOTE.replace("\u2014".encode(), b"-"), id="hyphen for the dash"),
        pytest.param(_NOTE.replace("\u2014".encode(), "\u2013".encode()), id="en dash for the em dash"),
        pytest.param(_NOTE.replace("\u2014 ".encode(), "\u2014".encode()), id="no space after the dash"),
        pytest.param(_NOTE.replace("\u2014 ".encode(), "\u2014  ".encode()), id="two spaces after the dash"),
        pytest.param(_NOTE.replace(b"a ", b"a  "), id="two spaces after the name"),
        pytest.param(_NOTE.replace(b"\n", b"\r\n"), id="carriage returns"),
        pytest.param(_NOTE.replace(b"one line", b"one\rline"), id="carriage return in the text"),
        pytest.param(_NOTE.replace(b"one line", b"one\tline"), id="tab in the text"),
        pytest.param(_NOTE.replace(b"one line", b"one\0line"), id="NUL in the text"),
        pytest.param(_NOTE.replace(b"one line", b"one\xffline"), id="not UTF-8"),
        pytest.param(_NOTE.replace(b"one line", b"one\xc0\xafline"), id="over-long UTF-8"),
        pytest.param(_NOTE.replace(b"one line", b"one\xed\xa0\x80line"), id="surrogate"),
        pytest.param(_NOTE[:-1] + b" \n", id="space after the signature"),
        pytest.param(_NOTE[:-2] + b"\n", id="base64 without padding"),
        pytest.param(_NOTE[:-1] + b"=\n", id="base64 with too much padding"),
        pytest.param(_NOTE[:-1] + b"!\n", id="base64 with another character"),
        pytest.param(_TEXT + b"\n" + _line_of(b""), id="signature of no bytes"),
        pytest.param(_TEXT + "\n—  AAAAAAA=\n".encode(), id="no name"),
        pytest.param(_TEXT + "\n— a+b AAAAAAA=\n".encode(), id="plus in the name"),
        pytest.param(_TEXT + "\n— a\u00a0b AAAAAAA=\n".encode(), id="no-break space in the name"),
        pytest.param(b"a" * MAX_NOTE_BYTES + b"\n\n" + _LINE, id="too long"),
    ],
)
def test_a_note_of_another_form_is_refused(note: bytes) -> None:
    _refused(note)


def test_base64_that_does_not_encode_back_to_itself_is_refused() -> None:
    note = "text\n\n— x.example AAAAAAB=\n".encode()
    assert base64.b64decode("AAAAAAB=") == base64.b64decode("AAAAAAA=")

    with pytest.raises(ContractError, match="NOTE_MALFORMED"):
        split_note(note)
    assert split_note(note.replace(b"B=", b"A="))[1][0].payload == b"\0"


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "example.com/foo",
        "example.com/foo+530d903a",
        _SPEC_KEY + "\n",
        _SPEC_KEY.replace("530d903a", "530D903A"),
        _SPEC_KEY.replace("530d903a", "530d903b"),
        _SPEC_KEY.replace("530d903a", "0530d903a"),
        _SPEC_KEY.replace("example.com/foo", ""),
        _SPEC_KEY.replace("example.com/foo", "example.com/fo"),
        _SPEC_KEY[:-1],
        _SPEC_KEY[:-4],
        _SPEC_KEY + "AAAA",
        "a" * 600 + _SPEC_KEY,
    ],
)
def test_a_verifier_key_of_another_form_is_refused(vkey: str) -> None:
    with pytest.raises(ContractError, match="NOTE_MALFORMED"):
        NoteVerifier.parse(vkey)


@pytest.mark.parametrize("key_type", [0x00, 0x02, 0x03, 0x05, 0x07, 0xFF])
def test_a_key_type_that_is_not_known_here_is_refused(key_type: int) -> None:
    key = base64.b64encode(bytes((key_type,)) + _KNOWN.public_key).decode()

    with pytest.raises(ContractError, match="unknown type"):
        NoteVerifier.parse(f"x.example+00000000+{key}")


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(bytes(32), id="order 4"),
        pytest.param(b"\1" + bytes(31), id="order 1"),
        pytest.param((2**255 - 20).to_bytes(32, "little"), id="order 2"),
        pytest.param((2**255 - 19 + 3).to_bytes(32, "little"), id="not canonical"),
    ],
)
def test_a_key_of_small_order_or_in_a_second_encoding_is_not_registered(raw: bytes) -> None:
    with pytest.raises(ContractError, match="KEY_UNSAFE"):
        NoteVerifier("x.example", KeyType.ED25519, raw)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u2003b", " a", "a\u0085"])
def test_a_name_with_spaces_or_plus_is_no_name(name: str) -> None:
    with pytest.raises(ContractError, match="NOTE_MALFORMED"):
        NoteSigner(name, _key(3))


@pytest.mark.parametrize("text", [b"", b"no newline", b"tab\t\n", b"\xff\n"])
def test_a_text_that_cannot_stand_in_a_note_is_not_signed(text: bytes) -> None:
    with pytest.raises(ContractError, match="NOTE_MALFORMED"):
        sign_note(text, [_SIGNER])


def test_a_note_without_signers_is_not_written() -> None:
    with pytest.raises(ContractError, match="NOTE_MALFORMED"):
        sign_note(_TEXT, [])


def test_a_cosignature_carries_its_time_and_binds_it() -> None:
    witness = Cosigner("witness.example", _key(9))
    note = add_lines(_NOTE, [witness.line(_TEXT, seconds=1_700_000_000)])
    later = add_lines(_NOTE, [witness.line(_TEXT, seconds=1_700_000_001)])

    verified = parse_note(note, [_KNOWN, witness.verifier]).verified
    assert [item.seconds for item in verified] == [None, 1_700_000_000]
    line = base64.b64decode(note.splitlines()[-1].split(b" ")[2])
    other = base64.b64decode(later.splitlines()[-1].split(b" ")[2])
    mixed = _line_of(other[4:12] + line[12:], name=witness.name, key_id=witness.verifier.key_id)
    with pytest.raises(EvidenceError, match="SIGNATURE_INVALID"):
        parse_note(add_lines(_NOTE, [mixed]), [_KNOWN, witness.verifier])


@pytest.mark.parametrize("payload", [bytes(71), bytes(73), b"\x80" + bytes(71)])
def test_a_cosignature_of_another_length_or_with_a_time_above_63_bits_is_refused(payload: bytes) -> None:
    witness = Cosigner("witness.example", _key(9)).verifier
    note = add_lines(_NOTE, [_line_of(payload, name=witness.name, key_id=witness.key_id)])

    with pytest.raises(ContractError, match="NOTE_MALFORMED"):
        parse_note(note, [_KNOWN, witness])


def test_a_witness_signs_no_time_out_of_range() -> None:
    with pytest.raises(ContractError, match="NOTE_MALFORMED"):
        Cosigner("witness.example", _key(9)).line(_TEXT, seconds=1 << 63)


@given(data=st.binary(max_size=300))
def test_any_bytes_are_a_note_or_refused(data: bytes) -> None:
    with suppress(ExchangeError):
        split_note(data)
    with pytest.raises(ExchangeError):
        parse_note(data, [_KNOWN])


@given(at=st.integers(0, len(_NOTE) - 1), new=st.binary(max_size=2))
def test_a_note_with_one_change_is_refused(at: int, new: bytes) -> None:
    changed = _NOTE[:at] + new + _NOTE[at + 1 :]
    if changed != _NOTE:
        with pytest.raises(ExchangeError):
            parse_note(changed, [_KNOWN])


@given(vkey=st.text(max_size=80))
def test_any_text_is_a_verifier_key_or_refused(vkey: str) -> None:
    with pytest.raises(ExchangeError):
        NoteVerifier.parse(vkey)
