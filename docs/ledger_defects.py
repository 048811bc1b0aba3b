"""Bytes that a lax parser lets through and ours refuse: one file a defect, named by it.

Written to `tests/vectors/<kind>/<defect>` and, with the reason, into `contracts/conformance/ledger/refused.json`, by
`docs.ledger_vectors`. Source: LEDGER, sections 2, 3, 8 and 9.
"""

import base64
from collections.abc import Iterator
from hashlib import sha256
from typing import Final, NamedTuple

from docs.ledger_parties import LOG, ML_DSA_WITNESS, NOTE, SECONDS, TEXT, WITNESS, cosigned, request

_DASH: Final = "\u2014 ".encode()
_SIZE_LINE: Final = TEXT.split(b"\n")[1]
_ROOT_LINE: Final = TEXT.split(b"\n")[2]
_SIGNATURE: Final = NOTE.splitlines()[-1]


class Refused(NamedTuple):
    """Bytes that are to be refused.

    Attributes:
        kind: What they claim to be.
        defect: Name of what is wrong with them.
        data: The bytes.
        code: With which they are refused.
    """

    kind: str
    defect: str
    data: bytes
    code: str = "NOTE_MALFORMED"


def refused() -> Iterator[Refused]:
    """All of them, by kind and defect."""
    yield from (Refused("notes", *row) for row in _notes())
    yield from (Refused("checkpoints", *row) for row in _checkpoints())
    yield from (Refused("keys", *row) for row in _keys())
    yield from (Refused("policies", *row, "POLICY_MALFORMED") for row in _policies())
    yield from (Refused("proofs", *row) for row in _proofs())
    yield from (Refused("bundles", *row, "ENTRY_MALFORMED") for row in _bundles())
    yield from (Refused("requests", *row, "WITNESS_REQUEST_MALFORMED") for row in _requests())
    yield from (Refused("tile-names", *row, "NOT_FOUND") for row in _tile_names())


def _line(payload: bytes, *, name: str = LOG.name, key_id: bytes = LOG.verifier.key_id) -> bytes:
    return _DASH + f"{name} {base64.b64encode(key_id + payload).decode()}\n".encode()


def _notes() -> Iterator[tuple[str, bytes]]:
    raw = base64.b64decode(_SIGNATURE.split(b" ")[2])
    ed, ml_dsa = WITNESS.verifier, ML_DSA_WITNESS.verifier
    late = (1 << 63).to_bytes(8, "big")
    yield "base64-with-bits-left-over", NOTE + _DASH + b"x.example AAAAAAB=\n"
    yield "base64-without-padding", NOTE[:-2] + b"\n" if NOTE.endswith(b"=\n") else NOTE[:-1] + b"=\n"
    yield "base64-of-the-url-alphabet", NOTE + _DASH + b"x.example __--AAA=\n"
    yield "base64-with-a-space-inside", NOTE[:-9] + b" " + NOTE[-9:]
    yield "carriage-returns", NOTE.replace(b"\n", b"\r\n")
    yield "carriage-return-in-the-text", NOTE.replace(_SIZE_LINE, _SIZE_LINE + b"\r")
    yield "control-character-in-the-text", NOTE.replace(_SIZE_LINE, _SIZE_LINE + b"\x01")
    yield "tab-in-the-text", NOTE.replace(_SIZE_LINE, _SIZE_LINE + b"\t")
    yield "nul-in-the-text", NOTE.replace(_SIZE_LINE, _SIZE_LINE + b"\0")
    yield "hyphen-for-the-em-dash", NOTE.replace(_DASH, b"- ")
    yield "en-dash-for-the-em-dash", NOTE.replace(_DASH, "\u2013 ".encode())
    yield "two-hyphens-for-the-em-dash", NOTE.replace(_DASH, b"-- ")
    yield "no-space-after-the-dash", NOTE.replace(_DASH, _DASH[:-1])
    yield "space-before-the-dash", NOTE.replace(_DASH, b" " + _DASH)
    yield "junk-before-the-signatures", TEXT + b"\njunk\n" + _SIGNATURE + b"\n"
    yield "junk-between-the-signatures", NOTE + b"junk\n" + _line(b"x", name="other.example")
    yield "junk-after-the-signatures", NOTE + b"junk\n"
    yield "empty-line-after-the-signatures", NOTE + b"\n"
    yield "no-final-newline", NOTE[:-1]
    yield "no-empty-line", TEXT + _SIGNATURE + b"\n"
    yield "no-signature", TEXT + b"\n"
    yield "nothing", b""
    yield "not-utf-8", NOTE.replace(_SIZE_LINE, _SIZE_LINE + b"\xff")
    yield "overlong-utf-8", NOTE.replace(_SIZE_LINE, _SIZE_LINE + b"\xc0\xaf")
    yield "too-long", b"a" * 65_536 + b"\n" + NOTE
    yield "signature-one-byte-short", TEXT + b"\n" + _line(raw[4:-1])
    yield "signature-one-byte-long", TEXT + b"\n" + _line(raw[4:] + b"\0")
    yield "signature-of-no-bytes", NOTE + _line(b"", name="other.example")
    yield "known-key-twice", NOTE + _SIGNATURE + b"\n"
    yield "known-witness-twice", cosigned(WITNESS) + WITNESS.line(TEXT, seconds=SECONDS + 1)
    for name, key, signature_bytes in (("ed25519", ed, 64), ("ml-dsa-44", ml_dsa, 2_420)):
        zeros = bytes(signature_bytes)
        yield f"{name}-cosignature-time-above-63-bits", NOTE + _line(late + zeros, name=key.name, key_id=key.key_id)
        yield f"{name}-cosignature-one-byte-short", NOTE + _line(bytes(7) + zeros, name=key.name, key_id=key.key_id)
        yield f"{name}-cosignature-one-byte-long", NOTE + _line(bytes(9) + zeros, name=key.name, key_id=key.key_id)


