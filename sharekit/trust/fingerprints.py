"""Fingerprints as people read them out and paste them."""

from __future__ import annotations

from sharekit.domain import forms
from sharekit.errors import NotTrusted

__all__ = ["check", "read"]


def read(text: str) -> bytes:
    """The 32 bytes of a fingerprint, in whatever form it was pasted or typed.

    NotTrusted, saying what is wanted, for what cannot be read.
    """
    digits = forms.canonical("fingerprint", text)
    if digits is None:
        raise NotTrusted("the fingerprint cannot be read", hint=forms.wanted("fingerprint"))
    return bytes.fromhex(str(digits))


def check(text: str, fingerprint: bytes) -> None:
    """Return only if `text` is this fingerprint of 32 bytes; NotTrusted if it is another, or cannot be read."""
    if read(text) != fingerprint:
        raise NotTrusted("the fingerprint is not that of this card")
