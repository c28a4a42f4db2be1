"""`ledger init-postgres` and `move`: where an agency's record is kept."""

from __future__ import annotations

import click

from . import output, session


@click.command("init-postgres", cls=session.Command)
@click.argument("database", required=False)
@click.option("--app-role", metavar="NAME", help="Who may append from now on; made if there is no such role.")
@click.option("--print", "only_print", is_flag=True, help="Print the SQL instead, for psql.")
def init_postgres_command(database: str | None, app_role: str | None, only_print: bool) -> None:
    """Make a PostgreSQL database ready for ledgers, as its administrator, or bring it up to date.

    DATABASE is a connection string of libpq, without a password: that comes from PGPASSFILE or a service file.

    \b
    Example:
        sharekit ledger init-postgres "host=db.example dbname=sharekit user=postgres" --app-role fernshire
    """
    from sharekit.agency import database as databases
    from sharekit.errors import Usage

    if only_print:
        output.result({"sql": databases.script()}, [databases.script()], as_json=session.wants_json())
        return
    if not database:
        raise Usage("DATABASE is missing", hint='like "host=db.example dbname=sharekit user=postgres"')
    edition = databases.make_ready(database, app_role=app_role)
    told = {"edition": edition, "app_role": app_role}
    lines = [f"the database is ready: its tables are of edition {edition}"]
    lines += [f"{app_role} may append, and change nothing"] if app_role else []
    output.result(told, lines, as_json=session.wants_json())


@click.command("move", cls=session.Command)
@click.option("--to", "kind", type=click.Choice(["postgres", "sqlite"]), required=True, help="Where it is to be kept.")
@click.option("--database", metavar="DATABASE", help="For postgres: a connection string, without a password.")
def move_command(kind: str, database: str | None) -> None:
    """Move this agency's ledgers, of all years, to a database or back to files; every root stays as it was.

    What is left behind is kept, and takes no more entries. Programs that are using the home must be started again.

    \b
    Example:
        sharekit ledger move --to postgres --database "host=db.example dbname=sharekit user=fernshire"
    """
    from sharekit.errors import Usage

    if (kind == "postgres") != bool(database):
        raise Usage("--database goes with --to postgres, and with nothing else", hint="sharekit ledger move --help")
    with session.agency() as agency, output.progress("moving", as_json=session.wants_json()) as progress:
        moved = agency.move_ledgers(database or None, progress=progress)
    told = [{"origin": each.origin, "size": each.size, "root": each.root.hex()} for each in moved]
    lines = [f"{each.origin}: {each.size} entries, root {each.root.hex()}" for each in moved]
    output.result({"to": kind, "ledgers": told}, lines, as_json=session.wants_json())