def _checkpoints() -> Iterator[tuple[str, bytes]]:
    """Texts that the log's key did sign."""

    def signed(text: bytes) -> bytes:
        return text + b"\n" + LOG.line(text)

    size, root = _SIZE_LINE, _ROOT_LINE
    for defect, other in (
        ("size-with-a-plus-sign", b"+" + size),
        ("size-with-a-minus-sign", b"-" + size),
        ("size-after-a-space", b" " + size),
        ("size-before-a-space", size + b" "),
        ("size-with-an-underscore", size[:1] + b"_" + size[1:]),
        ("size-with-a-leading-zero", b"0" + size),
        ("size-in-hexadecimal", b"0x" + size),
        ("size-in-other-digits", "\u0661".encode()),
        ("size-with-a-fraction", size + b".0"),
        ("size-above-63-bits", b"9223372036854775808"),
        ("size-of-many-digits", b"1" * 5_000),
        ("size-empty", b""),
    ):
        yield defect, signed(TEXT.replace(b"\n" + size + b"\n", b"\n" + other + b"\n"))
    for defect, other in (
        ("root-with-bits-left-over", root[:-2] + bytes((root[-2] + 1,)) + root[-1:]),
        ("root-without-padding", root[:-1]),
        ("root-of-31-bytes", base64.b64encode(bytes(31))),
        ("root-of-33-bytes", base64.b64encode(bytes(33))),
        ("root-in-hexadecimal", base64.b64decode(root).hex().encode()),
        ("root-before-a-space", root + b" "),
    ):
        yield defect, signed(TEXT.replace(root, other))
    yield "extension-line", signed(TEXT + b"an extension\n")
    yield "root-missing", signed(TEXT.rpartition(root)[0])
    yield "root-of-the-empty-size", signed(TEXT.replace(b"\n" + size + b"\n", b"\n0\n"))
    yield "origin-with-a-space", signed(TEXT.replace(LOG.name.encode(), b"a b"))
    yield "origin-with-a-plus", signed(TEXT.replace(LOG.name.encode(), b"a+b"))


