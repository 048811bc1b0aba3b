"""What the reader raises where something does not hold: `UnprovedError`."""


class UnprovedError(Exception):
    """Something does not hold.

    Args:
        reason: What, in one sentence.
        place: The file where it was found; empty if no file was read.
    """

    def __init__(self, reason: str, place: str = "") -> None:
        super().__init__(f"{place}: {reason}" if place else reason)
        self.reason = reason
        self.place = place


def expect(holds: bool, reason: str, place: str = "") -> None:
    """Go on only if something holds.

    Raises:
        UnprovedError: It does not.
    """
    if not holds:
        raise UnprovedError(reason, place)
