"""Feeds parsers with mutated bytes: whatever comes in, a parser gives a value or one of our errors, and soon.

    outcome = fuzz(TARGETS["note"], count=4_000, seed=1)

The same seed gives the same inputs on every machine. `make fuzz` runs a million of them through each parser, the tests
some thousand. Pure of pytest.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from contracts.errors import ExchangeError

_TOKENS: Final = (
    b"\n", b"\n\n", b"\r\n", b"\0", b"\xff", b"\x80", b"\xc0\xaf", "\u2014 ".encode(), b"- ", b" ", b"\t", b"=", b"+",
    b"-1", b"0", b"00", b"_", b"9223372036854775807", b"9223372036854775808", b"18446744073709551616", b"x000/", b".p/",
    b"256", b"old ", b"index ", b"extra ", b"quorum ", b"group g any ", b"\x7f\xff\xff\xff", b"\xc3\x01", b"AAAA",
    b"A==",
)  # fmt: skip
_LONG: Final = 200
"""One input of so many is made very long."""


@dataclass(frozen=True, slots=True)
class Target:
    """A parser to be fed.

    Attributes:
        name: Of the parser.
        seeds: Inputs that it accepts.
        read: The parser.
        write: Writes a value again, where a value has one form: it must give the input back. None where it has several.
        max_bytes: The longest input that it reads at all; longer ones are tried too.
    """

    name: str
    seeds: Sequence[bytes]
    read: Callable[[bytes], Any]
    write: Callable[[Any], bytes] | None = None
    max_bytes: int = 65_536


@dataclass(slots=True)
class Outcome:
    """What became of the inputs.

    Attributes:
        inputs: How many were fed.
        accepted: How many were read.
        codes: The others, by code.
        slowest_ns: CPU time of the slowest input.
        slowest_bytes: Its length.
    """

    inputs: int = 0
    accepted: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    slowest_ns: int = 0
    slowest_bytes: int = 0


def fuzz(target: Target, *, count: int, seed: int) -> Outcome:
    """Feed a parser.

    Args:
        target: The parser.
        count: How many inputs, the seeds themselves among them.
        seed: Which inputs.

    Raises:
        AssertionError: A seed is refused, a value is not written as it was read, or an exception is not ours; names the
            input.
    """
    outcome = Outcome()
    for data in target.seeds:
        _feed(target, data, outcome)
    if outcome.codes:
        raise AssertionError(f"{target.name}: seeds are refused with {dict(outcome.codes)}")
    for data in mutated(target, count=count - len(target.seeds), seed=seed):
        _feed(target, data, outcome)
    return outcome


def mutated(target: Target, *, count: int, seed: int) -> Iterator[bytes]:
    """Inputs made from those that a parser accepts."""
    mutator = _Mutator(target, random.Random(f"{target.name} {seed}"))
    return (mutator.next() for _ in range(count))


def _feed(target: Target, data: bytes, outcome: Outcome) -> None:
    start = time.thread_time_ns()
    try:
        value = target.read(data)
    except ExchangeError as error:
        outcome.codes[error.code] += 1
    except Exception as error:
        raise AssertionError(f"{target.name}: {type(error).__name__} for {data[:2_000].hex()}") from error
    else:
        outcome.accepted += 1
        if target.write is not None and target.write(value) != data:
            raise AssertionError(f"{target.name}: read and written differently: {data[:2_000].hex()}")
    spent = time.thread_time_ns() - start
    outcome.inputs += 1
    if spent > outcome.slowest_ns:
        outcome.slowest_ns, outcome.slowest_bytes = spent, len(data)


class _Mutator:
    def __init__(self, target: Target, chance: random.Random) -> None:
        self._target = target
        self._chance = chance
        self._steps: tuple[Callable[[bytearray], None], ...] = (
            self._flip, self._byte, self._cut, self._repeat, self._token, self._splice, self._truncate, self._move,
            self._noise,
        )  # fmt: skip

    def next(self) -> bytes:
        """One more input."""
        chance = self._chance
        data = bytearray(chance.choice(self._target.seeds))
        for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 5))):
            chance.choice(self._steps)(data)
        if not chance.randrange(_LONG):
            self._lengthen(data)
        return bytes(data)

    def _at(self, data: bytearray) -> int:
        return self._chance.randrange(len(data) + 1)

    def _flip(self, data: bytearray) -> None:
        if data:
            data[self._chance.randrange(len(data))] ^= 1 << self._chance.randrange(8)

    def _byte(self, data: bytearray) -> None:
        if data:
            data[self._chance.randrange(len(data))] = self._chance.choice(
                (0, 1, 9, 10, 13, 32, 43, 48, 61, 127, 128, 255)
            )

    def _cut(self, data: bytearray) -> None:
        at = self._at(data)
        del data[at : at + self._chance.choice((1, 1, 2, 4, 32, 256))]

    def _repeat(self, data: bytearray) -> None:
        at = self._at(data)
        part = data[at : at + self._chance.choice((1, 2, 4, 33, 45, 200))]
        data[at:at] = part * self._chance.choice((1, 1, 2, 70))

    def _token(self, data: bytearray) -> None:
        at = self._at(data)
        data[at : at + self._chance.choice((0, 0, 1, 2))] = self._chance.choice(_TOKENS)

    def _splice(self, data: bytearray) -> None:
        other = self._chance.choice(self._target.seeds)
        cut = self._chance.randrange(len(other) + 1)
        data[self._at(data) :] = other[cut:]

    def _truncate(self, data: bytearray) -> None:
        del data[self._at(data) :]

    def _move(self, data: bytearray) -> None:
        lines = bytes(data).split(b"\n")
        self._chance.shuffle(lines)
        data[:] = b"\n".join(lines)

    def _noise(self, data: bytearray) -> None:
        at = self._at(data)
        data[at:at] = self._chance.randbytes(self._chance.choice((1, 2, 8, 40)))

    def _lengthen(self, data: bytearray) -> None:
        """About as long as is read, and longer."""
        wanted = self._target.max_bytes + self._chance.choice((-1000, -1, 0, 1, 1000))
        at = self._at(data)
        part = bytes(data[at : at + self._chance.choice((1, 45, 300))]) or b"\n"
        missing = max(0, wanted - len(data))
        data[at:at] = (part * (missing // len(part) + 1))[:missing]
