"""Makes the page of an evidence pack and takes the evidence out of one again.

The verifier is written as modules in `page/` and joined here into one script; with what it knows of the contracts it is
the same in every pack of a release, so that its SHA-256 can be published and compared. The page allows itself that
script and its style by their hashes and nothing else. The evidence is one line of base64: every byte of it counts.

Source: docs/spec/evidence-pack.md, docs/adr/0055.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from adapters.pack.words import words_of
from contracts.edition import load_contracts
from contracts.errors import ContractError
from ledger.note_text import parse_base64
from ledger.pack import MAX_PACK_BYTES

MODULES: Final = (
    "reasons",
    "bytes",
    "tree",
    "keys",
    "note",
    "policy",
    "proof",
    "avro",
    "entry",
    "pack",
    "values",
    "texts",
    "verify",
    "dom",
    "record",
    "page",
)
"""The modules of the verifier; each uses only those before it."""
MAX_PAGE_BYTES: Final = 4 * MAX_PACK_BYTES
"""Longest page: the evidence in base64, and the verifier."""
_IMPORT: Final = re.compile(r"^import [^;]*;\n", re.MULTILINE)
_EXPORT: Final = re.compile(r"^export ", re.MULTILINE)
_EVIDENCE: Final = re.compile(rb'<script type="text/plain" id="evidence">([^<]*)</script>')
_ALLOWED: Final = (
    "default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; base-uri 'none'; "
    "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)


@dataclass(frozen=True, slots=True)
class Verifier:
    """What every page of a release has in common.

    Attributes:
        script: The joined verifier, ASCII.
        style: The style sheet.
    """

    script: str
    style: str

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the script in hex, as the page shows it."""
        return hashlib.sha256(self.script.encode()).hexdigest()


@cache
def load_verifier() -> Verifier:
    """Join the packaged verifier, once."""
    style = _text("page.css").strip()
    known = {"words": words_of(load_contracts()), "allowed": _ALLOWED, "styleHash": _digest(style)}
    return Verifier(joined(f"start({_literal(known)}, document.currentScript.textContent);"), style)


def joined(tail: str) -> str:
    """The modules in one block of a strict script, where a name that stands twice is an error; with more lines behind.

    Args:
        tail: JavaScript that sees everything the modules define.
    """
    parts = [_EXPORT.sub("", _IMPORT.sub("", _text(f"{name}.js"))).strip() for name in MODULES]
    script = "\n\n".join([*parts, tail.strip()])
    ascii_only = re.sub(r"[^\x00-\x7f]", _escaped, script)
    return f'\n"use strict";\n{{\n{ascii_only}\n}}\n'


def render_page(pack: bytes) -> bytes:
    """The HTML file of a pack.

    Args:
        pack: Its text, from `ledger.pack.format_pack`.
    """
    verifier = load_verifier()
    policy = _ALLOWED.format(script=_digest(verifier.script), style=_digest(verifier.style))
    values = {
        "POLICY": policy,
        "STYLE": verifier.style,
        "EVIDENCE": base64.b64encode(pack).decode(),
        "SCRIPT": verifier.script,
    }
    return re.sub("%([A-Z]+)%", lambda found: values[found[1]], _text("page.html")).encode("ascii")


def evidence_in(page: bytes) -> bytes:
    """The text of the pack in an HTML file; nothing else of the file is looked at.

    Raises:
        ContractError: EVIDENCE_MALFORMED: there is none, or more than one; NOTE_MALFORMED: it is not base64.
    """
    found = _EVIDENCE.findall(page) if len(page) <= MAX_PAGE_BYTES else []
    if len(found) != 1:
        raise ContractError(
            "EVIDENCE_MALFORMED", "the file is no evidence pack: it holds no evidence, or more than one"
        )
    return parse_base64(found[0].decode("latin-1"))


def _escaped(found: re.Match[str]) -> str:
    """A character beyond ASCII as JavaScript writes it, so that no encoding can turn the script into another."""
    units = found[0].encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _literal(value: Any) -> str:
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _text(name: str) -> str:
    return files("adapters.pack").joinpath("page", name).read_text(encoding="utf-8")
