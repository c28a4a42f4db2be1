"""Identifiers of a child as they are recorded, however they were written."""

from __future__ import annotations

import re

from sharekit.domain import validation, vocabulary
from sharekit.errors import FieldInvalid, Usage

__all__ = ["identifier_value"]


def identifier_value(scheme: str, value: str) -> str:
    """An identifier as it is recorded, however it was written: with spaces, or in small letters."""
    schemes = {term.more["scheme"]: term.more for term in vocabulary.load("identifiers") if "scheme" in term.more}
    if scheme not in schemes:
        raise Usage("that is not a scheme of identifiers", hint=f"use one of: {', '.join(sorted(schemes))}")
    form = schemes[scheme].get("format")
    if form is None:
        return value.strip()
    plain = re.sub(r"[\s-]", "", value).upper()
    if not validation.fits(form, plain):
        raise FieldInvalid("the identifier does not have the right form", hint="compare it digit by digit")
    return plain
