"""A place on the line between two programs: hands every byte on and keeps a copy. Pure of pytest.

    with WireTee(upstream_port) as tee:
        ...                                 # the client connects to tee.port
    tee.lines("request")

What gRPC carries is cut into HTTP/2 frames of some kilobytes; `http2_data` puts the content together again.
"""

from __future__ import annotations

import socket
import threading
from collections import defaultdict
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Literal

MAX_KEPT_BYTES: Final = 64 << 20
"""A run that sends more than this is no small run; the copy would not be whole and the test has to say so."""

Direction = Literal["request", "answer"]

_CHUNK_BYTES: Final = 1 << 16
_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA_FRAME: Final = 0
_PADDED: Final = 0x8


class WireTee:
    """Listens on a free loopback port and connects each caller with a server on this machine.

    Args:
        upstream_port: Where the server listens.

    Attributes:
        port: Where callers connect.
        is_cut: Whether more passed than is kept.
    """

    def __init__(self, upstream_port: int) -> None:
        self._upstream_port = upstream_port
        self._lock = threading.Lock()
        self._kept_bytes = 0
        self._lines: list[tuple[Direction, bytearray]] = []
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.is_cut = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])

    def __enter__(self) -> WireTee:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._sockets:
            _end(one)
        for thread in self._threads:
            thread.join(5)
        for one in self._sockets:
            one.close()

    def lines(self, direction: Direction) -> Sequence[bytes]:
        """The bytes of each connection in one direction."""
        with self._lock:
            return [bytes(kept) for which, kept in self._lines if which == direction]

    def _start(self, target: object, *arguments: object) -> None:
        assert callable(target)
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._upstream_port))
            except OSError:
                caller.close()
                continue
            self._sockets += [caller, server]
            self._start(self._pump, caller, server, self._line("request"))
            self._start(self._pump, server, caller, self._line("answer"))

    def _line(self, direction: Direction) -> bytearray:
        kept = bytearray()
        with self._lock:
            self._lines.append((direction, kept))
        return kept

    def _pump(self, source: socket.socket, target: socket.socket, kept: bytearray) -> None:
        try:
            while data := source.recv(_CHUNK_BYTES):
                self._keep(kept, data)
                target.sendall(data)
        except OSError:
            pass
        _end(source)
        _end(target)

    def _keep(self, kept: bytearray, data: bytes) -> None:
        with self._lock:
            self._kept_bytes += len(data)
            if self._kept_bytes > MAX_KEPT_BYTES:
                self.is_cut = True
            else:
                kept += data


def _end(one: socket.socket) -> None:
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def http2_data(line: bytes) -> bytes:
    """The content of all calls of one direction of an HTTP/2 connection, call after call, without the frames."""
    calls: defaultdict[int, bytearray] = defaultdict(bytearray)
    at = len(_PREFACE) if line.startswith(_PREFACE) else 0
    while at + 9 <= len(line):
        size, kind, flags = int.from_bytes(line[at : at + 3], "big"), line[at + 3], line[at + 4]
        call = int.from_bytes(line[at + 5 : at + 9], "big") & 0x7FFF_FFFF
        content = line[at + 9 : at + 9 + size]
        if kind == _DATA_FRAME:
            calls[call] += content[1 : len(content) - content[0]] if flags & _PADDED else content
        at += 9 + size
    return b"\0".join(bytes(content) for content in calls.values())
