"""`audit datasette`: an export for analysts, in a browser on this machine, never the live record."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import output, session
from .evidence import Evidence, evidence_options

if TYPE_CHECKING:
    from subprocess import Popen

HOST, PORT = "127.0.0.1", 8001
SETTINGS = (
    *("allow_download", "off", "suggest_facets", "off", "num_sql_threads", "1", "max_csv_mb", "64"),
    *("sql_time_limit_ms", "1000", "facet_time_limit_ms", "200", "max_returned_rows", "1000"),
)
PLUGIN = """from datasette import hookimpl
from {cli} import guard
asgi_wrapper, prepare_connection = hookimpl(guard.asgi_wrapper), hookimpl(guard.prepare_connection)
"""
STOPPING = 10.0  # seconds


@click.command("datasette", cls=session.Command)
@click.argument("export")
@click.option("--port", type=click.IntRange(1, 65535), default=PORT, show_default=True, metavar="N")
@evidence_options
def datasette_command(export: str, port: int, **evidence: tuple[str, ...]) -> int:
    """Serve the decoded entries of EXPORT to analysts with Datasette, with every question as a query, until Ctrl-C.

    It needs the extra: pip install 'sharekit[datasette]'. The export is verified first, and one that does not verify
    is not served. Only this machine can reach it, only by the link that is printed, and nobody can write. A query ends
    after a second. A program shows the token of the link as "Authorization: Bearer TOKEN".

    \b
    Example:
        sharekit audit datasette fernshire-2026.export --trust fernshire.card
    """
    import json
    import secrets
    import tempfile

    from sharekit.audit import questions
    from sharekit.errors import LedgerTampered

    _check_possible(export, port)
    given = Evidence.read(**evidence)
    with given.audits([export]) as audited, tempfile.TemporaryDirectory(prefix="sharekit-") as folder:
        ((path, report),) = audited
        if report.findings:
            raise LedgerTampered(f"the export does not verify ({len(report.findings)} findings) and is not served")
        database, about = Path(folder, "entries.db"), Path(folder, "about.json")
        questions.read([(path, report.origin, report.size)], path=database).close()
        about.write_text(json.dumps(_about(report.origin)), encoding="utf-8")
        secret = secrets.token_urlsafe(32)
        with _served(database, about, port, secret) as server:
            link = f"http://{HOST}:{port}/entries?token={secret}"
            output.say(f"{link}  (stop it with Ctrl-C; whoever has the link can read it)", as_json=session.wants_json())
            with contextlib.suppress(KeyboardInterrupt):
                server.wait()
                return 1  # it ended by itself, and has said why
    return 0


def _check_possible(export: str, port: int) -> None:
    import importlib.util
    import socket

    from sharekit.errors import Usage

    if importlib.util.find_spec("datasette") is None:
        raise Usage("Datasette is not installed", hint="pip install 'sharekit[datasette]'")
    folder = Path(os.path.realpath(export)).parent
    if folder.name == "ledger" and (folder.parent / "agency.json").exists():
        raise Usage("that is the live record", hint="serve a copy: sharekit ledger export -o FILE")
    with contextlib.closing(socket.socket()) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((HOST, port))
        except OSError:
            raise Usage("something else listens on that port", hint="choose another --port") from None


def _about(origin: str) -> dict[str, Any]:
    """What Datasette shows beside the tables: what they are, and the questions as queries."""
    from sharekit.audit import questions

    told = f"The entries of {origin}, decoded. They hold no name, number or data of a child."
    queries = {
        each.name: {"sql": each.alone, "title": each.title, "description": each.question} for each in questions.load()
    }
    return {"title": "sharekit audit", "databases": {"entries": {"description": told, "queries": queries}}}


@contextlib.contextmanager
def _served(database: Path, about: Path, port: int, secret: str) -> Iterator[Popen[bytes]]:
    """Datasette in a process of its own, behind the guard, which ends with this one."""
    import subprocess

    plugins = database.parent / "plugins"
    plugins.mkdir()
    (plugins / "guard.py").write_text(PLUGIN.format(cli=__package__))

    command = [sys.executable, "-m", "datasette", "serve", "--immutable", str(database), "--metadata", str(about)]
    command += ["--host", HOST, "--port", str(port), "--plugins-dir", str(plugins)]
    for name, value in zip(SETTINGS[::2], SETTINGS[1::2], strict=True):
        command += ["--setting", name, value]
    known = {**os.environ, "SHAREKIT_AUDIT_PORT": str(port), "SHAREKIT_AUDIT_SECRET": secret}  # others see arguments
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=known)  # noqa: S603  # no part of it was typed but the port
    try:
        yield server
    finally:
        server.terminate()
        try:
            server.wait(STOPPING)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
