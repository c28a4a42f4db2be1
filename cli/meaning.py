"""`profiles` and `vocab`: what may be shared, and what the codes mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from . import output, session

if TYPE_CHECKING:
    from sharekit import Profile, Term


@click.group("profiles", cls=session.Group, invoke_without_command=True)
@click.pass_context
def profiles_command(context: click.Context) -> None:
    """Show what may be shared: the profiles, or one of them field by field.

    \b
    Example:
        sharekit profiles
    """
    if context.invoked_subcommand is None:
        from sharekit.agency import shipped

        found = shipped.kinds()
        told = [kind._asdict() for kind in found]
        rows = [(kind.name, kind.title) for kind in found]
        listing = output.Listing(("profile", "what is shared"), rows, ["  ".join(row) for row in rows])
        output.result({"profiles": told}, [listing], as_json=session.wants_json())


@profiles_command.command("show")
@click.argument("name")
def show(name: str) -> None:
    """One profile: who sends and receives it, and each field with the purposes it is shown for.

    \b
    Example:
        sharekit profiles show NAME
    """
    from sharekit.agency import shipped

    kind = shipped.profile(name)
    fields = [_field(kind, field) for field in kind.fields]
    told = {"name": kind.name, "version": kind.version, "title": kind.title, "fields": fields}
    told |= {key: kind.about[key] for key in ("senders", "recipients", "never", "status") if key in kind.about}
    output.result(told, _profile_lines(kind, fields), as_json=session.wants_json())


def _field(kind: Profile, name: str) -> dict[str, Any]:
    node = kind.fields[name]
    purposes = sorted(kind.purposes_of(name))
    return {
        "name": name,
        "title": node.get("title", name),
        "description": node.get("description", ""),
        "required": name in kind.required,
        "need": bool(node.get("x-need")),
        "computed": bool(node.get("x-computed")),
        "purposes": purposes,
        "flags": node.get("x-flags", []),
    }


def _profile_lines(kind: Profile, fields: list[dict[str, Any]]) -> list[str]:
    receivers = sorted({org for group in kind.about["recipients"] for org in group["org_types"]})
    lines = [f"{kind.name}, version {kind.version}: {kind.title}", f"from: {', '.join(kind.about['senders'])}"]
    lines += [f"to: {', '.join(receivers)}", ""]
    for field in fields:
        state = "required" if field["required"] else "computed" if field["computed"] else "optional"
        lines.append(f"{field['name']} ({state}{', needs a reason' if field['need'] else ''}): {field['description']}")
        lines.append(f"    shown for: {', '.join(field['purposes']) or 'nothing; it is for the tool'}")
    never = kind.about.get("never", {})
    return lines + ([f"never: {', '.join(never)}"] if never else [])


@click.command("vocab", cls=session.Command)
@click.argument("name", required=False)
@click.argument("code", required=False)
def vocab_command(name: str | None, code: str | None) -> None:
    """Show a vocabulary's codes, or one CODE with definition and source; without NAME, the vocabularies.

    \b
    Example:
        sharekit vocab purposes
    """
    from sharekit.agency import shipped

    if name is None:
        found = [shipped.vocabulary(each) for each in shipped.vocabulary_names()]
        told: dict[str, Any] = {"vocabularies": [{"name": v.name, "title": v.title} for v in found]}
        rows = [(v.name, v.title) for v in found]
        lines: list[str | output.Listing] = [
            output.Listing(("vocabulary", "what it is for"), rows, ["  ".join(row) for row in rows])
        ]
    elif code is None:
        terms = list(shipped.vocabulary(name))
        told = {"name": name, "terms": [_term(term) for term in terms]}
        known = [(term.code, term.label, _doubt(term).strip()) for term in terms]
        plain = [f"{term.code}  {term.label}{_doubt(term)}" for term in terms]
        lines = [output.Listing(("code", "what it means", "status"), known, plain)]
    else:
        term = shipped.vocabulary(name)[code]
        told = _term(term)
        lines = [f"{term.code}: {term.label}", term.definition, f"source: {term.source}", f"status: {term.status}"]
        lines += [f"{key}: {value}" for key, value in term.more.items()]
    output.result(told, lines, as_json=session.wants_json())


def _term(term: Term) -> dict[str, Any]:
    return {
        "code": term.code,
        "label": term.label,
        "definition": term.definition,
        "source": term.source,
        "status": term.status,
        "valid_from": term.valid_from,
        "valid_to": term.valid_to,
        "broader": term.broader,
        **term.more,
    }


def _doubt(term: Term) -> str:
    return "" if term.status == "in-force" else f"  [{term.status}]"