def _keys() -> Iterator[tuple[str, bytes, str]]:
    vkey = LOG.verifier.vkey
    name, key_id, encoded = vkey.split("+", 2)
    wrong = f"{int(key_id, 16) ^ 1:08x}"
    form = "NOTE_MALFORMED"
    yield "id-of-another-key", f"{name}+{wrong}+{encoded}".encode(), form
    yield "id-of-nine-digits", f"{name}+0{key_id}+{encoded}".encode(), form
    yield "type-unknown", _vkey(0x07, bytes(32)), form
    yield "ed25519-key-of-31-bytes", _vkey(0x01, bytes(31)), form
    yield "ml-dsa-44-key-of-32-bytes", _vkey(0x06, bytes(32)), form
    yield "name-empty", f"+{key_id}+{encoded}".encode(), form
    yield "newline-at-the-end", f"{vkey}\n".encode(), form
    yield "too-long", ("a" * 3_000 + vkey).encode(), form
    unsafe = "KEY_UNSAFE"
    p = 2**255 - 19
    small = {
        "order-1": 1,
        "order-2": p - 1,
        "order-4": 0,
        "order-4-with-sign": 1 << 255,
        "order-8": 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
        "order-8-other": 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
        "order-1-not-canonical": p + 1,
        "order-4-not-canonical": p,
        "not-canonical": p + 3,
        "no-point-of-the-curve": 2,
    }
    for defect, number in small.items():
        for label, key_type in (("log", 0x01), ("witness", 0x04)):
            yield f"{label}-key-{defect}", _vkey(key_type, number.to_bytes(32, "little")), unsafe


def _vkey(key_type: int, public_key: bytes) -> bytes:
    typed = bytes((key_type,)) + public_key
    key_id = sha256(b"x.example\n" + typed).hexdigest()[:8]
    return f"x.example+{key_id}+{base64.b64encode(typed).decode()}".encode()


def _policies() -> Iterator[tuple[str, bytes]]:
    log, w1, w2 = LOG.verifier.vkey, WITNESS.verifier.vkey, ML_DSA_WITNESS.verifier.vkey
    head = f"log {log}\nwitness a {w1}\nwitness b {w2}\n"
    for defect, rest in (
        ("quorum-missing", "group g any a b\n"),
        ("quorum-twice", "quorum a\nquorum b\n"),
        ("quorum-of-nobody-known", "quorum c\n"),
        ("group-of-nobody-known", "group g any a c\nquorum g\n"),
        ("group-takes-none", "group g 0 a b\nquorum g\n"),
        ("group-takes-too-many", "group g 3 a b\nquorum g\n"),
        ("group-with-a-sign", "group g +1 a b\nquorum g\n"),
        ("group-without-members", "group g all\nquorum g\n"),
        ("member-of-two-groups", "group g any a b\ngroup h any a\nquorum g\n"),
        ("member-twice", "group g 2 a a\nquorum g\n"),
        ("name-twice", "group a any b\nquorum a\n"),
        ("name-none", "group none any a b\nquorum none\n"),
        ("public-key-twice", f"witness c {w1}\nquorum none\n"),
        ("key-of-the-log-as-witness", f"witness c {log}\nquorum none\n"),
        ("key-of-a-witness-as-log", f"log {w1}\nquorum none\n"),
        ("unknown-statement", "witnesses a b\nquorum none\n"),
        ("statement-with-too-many-words", f"log {log} https://a.example extra\nquorum none\n"),
        ("no-final-newline", "quorum none"),
        ("carriage-returns", "quorum none\r\n"),
        ("control-character", "# \x01\nquorum none\n"),
        ("too-long", "#" * 65_536 + "\nquorum none\n"),
    ):
        yield defect, (head + rest).encode()
    yield "not-utf-8", head.encode() + b"# \xff\nquorum none\n"
    yield "quorum-before-its-group", b"quorum g\n" + head.encode() + b"group g any a b\n"


