"""A request to end that a library has swallowed, noticed by the task that it was for.

Transports lose one: `asyncio.wait_for` of Python 3.11 returns what arrived in the same moment and forgets that it was
cancelled, and a connection that was closing turns it into an error of its own. Whoever goes on then goes on for ever,
and so does the group that waits for him: an alarm that was raised beside him is told to nobody.
"""

from __future__ import annotations

import asyncio


def heed_cancellation() -> None:
    """Say again that this task was asked to end, if it was; for loops, after every call of a library.

    Raises:
        CancelledError: It was.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
