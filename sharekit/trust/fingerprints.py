"""Fingerprints as people read them out and paste them."""

from __future__ import annotations

import re
import unicodedata

from sharekit.errors import NotTrusted

__all__ = ["check", "read"]

_LABEL = re.compile(r"sha-?256|\w*[^\W0-9a-f_]\w*")  # a word with a letter that no fingerprint has
_BETWEEN = re.compile(r"[\W_]+")
_DIGITS = re.compile(r"[0-9a-f]*\Z")
_SIZE = 64


def read(text: str) -> bytes:
    """The 32 bytes of a fingerprint, in whatever form it was pasted or typed.

    A label before it, capitals, blanks and line breaks of every kind, colons and hyphens do not matter. NotTrusted,
    saying what is wanted, for what cannot be read.
    """
    plain = "".join(letter for letter in unicodedata.normalize("NFKC", text) if unicodedata.category(letter) != "Cf")
    digits = _BETWEEN.sub("", _LABEL.split(plain.casefold())[-1])
    if len(digits) != _SIZE or not _DIGITS.match(digits):
        raise NotTrusted(
            "the fingerprint cannot be read: it has 64 digits",
            hint="they are 0 to 9 and a to f, in groups of 4 as sharekit trust show prints them",
        )
    return bytes.fromhex(digits)


def check(text: str, fingerprint: bytes) -> None:
    """Return only if `text` is this fingerprint of 32 bytes; NotTrusted if it is another, or cannot be read."""
    if read(text) != fingerprint:
        raise NotTrusted("the fingerprint is not that of this card")
