"""The second identifier: what whoever opens a packet knows already, held against what the packet holds.

Which are asked for is data: `confirm` in a profile, and what a local policy asks for besides. A name may stand for
several fields (a date of birth: the child's, or before the birth the mother's), so that the question tells nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sharekit.domain import forms
from sharekit.domain.profile import Profile
from sharekit.domain.validation import values_at
from sharekit.errors import IdentityMismatch

__all__ = ["DIFFERS", "check", "check_readable"]

DIFFERS = "second-identifier"  # the rule of a refusal because what somebody gave is not what the packet holds


def check(kind: Profile, fields: Mapping[str, Any], confirm: Mapping[str, str], *, also: Collection[str] = ()) -> None:
    """Return only if `confirm` has every second identifier that is asked for, and all match; IdentityMismatch.

    `confirm` maps a name to the value that somebody knows already. Where the packet holds none of the fields of a
    name, nothing matches. A local policy asks besides for the fields at the dotted paths in `also`, if the packet
    holds them.
    """
    for name, places in _asked(kind, [path for path in also if _value_at(fields, path) is not None]).items():
        if not confirm.get(name, "").strip():
            raise IdentityMismatch(
                "a second identifier is needed before anything is shown",
                hint=f"add --confirm {name}, which asks for it",
            )
        form = _form_of(kind, places[0])
        said, known = forms.comparable(form, confirm[name]), [_value_at(fields, place) for place in places]
        if said is None or said not in [forms.comparable(form, value) for value in known if isinstance(value, str)]:
            raise IdentityMismatch("the second identifier does not match", rule=DIFFERS)


def check_readable(kind: Profile, confirm: Mapping[str, str], *, also: Collection[str] = ()) -> None:
    """Return only if every second identifier in `confirm` that is asked for can be read; FieldInvalid otherwise.

    What cannot be read is no mismatch: it tells nothing of who somebody is.
    """
    for name, places in _asked(kind, also).items():
        if confirm.get(name, "").strip():
            forms.needed(_form_of(kind, places[0]), confirm[name], f'the second identifier "{name}"')


def _asked(kind: Profile, also: Collection[str]) -> Mapping[str, list[str]]:
    """Every name that is asked for, with the dotted paths of its fields; `also` are names that are paths."""
    asked: Mapping[str, list[str]] = {path: [path] for path in also} | kind.about.get("confirm", {})
    return asked


def _form_of(kind: Profile, path: str) -> str:
    """The form of the field at a dotted path, as `forms` knows it."""
    return str((kind.node_at(path) or {}).get("x-form", "line"))


def _value_at(fields: Mapping[str, Any], path: str) -> Any:
    return next(values_at(fields, path.split(".")), None)
