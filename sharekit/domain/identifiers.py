"""Identifiers of a child as they are recorded, however they were written."""

from __future__ import annotations

import re

from sharekit.domain import validation, vocabulary
from sharekit.errors import FieldInvalid, Usage

__all__ = ["identifier_value"]


def identifier_value(scheme: str, value: str) -> str:
    """The identifier that is recorded for what somebody wrote, be it with spaces, hyphens or small letters.

    Raises Usage for a scheme that no identifier has, FieldInvalid where its check digit or letter is wrong.
    """
    forms = {
        term.more["scheme"]: term.more.get("format") for term in vocabulary.load("identifiers") if "scheme" in term.more
    }
    if scheme not in forms:
        raise Usage("that is not a scheme of identifiers", hint=f"use one of: {', '.join(sorted(forms))}")
    form = forms[scheme]
    if form is None:
        return value.strip()
    plain = re.sub(r"[\s-]", "", value).upper()
    if not validation.fits(form, plain):
        raise FieldInvalid("the identifier does not have the right form", hint="compare it digit by digit")
    return plain
