"""Passphrases: the same words are the same, on whatever keyboard they were typed (RFC 8265, OpaqueString)."""

from __future__ import annotations

import unicodedata

from sharekit.errors import Usage

__all__ = ["check_new", "forms", "normalised"]

SHORTEST, LEAST_DIFFERENT = 8, 3  # letters of a new one, and how many different ones
_HINT = f"at least {SHORTEST} letters; four words that you remember are better than one word with digits"


def normalised(words: str) -> str:
    """The one form of a passphrase: composed letters, and every kind of blank as a space. Capitals stay."""
    plain = "".join(" " if unicodedata.category(letter) == "Zs" else letter for letter in words)
    return unicodedata.normalize("NFC", plain)


def forms(words: str) -> list[str]:
    """Under which forms a key file may have been sealed, each once: as typed, in the one form, and decomposed."""
    return list(dict.fromkeys([words, normalised(words), unicodedata.normalize("NFD", words)]))


def check_new(words: str) -> None:
    """Return only if somebody may take this as a new passphrase; Usage otherwise. One in use goes on."""
    from sharekit.domain.display import shows_all  # late: whoever reads packets loads no meaning

    plain = normalised(words)
    if not shows_all(plain):  # what was pasted with it cannot be typed again
        raise Usage("the passphrase holds what nobody can see", hint="one line of letters, digits, signs and spaces")
    if len(plain.strip()) < SHORTEST or len(set(plain)) < LEAST_DIFFERENT:
        raise Usage("the passphrase is too short", hint=_HINT)
