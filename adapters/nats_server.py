"""A `nats-server` of our own: found, started on loopback with a file of `deploy/nats`, waited for and stopped.

The demonstration and the tests own their broker as a child process; production names its own server and never comes
here. The server takes a free port itself and tells it in a file, so that nobody else can take it between asking and
binding; started again, it listens where it listened before, and clients find it.
"""

import json
import os
import shutil
import socket
import subprocess
import sysconfig
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from adapters.settings import DEPLOY
from contracts.errors import UnavailableError

CONFIG: Final = DEPLOY / "nats" / "nats-server.conf"
"""The configuration of a server that asks nobody who he is."""

_START_SECONDS: Final = 10.0
_STOP_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.005
_LOG_TAIL_CHARACTERS: Final = 400


def find_nats_server(configured: Path | None = None) -> Path:
    """Find the server's program: as configured, else on the path, else beside this Python (the wheel of extra `demo`).

    Args:
        configured: A program that settings name; if it is named, no other is taken.

    Raises:
        UnavailableError: BROKER_UNAVAILABLE: there is none, or the configured one cannot be run.
    """
    if configured is not None:
        candidates = [str(configured)]
    else:
        candidates = ["nats-server", str(Path(sysconfig.get_path("scripts")) / "nats-server")]
    for candidate in candidates:
        if found := shutil.which(candidate):
            return Path(found).resolve()
    raise UnavailableError("BROKER_UNAVAILABLE", f"no program to run at {' or '.join(candidates)}")


class NatsServer:
    """One broker as a child process, with JetStream on files; a context manager that starts and stops it.

    Args:
        folder: Its store, its log and its ports file; made if missing.
        executable: As for `find_nats_server`.
        port: Port on 127.0.0.1, or None for a free one.
        config: What it is started with.
    """

    def __init__(
        self, *, folder: Path, executable: Path | None = None, port: int | None = None, config: Path = CONFIG
    ) -> None:
        self._folder = folder.resolve()
        self._config = config
        self._executable = executable
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where clients connect, once it was started; the same after a restart."""
        return f"nats://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int | None:
        """Its process, or None while it is stopped."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start it and wait until JetStream answers; does nothing if it runs.

        Raises:
            UnavailableError: BROKER_UNAVAILABLE: no program, or not ready within 10 seconds; with the end of its log.
        """
        if self._process is not None and self._process.poll() is None:
            return
        program = find_nats_server(self._executable)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._log.open("ab") as log:
            # A process group of its own: Ctrl-C is for us, and we stop it after our clients have drained.
            self._process = subprocess.Popen(
                [program, "-c", self._config], env=self._environment(), stdout=log, stderr=log, process_group=0
            )
        try:
            self._wait_until_ready(self._process)
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """Ask it to end, wait up to 5 seconds, then end it; does nothing if it is stopped."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
            self._process = None
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once, as a loss of power would; does nothing if it is stopped."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process = None

    def wipe(self) -> None:
        """Lose everything it stored; only while it is stopped."""
        if self._process is not None:
            raise RuntimeError("stop the broker before you wipe its store")
        shutil.rmtree(self._store, ignore_errors=True)

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    @property
    def _store(self) -> Path:
        return self._folder / "store"

    @property
    def _log(self) -> Path:
        return self._folder / "nats-server.log"

    def _environment(self) -> dict[str, str]:
        # The server reads the value of a variable as configuration: a path is quoted, or a space would end it.
        return os.environ | {
            "PPRD_NATS_PORT": str(-1 if self._port is None else self._port),
            "PPRD_NATS_STORE_DIR": json.dumps(str(self._store)),
            "PPRD_NATS_PORTS_DIR": json.dumps(str(self._folder)),
        }

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise self._failed(f"ended with code {process.returncode}")
            port = self._told_port(process.pid)
            if port is not None and _has_jetstream(port):
                self._port = port
                return
            time.sleep(_POLL_SECONDS)
        raise self._failed(f"was not ready after {_START_SECONDS:g} seconds")

    def _told_port(self, pid: int) -> int | None:
        """The port that the server wrote to its ports file, or None while the file is not there or not whole."""
        try:
            told = json.loads((self._folder / f"nats-server_{pid}.ports").read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        return int(told["nats"][0].rpartition(":")[2])

    def _failed(self, what: str) -> UnavailableError:
        tail = self._log.read_text(encoding="utf-8", errors="replace")[-_LOG_TAIL_CHARACTERS:]
        return UnavailableError("BROKER_UNAVAILABLE", f"nats-server {what}; its log ends: {tail}")


def _has_jetstream(port: int) -> bool:
    """Say whether the server greets and says that JetStream is on."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            greeting = connection.makefile("rb").readline()
    except OSError:
        return False
    return greeting.startswith(b"INFO ") and bool(json.loads(greeting[5:]).get("jetstream"))
