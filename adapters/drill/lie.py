"""What a lie of the drill is, who notices it, and what he has in hand then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from adapters.drill.rig import Rig

GATEWAY: Final = "submitting gateway"
INBOX: Final = "recipient's inbox"
OFFICE: Final = "recipient's office"
WITNESS: Final = "witness"
AUDITOR: Final = "auditor"
PARTNER: Final = "partner region"


@dataclass(frozen=True, slots=True)
class Noticed:
    """What one role noticed.

    Attributes:
        code: Of its alarm; empty if it noticed nothing.
        files: The evidence files that it has kept.
    """

    code: str
    files: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Lie:
    """One lie.

    Attributes:
        name: A few words.
        when: When it is noticed.
        play: Lies, and gives what each role noticed.
        expected: The claim that each role must be able to show to others; None where it notices and nobody has signed
            anything that would convince others.
    """

    name: str
    when: str
    play: Callable[[Rig], Awaitable[Mapping[str, Noticed]]]
    expected: Mapping[str, str | None]
