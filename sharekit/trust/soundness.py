"""What must be so of a card before it is pinned, and what a person should know of one that is.

A card proves only that one hand made it. Here is what can be told without knowing that hand: that it is whole, that
no key on it is two things at once or somebody else's, and that its name is not another's in other letters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from datetime import datetime, timedelta

from sharekit.domain import vocabulary
from sharekit.domain.display import is_plain_line
from sharekit.domain.identifiers import is_phone
from sharekit.errors import NotTrusted
from sharekit.trust.cards import Card

__all__ = ["check", "faults", "folded", "is_name", "keys_of", "seen_as"]

AHEAD = timedelta(days=1)  # how far another machine's clock may be before this one's
MOST = 200  # letters of a name
_ANEW = "telephone the agency, by a number that is not from the card, and ask for a card made anew"
_ALIKE = str.maketrans("oil", "011")  # letters that are read for a digit, after folding


def folded(org_id: str) -> str:
    """An organisation's id as it is compared: the letters without their case."""
    return org_id.casefold()


def seen_as(card: Card) -> tuple[str, str]:
    """What an eye sees of a card's id and of its name: two cards that share either can be taken for each other.

    Of an id, O is seen as 0, I and l as 1, rn as m, vv as w, and no dots or dashes.
    """
    plain = folded(card.org_id).replace("rn", "m").replace("vv", "w")
    seen = "".join(letter for letter in plain.translate(_ALIKE) if letter.isalnum())
    return seen, " ".join(unicodedata.normalize("NFKC", card.name).casefold().split())


def is_name(text: str) -> bool:
    """Whether a text can stand as a name: one line, at most 200 letters, and nothing in it that cannot be seen."""
    return is_plain_line(text) and text.strip() == text and len(text) <= MOST


def faults(card: Card) -> Iterator[str]:
    """What is wrong with a card taken alone, each as the end of a sentence about it."""
    if card.org_type not in {term.code for term in vocabulary.load("org-types")}:
        yield "it names a type of organisation that nobody defined"
    if not is_name(card.name):
        yield "its name holds what cannot be seen"
    if not all(is_phone(number) for number in (card.phone, card.out_of_hours_phone) if number is not None):
        yield "its telephone number is none"
    keys = keys_of(card)
    if len(set(keys)) < len(keys):
        yield "one of its keys is used for two things"


def keys_of(card: Card) -> list[bytes]:
    """Every key on a card as 32 bytes or more: of the hybrid one also the part that a classical key could be."""
    classical = [card.classical_opening] if card.classical_opening else []
    return [card.signing, card.log_key, card.opening, card.opening[-32:], *classical]


def check(card: Card, *, now: datetime | None = None) -> None:
    """Return only if a card may be pinned, at `now` where that is known, as far as it tells itself; NotTrusted."""
    for fault in faults(card):
        raise NotTrusted(f"the card of {card.org_id} is not sound: {fault}", hint=_ANEW)
    if now is not None and card.issued > now + AHEAD:
        raise NotTrusted(
            f"the card of {card.org_id} was issued in the future",
            hint="compare this machine's clock with theirs; one of the two is wrong",
        )
