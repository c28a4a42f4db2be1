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
    answer: str = click.prompt("new passphrase", hide_input=True, confirmation_prompt=True, err=True)
    return answer


@click.command("card", cls=session.Command)
@click.option("-o", "out", metavar="FILE", help="Where to write it; without, standard output.")
def card_command(out: str | None) -> None:
    """Write this agency's signed public card, to give to partners.

    \b
    Example:
        sharekit card -o fernshire.card
    """
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
