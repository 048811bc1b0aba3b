"""The layout of an exported ledger, for who writes it and who audits it.

    OUT/log/checkpoint                    the signed note, written last
    OUT/log/tile/<L>/<N>[.p/<W>]          hash tiles
    OUT/log/tile/entries/<N>[.p/<W>]      entry bundles
    OUT/log/log-keys                      the chain of the log's keys, where it had more than one
    OUT/policy                            the log's verifier key, quorum none; both keys while one is replaced
    OUT/history/<size>.checkpoint         a sample of the checkpoints over time
    OUT/receipts/<index>.tlog-proof       a sample of proof files, each with its entry
    OUT/manifest                          SHA-256 of every file outside log/tile, as `sha256sum` writes it

Tiles prove themselves; the manifest is there so that a sample file that was deleted is missed.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from contracts.errors import RuleError, UnavailableError
from hub.audit_errors import KeptError
from ledger.tiles import TilePlace, parse_tile_path

LOG: Final = "log"
CHECKPOINT: Final = "log/checkpoint"
LOG_KEYS: Final = "log/log-keys"
POLICY: Final = "policy"
HISTORY: Final = "history"
RECEIPTS: Final = "receipts"
MANIFEST: Final = "manifest"
MAX_FILE_BYTES: Final = 32 << 20
"""No file of an export is longer: 256 entries of 65,535 bytes are the most that one holds."""

_is_line = re.compile(r"([0-9a-f]{64})  ([a-z/-]+|(?:history|receipts)/[0-9]{1,19}\.[a-z-]+)").fullmatch


def history_name(size: int) -> str:
    """Name of the file that holds the checkpoint of a size."""
    return f"{HISTORY}/{size:012}.checkpoint"


def receipt_name(index: int) -> str:
    """Name of the file that proves the entry at an index."""
    return f"{RECEIPTS}/{index:012}.tlog-proof"


class ExportFolder:
    """Reads the files of an export by name.

    Args:
        root: The folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, name: str) -> bytes:
        """Bytes of a file.

        Raises:
            KeptError: EXPORT_DAMAGED: there is no such file, or it is too long for one of an export.
            UnavailableError: SOURCE_UNREADABLE: it is there and cannot be read.
        """
        path = self.root / name
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                raise KeptError("EXPORT_DAMAGED", f"is longer than {MAX_FILE_BYTES} bytes", place=name)
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise KeptError("EXPORT_DAMAGED", "the file is missing", place=name) from None
        except IsADirectoryError:
            raise KeptError("EXPORT_DAMAGED", "a folder stands in the place of the file", place=name) from None
        except OSError as error:
            raise UnavailableError("SOURCE_UNREADABLE", f"{name} cannot be read: {error.strerror}") from error

    def has(self, name: str) -> bool:
        """Whether there is such a file or folder."""
        return (self.root / name).exists()

    def names(self, folder: str) -> list[str]:
        """Names of the files directly in a folder, with the folder, in order; none if there is no such folder."""
        try:
            with os.scandir(self.root / folder) as items:
                return sorted(f"{folder}/{item.name}" for item in items)
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise UnavailableError("SOURCE_UNREADABLE", f"{folder} cannot be read: {error.strerror}") from error

    def walk(self, folder: str = "") -> Iterator[str]:
        """Names of all files below a folder, in bounded memory; none if there is no such folder.

        Raises:
            UnavailableError: SOURCE_UNREADABLE.
        """
        if not (self.root / folder).is_dir():
            return
        try:
            for found, folders, files in os.walk(self.root / folder, onerror=_raise):
                folders.sort()
                below = Path(found).relative_to(self.root)
                yield from (str(below / name) for name in sorted(files))
        except OSError as error:
            raise UnavailableError("SOURCE_UNREADABLE", f"the export cannot be read: {error.strerror}") from error


def tile_place(name: str) -> TilePlace | None:
    """What the name of a file below `log/tile` says; None if no tile has that name."""
    try:
        return parse_tile_path(name.removeprefix(f"{LOG}/")) if name.startswith(f"{LOG}/") else None
    except RuleError:
        return None


def format_manifest(digests: Mapping[str, str]) -> bytes:
    """Write the manifest: one line a file, in order of name."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items())).encode()


def parse_manifest(data: bytes) -> dict[str, str]:
    """Read a manifest.

    Raises:
        KeptError: EXPORT_DAMAGED: it has another form than `format_manifest` writes.
    """
    lines = data.decode("ascii", "replace").split("\n")
    matches = [_is_line(line) for line in lines[:-1]]
    digests = {match[2]: match[1] for match in matches if match is not None}
    if format_manifest(digests) != data:
        raise KeptError("EXPORT_DAMAGED", "is not in the form that an export has", place=MANIFEST)
    return digests


def digest(data: bytes) -> str:
    """SHA-256 as the manifest writes it."""
    return hashlib.sha256(data).hexdigest()


def _raise(error: OSError) -> None:
    raise error
