"""`policy show`, `check`, `set`: what this agency does otherwise than the shipped policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from . import output, session

if TYPE_CHECKING:
    from sharekit import LocalPolicy


@click.group("policy", cls=session.Group)
def policy_command() -> None:
    """Show, try and set this agency's own policy: stricter as it likes, looser only signed and on the record.

    \b
    Example:
        sharekit policy show
    """


@policy_command.command("show")
def show() -> None:
    """What is in force here, and what of it is otherwise than shipped.

    \b
    Example:
        sharekit policy show
    """
    with session.agency() as agency:
        policy, since = agency.local_policy.in_force(), agency.local_policy.set_at()
    told = _told(policy) | {"set_at": output.moment(since) if since else None}
    output.result(told, [_standing(policy, told["set_at"]), *_lines(policy)], as_json=session.wants_json())


@policy_command.command("check")
@click.argument("file")
def check(file: str) -> None:
    """Try a policy FILE: what it would change, and what of it is looser; nothing is set.

    \b
    Example:
        sharekit policy check policy.toml
    """
    from sharekit.agency import trial

    policy = trial.policy(session.read(file, what="the policy"))
    lines = _lines(policy) or ["nothing in it is otherwise than shipped"]
    if policy.loosens:
        lines.append("what is looser counts only if it is set with --loosen: it is signed and recorded")
    output.result(_told(policy), lines, as_json=session.wants_json())


@policy_command.command("set")
@click.argument("file")
@click.option("--reason", required=True, metavar="TEXT", help="Why; it is kept sealed in this home.")
@click.option("--loosen", is_flag=True, help="What is looser in it is meant.")
def set_(file: str, reason: str, loosen: bool) -> None:
    """Take a policy FILE into use: signed by this agency, and recorded before it takes effect.

    \b
    Example:
        sharekit policy set policy.toml --reason "Agreed by the board on 3 November" \\
            --as "Lee XXTEST-Varley" --role caldicott-guardian
    """
    data = session.read(file, what="the policy")
    with session.agency(unlocked=True) as agency:
        change = agency.local_policy.loosen if loosen else agency.local_policy.tighten
        entry = change(data, reason=reason)
        policy = agency.local_policy.in_force()
    lines = [*_lines(policy), f"set, and recorded as entry {entry}"]
    output.result(_told(policy) | {"entry": entry}, lines, as_json=session.wants_json())


def _told(policy: LocalPolicy) -> dict[str, Any]:
    changes = [
        {"place": each.place, "shipped": each.shipped, "here": each.here, "looser": each.looser}
        for each in policy.changes
    ]
    return {
        "policy": "local" if policy.digest else "shipped",
        "digest": policy.digest.hex() if policy.digest else None,
        "looser": policy.loosens,
        "changes": changes,
    }


def _standing(policy: LocalPolicy, set_at: str | None) -> str:
    if policy.digest is None:
        return "the shipped policy, unchanged"
    how = f"set on {set_at}" if set_at else "written by hand, and nowhere looser"
    return f"this agency's own policy, {how}; SHA-256 {policy.digest.hex()}"


def _lines(policy: LocalPolicy) -> list[str]:
    return [str(change) for change in policy.changes]
