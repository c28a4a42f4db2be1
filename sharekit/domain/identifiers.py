"""Identifiers of a child as they are recorded, however they were written, and the forms that schemas call by name."""

from __future__ import annotations

import re
from collections.abc import Callable

from sharekit.domain import forms, vocabulary
from sharekit.errors import FieldInvalid, Usage

__all__ = ["FORMATS", "identifier_value", "is_nhs_number", "is_phone", "is_upn"]

_PHONE = re.compile(r"(?=(?:[^0-9]*[0-9]){7})\+?[0-9][0-9 ()-]{5,22}[0-9](?: (?:ext|x) ?[0-9]{1,6})?\Z")
_UPN_CHECK_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"
_UPN = re.compile(r"[A-Z][0-9]{11}[0-9A-Z]\Z")
_ROUGH_DAY = re.compile(r"(?:19|20)[0-9]{2}(?:-[0-9]{2}){0,2}\Z")
_UNKNOWN = "unknown"


def identifier_value(scheme: str, value: str) -> str:
    """The identifier that is recorded for what somebody wrote, be it with spaces, hyphens or small letters.

    Raises Usage for a scheme that no identifier has, FieldInvalid where its form or its check digit is wrong, or it
    is nobody's.
    """
    known = {
        term.more["scheme"]: term.more.get("format") for term in vocabulary.load("identifiers") if "scheme" in term.more
    }
    if scheme not in known:
        raise Usage("that is not a scheme of identifiers", hint=f"use one of: {', '.join(sorted(known))}")
    form = known[scheme]
    if form is None:
        return str(forms.needed("reference", value, "the identifier"))
    plain = str(forms.needed(form, value, "the identifier"))
    if not FORMATS[form](plain):
        raise FieldInvalid("the identifier does not have the right check digit", hint="compare it digit by digit")
    if forms.is_placeholder(form, plain):
        raise FieldInvalid("the identifier is a placeholder, and nobody's", hint="leave it out where there is none")
    return plain


def is_nhs_number(value: str) -> bool:
    """Ten digits whose modulus 11 check digit is right; the 999 range, never issued, is for tests."""
    from nhs_number.validate import is_valid  # late, as the validator below: many commands validate nothing

    ten_digits = len(value) == 10 and value.isascii() and value.isdigit()
    return ten_digits and bool(is_valid(value))


def is_upn(value: str) -> bool:
    """Whether a text is a unique pupil number: a check letter, 11 digits, and a digit or letter; capitals, no spaces.

    The letter checks the rest, weights 2 to 13, modulus 23.
    """
    if not _UPN.match(value):
        return False
    digits = [int(c) if c.isdigit() else _UPN_CHECK_LETTERS.find(c) for c in value[1:]]
    if min(digits) < 0:
        return False
    return _UPN_CHECK_LETTERS[sum(d * w for d, w in zip(digits, range(2, 14), strict=True)) % 23] == value[0]


def is_phone(value: str) -> bool:
    """A telephone number as people write it; at least seven digits."""
    return bool(_PHONE.match(value))


def is_rough_day(value: str) -> bool:
    """A day, a month, a year, or the word "unknown", for what is seldom known better."""
    return value == _UNKNOWN or (bool(_ROUGH_DAY.match(value)) and forms.canonical("rough-day", value) == value)


FORMATS: dict[str, Callable[[str], bool]] = {
    "nhs-number": is_nhs_number,
    "upn": is_upn,
    "phone": is_phone,
    "rough-day": is_rough_day,
}
