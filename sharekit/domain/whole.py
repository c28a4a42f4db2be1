"""What leaves is whole, and so is what arrives: the one declaration by which both ends look at a share.

A required part is there, or it is named among what was left out and no purpose of the share reveals it, or it is owed
because somebody is in danger now. What is there is needed, and may come from whoever sent it. A share that was sealed
under another edition of its profile is held to what every edition requires.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from sharekit.domain.profile import Profile, check_needs
from sharekit.domain.terms import ShareTerms, copied
from sharekit.errors import FieldMissing

__all__ = ["check", "owed", "same_edition"]


def check(
    kind: Profile, fields: dict[str, Any], terms: ShareTerms, *, left_out: Collection[str], sender_type: str | None
) -> None:
    """Return only if `fields`, valid for their profile, are whole, minimal and needed, and may come from that type.

    `left_out` are the dotted paths of what the sender's data held besides; with `sender_type` None it is not asked
    from whom they come. Raises FieldMissing, NotMinimal.
    """
    missing = owed(kind, fields, terms, left_out=left_out)
    if missing and not terms.emergency:
        raise FieldMissing(f'data: "{missing[0]}" is missing')
    if not same_edition(kind, terms):
        return
    kind.check_minimal(fields, terms.purposes)
    if sender_type is not None:
        kind.check_source(fields, sender_type)
    if not terms.urgent:  # an urgent share owes the sentences of need
        check_needs(kind, fields, terms.need)


def owed(kind: Profile, fields: Mapping[str, Any], terms: ShareTerms, *, left_out: Collection[str]) -> tuple[str, ...]:
    """The dotted paths of the required parts that neither stand in `fields` nor were rightly left out."""
    gaps = [path for path in left_out if _may_lack(kind, terms, path)]
    tried = [_with_gaps(fields, gaps, gap) for gap in _GAPS] if gaps else [fields]
    absent = [{".".join(path) for path in kind.absent(each)} for each in tried]
    return tuple(sorted(set.intersection(*absent)))


def _may_lack(kind: Profile, terms: ShareTerms, path: str) -> bool:
    """Whether a share may lack what stands at a dotted path: a field that no purpose of the share reveals."""
    if not kind.has(".".join(name for name in path.split(".") if not name.isdigit())):
        return False
    return not (same_edition(kind, terms) and kind.reveals(path, terms.purposes))


def same_edition(kind: Profile, terms: ShareTerms) -> bool:
    """Whether the share goes by the edition of the profile that is known here; so does one that is not sealed yet."""
    return bool(terms.json.get("profile_version", kind.version) == kind.version)


# --- gaps: nobody knows what was left out, so a part is missed only if it is needed whatever stood there ---

_GAPS: tuple[Any, ...] = (None, [], {})
_POSITION = re.compile(r"\d{1,5}\Z", re.ASCII)


def _with_gaps(fields: Mapping[str, Any], left_out: Collection[str], gap: Any) -> dict[str, Any]:
    """A copy of `fields` with a gap in every place from which something was left out."""
    found: dict[str, Any] = copied(dict(fields))
    for path in left_out:
        *outer, last = path.split(".")
        inside: Any = found
        for name in outer:
            inside = _inside(inside, name)
        if type(inside) is dict:
            inside.setdefault(last, copied(gap))
    return found


def _inside(value: Any, name: str) -> Any:
    if type(value) is list:
        return value[int(name)] if _POSITION.match(name) and int(name) < len(value) else None
    return value.setdefault(name, {}) if type(value) is dict else None
