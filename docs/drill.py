"""Writes `docs/drill.md` from the lies that `pprd drill` tells: `make docs`, or `python -m docs.drill`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from adapters.drill.lie import Lie
from adapters.drill.run import LIES
from ledger.claim import is_conclusive

PAGE: Final = Path(__file__).with_name("drill.md")
"""The page that is written."""

_HEAD: Final = """# The lying hub

Made from `adapters/drill` by `make docs`; do not edit.

`pprd drill` starts a hub that lies, with a broker, a relay, gateways, inboxes and a witness around it, all of them
real, and tells every lie below. It ends with 0 only if each was noticed by each role that is named, and the file that
the role has kept convinces a third party who has nothing but the ledger's key (`pprd evidence verify`). The liar is a
program of the drill alone: it opens no ledger but those that the drill makes and throws away.

A *conclusive* file holds what no ledger that keeps the rules can have signed. An *open* one proves what the ledger
signed and says what it owes an answer to; [the specification](spec/evidence-file.md) names the answer that clears it.
Where nobody has signed what would convince others, that is said: who notices stops, and can only tell.

| lie | who notices | when | file | proves to a third party |
| --- | --- | --- | --- | --- |
"""

_TAIL: Final = """
## What no drill can show

- A hub that answers nobody looks like one that is away. Events go on waiting at their senders, and the same bytes get
  their first receipt whenever it answers again.
- Who is shown one history only, whole in itself, by hub and broker alike, sees no lie unless he hears one word from
  outside: that of a witness which he asks himself (`witness_policy` of a region), or the head of a neighbour (`pprd
  evidence head`, `pprd evidence compare`). Where hub and witnesses lie together, only neighbours are left.
- A gateway connects the heads of its receipts twice a second. What was shown within the last half second before a
  gateway's machine fails is compared with nothing; the receipts themselves stay good.
- Within the clock limit of the genesis record a batch can be dated a little early, and nobody can tell.
"""


def render(lies: Sequence[Lie]) -> str:
    """Render the page.

    Args:
        lies: In the order in which they are told.

    Returns:
        Markdown: one row a lie and role.
    """
    rows = [
        f"| {lie.name} | {role} | {lie.when} | {'-' if claim is None else f'`{claim}`'} | {_proves(claim)} |\n"
        for lie in lies
        for role, claim in lie.expected.items()
    ]
    return _HEAD + "".join(rows) + _TAIL


def _proves(claim: str | None) -> str:
    if claim is None:
        return "nothing: not transferable"
    return "conclusive" if is_conclusive(claim) else "open: what was signed, and what is owed"


if __name__ == "__main__":
    PAGE.write_text(render(LIES), encoding="utf-8")
