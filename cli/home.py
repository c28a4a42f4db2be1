"""`init`, `card`, `doctor`: this agency's own home."""

from __future__ import annotations

import click

from . import output, session


@click.command("init", cls=session.Command)
@click.option("--org-id", required=True, help="The organisation's code, for example E10999001.")
@click.option("--org-type", required=True, help="Its type: sharekit vocab org-types.")
@click.option("--name", required=True, help="Its name, as partners know it.")
@click.option("--phone", required=True, help="Where partners can call back.")
@click.option("--out-of-hours-phone", help="Where they can call at night.")
@click.option("--classical", is_flag=True, help="Also make a key for partners without post-quantum cryptography.")
@click.option("--no-passphrase", is_flag=True, help="Leave the keys unprotected on this disk.")
def init_command(
    org_id: str,
    org_type: str,
    name: str,
    phone: str,
    out_of_hours_phone: str | None,
    classical: bool,
    no_passphrase: bool,
) -> None:
    """Make this agency's home: keys, card, vault, and a ledger with its first entry.

    \b
    Example:
        sharekit init --org-id ZZQ01 --org-type nhs-acute --name "Quillbrook University Hospitals" \\
            --phone "01632 960301" --passphrase-file pass.txt
    """
    from sharekit import Agency, Card

    words = _new_passphrase(no_passphrase)
    agency = Agency.create(
        session.home(),
        org_id=org_id,
        org_type=org_type,
        name=name,
        phone=phone,
        out_of_hours_phone=out_of_hours_phone,
        classical=classical,
        passphrase=words,
        **session.actor(),
    )
    digest = Card.parse(agency.card()).fingerprint
    demonstration = agency.demonstration
    agency.close()
    if words is None:
        output.say("warning: the keys have no passphrase; whoever can read this disk can open and sign")
    if demonstration:
        output.say("warning: SHAREKIT_NOW is set, so this home is a demonstration and live homes refuse its card")
    output.result(
        {"org_id": org_id, "home": str(session.home()), "fingerprint": digest.hex(), "demonstration": demonstration},
        [f"made the home of {org_id}", f"fingerprint of its card: {output.fingerprint(digest)}"],
        as_json=session.wants_json(),
    )


def _new_passphrase(no_passphrase: bool) -> str | None:
    from sharekit.errors import Usage, WrongPassphrase

    words = session.passphrase()
    if no_passphrase and words is not None:
        raise Usage("--no-passphrase and a passphrase file exclude each other", hint="choose one of them")
    if no_passphrase or words is not None:
        return words
    if not session.is_attended():
        raise WrongPassphrase("the new keys need a passphrase", hint="--passphrase-file FILE, or --no-passphrase")
    return session.asked_passphrase()


@click.group("card", cls=session.Group, invoke_without_command=True)
@click.option("-o", "out", metavar="FILE", help="Where to write it; without, standard output.")
@click.pass_context
def card_command(context: click.Context, out: str | None) -> None:
    """Write this agency's signed public card, to give to partners; or make a new one with `card renew`.

    \b
    Example:
        sharekit card -o fernshire.card
    """
    from sharekit.errors import Usage

    if context.invoked_subcommand is None:
        _write_card(out)
    elif out is not None:
        raise Usage("-o goes with sharekit card alone", hint="sharekit card renew, then: sharekit card -o FILE")


@card_command.command("renew")
@click.option("--name", help="What the agency is called from now on.")
@click.option("--phone", help="Where partners can call back from now on.")
@click.option("--out-of-hours-phone", help='Where they can call at night from now on; "" for nowhere.')
def renew(name: str | None, phone: str | None, out_of_hours_phone: str | None) -> None:
    """Make a new card for the same keys, issued now; partners believe it once they have added it.

    \b
    Example:
        sharekit card renew --phone "01632 960302"
    """
    from sharekit import Card

    with session.agency(unlocked=True) as agency:
        data = agency.own_keys.renew_card(name=name, phone=phone, out_of_hours_phone=out_of_hours_phone)
    card = Card.parse(data)
    output.say("give it to every partner: sharekit card -o FILE; they add it with its fingerprint")
    lines = [f"a new card of {card.org_id}", f"fingerprint: {output.fingerprint(card.fingerprint)}"]
    told = {name: getattr(card, name) for name in ("org_id", "name", "phone", "out_of_hours_phone")}
    told["fingerprint"] = card.fingerprint.hex()
    output.result(told, lines, as_json=session.wants_json())


def _write_card(out: str | None) -> None:
    import base64

    from sharekit import Card
    from sharekit.errors import Usage

    with session.agency() as agency:
        data = agency.card()
    digest = Card.parse(data).fingerprint
    if out is None and not session.wants_json():
        if output.is_terminal():
            raise Usage("a card is not for a terminal", hint="name a file with -o")
        out = "-"
    if out is not None:
        with session.destination(out, what="the card") as deliver:
            deliver(data)
    told = {"org_id": Card.parse(data).org_id, "fingerprint": digest.hex(), "path": out}
    if out is None:
        told["card"] = base64.b64encode(data).decode()
    if out != "-":
        output.result(told, [f"fingerprint: {output.fingerprint(digest)}"], as_json=session.wants_json())


@click.command("doctor", cls=session.Command)
@click.option("--full", is_flag=True, help="Verify every entry of every year, and not only the newest.")
def doctor_command(full: bool) -> int:
    """Say what this machine and home can and cannot promise; the exit code is that of the worst it finds: 0 for what
    you may have wanted so, 3 for keys and cards, 6 for the record.

    \b
    Example:
        sharekit doctor --full
    """
    from sharekit.agency import doctor

    report = doctor.examine(session.home() if session.has_home() else None, full=full)
    lines = [f"{check.name}: {check.found}{f' ({check.why})' if check.why else ''}" for check in report]
    rows = [(check.name, check.found, check.why) for check in report]
    listing = output.Listing(("what", "as it is", "why, or what to do"), rows, lines)
    told = {check.name: {"found": check.found, "why": check.why, "good": check.good} for check in report}
    output.result(told, [listing], as_json=session.wants_json())
    return doctor.worst(report)
