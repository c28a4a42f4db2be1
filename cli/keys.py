"""`keys passphrase`, `recovery`: how this agency's own keys are locked, and the way back when a passphrase is lost."""

from __future__ import annotations

import click

from . import output, session

LARGEST = 64 * 1024  # bytes of a copy

_NEW = click.option(
    "--new-passphrase-file", "new", metavar="FILE", help="Where the new passphrase stands; else it is asked for."
)
_NONE = click.option("--no-passphrase", "none", is_flag=True, help="Leave the keys unprotected on this disk.")


@click.group("keys", cls=session.Group)
def keys_command() -> None:
    """Change the passphrase of this agency's keys, and provide for the day when it is lost.

    \b
    Example:
        sharekit keys passphrase
    """


@keys_command.command("passphrase")
@_NEW
@_NONE
def passphrase(new: str | None, none: bool) -> None:
    """Lock the keys with another passphrase; --no-passphrase takes it away.

    The old one is asked for, or read from --passphrase-file. Backups made before still open with the old one.

    \b
    Example:
        sharekit keys passphrase
        sharekit keys passphrase --passphrase-file old.txt --new-passphrase-file new.txt
    """
    with session.agency(unlocked=True) as agency:
        agency.own_keys.set_passphrase(words := session.new_passphrase(new, none=none))
    if words is None:
        output.say("warning: the keys have no passphrase; whoever can read this disk can open and sign")
    told = "the keys have a new passphrase" if words is not None else "the keys have no passphrase any more"
    output.result({"protected": words is not None}, [told], as_json=session.wants_json())


@keys_command.command("recovery")
@click.option("-o", "out", metavar="FILE", help="Make a copy of the keys, and print the secret that opens it.")
@click.option("--to", "partner", metavar="ORG", help="With -o: let this partner hold the secret, and print none.")
@click.option("--reveal", metavar="FILE", help="Print the secret of a partner's copy that was made for this agency.")
@click.option("--restore", metavar="FILE", help="Lock the keys of this home anew, from its copy and the secret.")
@_NEW
@_NONE
def recovery(
    out: str | None, partner: str | None, reveal: str | None, restore: str | None, new: str | None, none: bool
) -> None:
    """A copy of the keys for the day when the passphrase is lost.

    Make one with -o, write the secret on paper, and keep the two apart. With --to a partner keeps the secret instead of
    paper. A file that is there already stays as it is: the secret on paper opens that copy and no other. When the
    passphrase is lost: --restore asks for the secret and a new passphrase; a partner finds the secret with --reveal,
    and reads it out over a telephone line already known.

    \b
    Example:
        sharekit keys recovery -o fernshire.recovery
        sharekit keys recovery --restore fernshire.recovery
        sharekit keys recovery -o fernshire.recovery --to ZZQ01
        sharekit keys recovery --reveal fernshire.recovery
    """
    from sharekit.errors import Usage

    if sum(name is not None for name in (out, reveal, restore)) != 1 or (partner is not None and out is None):
        raise Usage("say what to do: -o FILE, --reveal FILE or --restore FILE", hint="sharekit keys recovery --help")
    if out is not None:
        _make(out, partner)
    elif reveal is not None:
        _reveal(reveal)
    else:
        _restore(str(restore), new, none=none)


def _make(out: str, partner: str | None) -> None:
    from sharekit.agency.keys import spelled

    with session.agency(unlocked=True) as agency, session.new_file(out, what="the copy") as deliver:
        made = agency.own_keys.recovery_copy(partner)
        deliver(made.data)
    secret = spelled(made.secret) if partner is None else None
    kept = f"{partner} can find its secret; keep the copy yourself"
    written = "write it on paper, keep it apart from the copy, and show it to nobody"
    lines = [f"secret: {secret}", written] if secret else [kept]
    told = {"path": out, "partner": partner, "secret": secret}
    if out == "-":
        for line in lines:
            output.say(line)
    else:
        output.result(told, lines, as_json=session.wants_json())


def _reveal(name: str) -> None:
    from sharekit.agency.keys import spelled

    data = session.read(name, what="the copy", limit=LARGEST)
    with session.agency(unlocked=True) as agency:
        secret = spelled(agency.own_keys.recovery_secret(data))
    output.say("read it out to them alone, over a telephone number you already hold")
    output.result({"secret": secret}, [f"secret: {secret}"], as_json=session.wants_json())


def _restore(name: str, new: str | None, *, none: bool) -> None:
    from sharekit import Agency

    data = session.read(name, what="the copy", limit=LARGEST)
    secret = session.secret("secret", None)
    words = session.new_passphrase(new, none=none)
    Agency.recover(session.home(), data, secret, words, **session.actor()).close()
    lines = [
        "the keys of this home open again, with the new passphrase" if words else "the keys of this home open again"
    ]
    output.result({"protected": words is not None}, lines, as_json=session.wants_json())