def _proofs() -> Iterator[tuple[str, bytes, str]]:
    first = b"c2sp.org/tlog-proof@v1\n"
    line = base64.b64encode(bytes(32)) + b"\n"
    form = "PROOF_MALFORMED"
    yield "another-version", first.replace(b"v1", b"v2") + b"index 0\n\n" + NOTE, form
    yield "index-missing", first + line + b"\n" + NOTE, form
    yield "index-with-a-leading-zero", first + b"index 00\n\n" + NOTE, "NOTE_MALFORMED"
    yield "index-with-a-sign", first + b"index +1\n\n" + NOTE, "NOTE_MALFORMED"
    yield "index-above-63-bits", first + b"index 9223372036854775808\n\n" + NOTE, "NOTE_MALFORMED"
    yield "extra-after-the-index", first + b"index 0\nextra AAAA\n\n" + NOTE, "NOTE_MALFORMED"
    yield "extra-with-bits-left-over", first + b"extra AAB=\nindex 0\n\n" + NOTE, "NOTE_MALFORMED"
    yield "hash-of-31-bytes", first + b"index 0\n" + base64.b64encode(bytes(31)) + b"\n\n" + NOTE, form
    yield "hash-with-bits-left-over", first + b"index 0\n" + line[:-3] + b"B=\n\n" + NOTE, "NOTE_MALFORMED"
    yield "hashes-64", first + b"index 0\n" + 64 * line + b"\n" + NOTE, form
    yield "carriage-returns", (first + b"index 0\n\n").replace(b"\n", b"\r\n") + NOTE, form
    yield "checkpoint-missing", first + b"index 0\n\n", "NOTE_MALFORMED"
    yield "checkpoint-without-empty-line", first + b"index 0\n" + TEXT, form
    yield "too-long", first + b"extra " + b"A" * 300_000 + b"\nindex 0\n\n" + NOTE, form


def _bundles() -> Iterator[tuple[str, bytes]]:
    yield "empty", b""
    yield "half-a-length", b"\0"
    yield "entry-cut-short", b"\0\3ab"
    yield "bytes-left-over", b"\0\1a\0"
    yield "entries-257", b"\0\1a" * 257


def _requests() -> Iterator[tuple[str, bytes]]:
    line = base64.b64encode(bytes(32)) + b"\n"
    yield "empty", b""
    yield "old-missing", b"\n" + NOTE
    yield "old-with-a-leading-zero", b"old 01\n\n" + NOTE
    yield "old-with-a-sign", b"old +1\n\n" + NOTE
    yield "old-before-a-space", b"old 1 \n\n" + NOTE
    yield "old-above-63-bits", b"old 9223372036854775808\n\n" + NOTE
    yield "old-above-new", request(old_size=9, path=(), note=NOTE)
    yield "hash-of-31-bytes", b"old 1\n" + base64.b64encode(bytes(31)) + b"\n\n" + NOTE
    yield "hash-with-bits-left-over", b"old 1\n" + line[:-3] + b"B=\n\n" + NOTE
    yield "hashes-64", b"old 1\n" + 64 * line + b"\n" + NOTE
    yield "hashes-many", b"old 1\n" + 2_000 * line + b"\n" + NOTE
    yield "carriage-returns", b"old 0\r\n\r\n" + NOTE
    yield "checkpoint-missing", b"old 0\n\n"
    yield "checkpoint-without-signature", b"old 0\n\n" + TEXT
    yield "checkpoint-with-an-extension-line", b"old 0\n\n" + TEXT + b"more\n\n" + LOG.line(TEXT + b"more\n")
    yield "log-signed-twice", b"old 0\n\n" + NOTE + _SIGNATURE + b"\n"


def _tile_names() -> Iterator[tuple[str, bytes]]:
    yield "level-8", b"tile/8/000"
    yield "level-with-a-zero", b"tile/00/000"
    yield "level-with-a-sign", b"tile/+0/000"
    yield "index-of-two-digits", b"tile/0/00"
    yield "index-of-four-digits", b"tile/0/0000"
    yield "index-with-an-empty-group", b"tile/0/x000/001"
    yield "index-without-x", b"tile/0/001/234"
    yield "index-that-ends-in-x", b"tile/0/x001"
    yield "index-in-other-digits", "tile/0/\u0661\u0661\u0661".encode()
    yield "width-0", b"tile/0/000.p/0"
    yield "width-256", b"tile/0/000.p/256"
    yield "width-with-a-zero", b"tile/0/000.p/01"
    yield "width-empty", b"tile/0/000.p/"
    yield "newline-at-the-end", b"tile/0/000\n"
    yield "parent-folder", b"tile/0/../000"
    yield "too-long", b"tile/0/" + b"x001/" * 20 + b"001"
