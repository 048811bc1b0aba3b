"""What an audit remembers of an event that names sealed payloads, to judge later openings of them: `SealedEvent`."""

from typing import NamedTuple

from contracts.event import Header
from contracts.ids import OfficeId


class SealedEvent(NamedTuple):
    """Who may ask for what under one event.

    Attributes:
        purpose: The event's purpose code.
        producer: The office that made it.
        payloads: For each payload the hash of its ciphertext, its profile and its recipients.
    """

    purpose: str
    producer: OfficeId
    payloads: tuple[tuple[bytes, str, tuple[OfficeId, ...]], ...]

    @classmethod
    def of(cls, header: Header) -> "SealedEvent":
        """What a header says."""
        rows = tuple([(ref.ciphertext_hash, ref.profile, tuple(ref.recipients)) for ref in header.sealed])
        return cls(header.purpose, header.producer_office, rows)

    def payload_for(self, ciphertext_hash: bytes, office: str) -> int | None:
        """Place of the payload with this hash if an office is one of its recipients or made the event."""
        for number, (known, _, recipients) in enumerate(self.payloads):
            if known == ciphertext_hash and (office in recipients or office == self.producer):
                return number
        return None

    def pack(self) -> bytes:
        """Write it as lines of words: codes and ids hold no white space."""
        rows = [" ".join((known.hex(), profile, *recipients)) for known, profile, recipients in self.payloads]
        return "\n".join((f"{self.purpose} {self.producer}", *rows)).encode()

    @classmethod
    def unpack(cls, data: bytes) -> "SealedEvent":
        """Read what `pack` wrote."""
        first, *lines = data.decode().split("\n")
        purpose, producer = first.split(" ")
        rows = [line.split(" ") for line in lines]
        payloads = tuple([(bytes.fromhex(r[0]), r[1], tuple([OfficeId(o) for o in r[2:]])) for r in rows])
        return cls(purpose, OfficeId(producer), payloads)
