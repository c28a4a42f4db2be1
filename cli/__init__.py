"""The command line: read input, call one library function, hand the result to `output`.

Commands are imported when they are used, so that `sharekit --help` loads click and nothing else.
"""

from __future__ import annotations

import signal
import sys

try:
    import click

    from .options import Group
    from .running import run
except KeyboardInterrupt:  # before anything is there that could tell of it
    sys.exit("error [unexpected]: stopped before it was done")

_COMMANDS = {
    "init": ("home", "Make this agency's home: keys, card, vault and ledger."),
    "card": ("home", "Write this agency's signed public card, or renew it."),
    "keys": ("keys", "Change the passphrase, and provide for a lost one."),
    "doctor": ("home", "Say what this machine and home can and cannot promise."),
    "trust": ("trust", "Pin, show and revoke the cards of partners."),
    "decide": ("decisions", "Record a decision to share, not to share or to wait."),
    "overdue": ("decisions", "List reviews and discussions that are due."),
    "advice-brief": ("decisions", "Ask for advice without naming the child."),
    "profiles": ("meaning", "Show what may be shared, field by field."),
    "vocab": ("meaning", "Show the codes, with definition and source."),
    "check": ("check", "Say what sealing would say, golden rule by golden rule."),
    "explain": ("check", "Say what a rule asks for, its source and the way through."),
    "seal": ("share", "Seal DATA under TERMS for one or more agencies."),
    "inspect": ("share", "Show the structure of an untrusted packet."),
    "verify": ("share", "Check signature, sender, addressees, dates, integrity."),
    "open": ("share", "Open a packet for a stated purpose."),
    "policy": ("policy", "Show, try and set this agency's own policy."),
    "receive": ("receipts", "Take in a packet, a receipt or a checkpoint from a partner."),
    "receipts": ("receipts", "What is known of a packet: delivered, verified, opened, refused."),
    "retention": ("retention", "What is due to be destroyed, legal holds, and destroying on the record."),
    "ledger": ("ledger", "Read, verify, prove and export this agency's record."),
    "audit": ("audit", "Verify an agency's export independently, and ask what auditors ask."),
}


@click.group(cls=Group, commands_table=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sharekit")
def app() -> None:
    """Share the few facts that keep a child safe: signed, encrypted, for a purpose, and on the record.

    \b
    Example:
        sharekit init --org-id E10999001 --org-type local-authority-csc \\
            --name "Fernshire County Council" --phone "01632 960101" --no-passphrase
    """


def main() -> None:
    """Run the command line and exit with the code of SPEC.md section 10."""
    for name in ("SIGTERM", "SIGHUP", "SIGBREAK"):  # as Ctrl-C does, so that no half-written file stays behind
        if hasattr(signal, name):  # no system has all three
            signal.signal(getattr(signal, name), signal.default_int_handler)
    sys.exit(run(app, sys.argv[1:]))
