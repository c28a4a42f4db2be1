"""Words in terms and data: every text with its place, and whether a text says what it must not say.

Spacing, punctuation, accents, full-width digits and invisible characters hide a word from a search, seldom on
purpose. So words are compared by their letters and digits, and only whole words: "Ann" is not in "planned".
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from sharekit.values import Value

__all__ = ["Secret", "Words", "has_address", "has_postcode", "is_moment", "plain", "texts", "unquoted"]

DEPTH = 32  # how deep texts are looked for
LONG = 5  # letters and digits from which on a number or postcode is found however it is broken up

_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}(-[0-9]{2}(T[0-9:.]+(Z|[+-][0-9:]+))?)?\Z")
_WORD = re.compile(r"[^\W_]+")
_QUOTED = re.compile(r"\"[^\"]*\"|\u201c[^\u201d]*\u201d|\u2018[^\u2019]*\u2019(?!\w)")
_POSTCODE = re.compile(
    r"(?<![^\W_])[a-z]{1,2}[0-9][a-z0-9]?[\W_]{0,3}[0-9][abd-hjlnp-uw-z]{2}(?![^\W_])"  # GIR 0AA aside
)
_INWARD = re.compile(r"[0-9][abd-hjlnp-uw-z]{2}(?![^\W_])")  # its second half, which is soon looked for
_INVISIBLE = ("Cf", "Mn", "Me")
_LOOKALIKES = str.maketrans(
    "\u0430\u0432\u0435\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u0456\u0458\u0455"  # Cyrillic
    "\u03b1\u03b2\u03b5\u03b6\u03b7\u03b9\u03ba\u03bc\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7"  # Greek
    "\u0131\u0142\u00f8\u0111\u00f0",  # that have no accent to take off
    "abekmhopctyxijsabezhikmnoptyxilodd",
    "\u115f\u1160\u3164",  # letters that show nothing
) | str.maketrans({"\u00e6": "ae", "\u0153": "oe", "\u00fe": "th"})


def texts(value: object) -> list[tuple[str, str]]:
    """The dotted path of every text in a JSON value, and the text; nothing that is valid is deeper than is looked."""
    found: list[tuple[str, str]] = []
    _collect(value, "", found, DEPTH)
    return found


def _collect(value: object, path: str, found: list[tuple[str, str]], depth: int) -> None:
    if isinstance(value, str):
        found.append((path, value))
    elif not depth:
        return
    elif isinstance(value, dict | Mapping):
        for name, item in value.items():
            _collect(item, f"{path}.{name}" if path else str(name), found, depth - 1)
    elif isinstance(value, list | tuple):
        for position, item in enumerate(value):
            _collect(item, f"{path}.{position}", found, depth - 1)


def plain(text: str) -> str:
    """The text as it is compared: without capitals, accents, invisible characters, or lookalikes of our letters."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    shown = (each for each in folded if unicodedata.category(each) not in _INVISIBLE)
    return "".join(_digit(each) for each in shown).translate(_LOOKALIKES)


def _digit(character: str) -> str:
    """A digit of another script as one of ours, any other character as it is."""
    return str(unicodedata.decimal(character)) if character.isdecimal() else character


def is_moment(text: str) -> bool:
    """Whether a text is a day, a month or a time as a machine writes it."""
    return _MOMENT.match(text) is not None


def unquoted(text: str) -> str:
    """The text without what stands in quotation marks, which are not the author's own words."""
    return _QUOTED.sub(" ", text)


def has_postcode(text: str) -> bool:
    """Whether a text has a postcode in it, with or without the space."""
    compared = plain(text)
    return _INWARD.search(compared) is not None and _POSTCODE.search(compared) is not None


def has_address(text: str, streets: tuple[str, ...], never: tuple[str, ...]) -> bool:
    """Whether a text has a house number with a street in it.

    `streets` are the words for streets (road, lane), `never` the words that are no part of a street's name.
    """
    return _address(streets, never).search(plain(text)) is not None


@functools.cache
def _address(streets: tuple[str, ...], never: tuple[str, ...]) -> re.Pattern[str]:
    name = rf"(?!(?:{'|'.join(never)})\b)[a-z'-]+"
    return re.compile(rf"\b[0-9]{{1,4}}[a-z]?,? (?:{name} ){{1,3}}(?:{'|'.join(streets)})\b")


@functools.cache
def _any_of(phrases: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf" ({'|'.join(sorted(map(re.escape, phrases), key=len, reverse=True))}) ")


class Words(Value):
    """The words of a text, in the form in which they are compared: as `plain` makes it, letters and digits alone.

    `joined` has all words without a gap, `edges` the positions in it where a word begins or ends, and `spaced` the
    words with one space before, between and after them.
    """

    joined: str
    edges: frozenset[int]
    spaced: str

    @classmethod
    def of(cls, text: str, short: Mapping[str, str] | None = None) -> Words:
        """The words of `text`; `short` maps a word to the shorter one by which it is compared (street to st)."""
        words = _WORD.findall(plain(text))
        if short:
            words = [short.get(word, word) for word in words]
        edges, length = [0], 0
        for word in words:
            length += len(word)
            edges.append(length)
        return cls("".join(words), frozenset(edges), f" {' '.join(words)} ")

    def __len__(self) -> int:
        return len(self.edges) - 1

    def without(self, phrases: tuple[str, ...]) -> Words:
        """The words without the `phrases`, which are plain words with spaces between them."""
        return Words.of(_any_of(phrases).sub("  ", self.spaced)) if self.said(phrases) else self

    @classmethod
    def fits_any_case(cls, text: str, params: Mapping[str, Any]) -> bool:
        """Whether a reason would fit any case: it has a stock phrase in it, and hardly another word.

        `params` has the most characters (`short`), the phrases (`stock`), and the most other words (`besides`).
        """
        if len(text) > params["short"]:
            return False
        words = cls.of(text)
        phrase = words.said(params["stock"])
        return phrase is not None and len(words) <= len(phrase.split()) + params["besides"]

    def said(self, phrases: tuple[str, ...]) -> str | None:
        """The first of `phrases` that stands in it as whole words, of two that begin together the longest; or None."""
        found = _any_of(phrases).search(self.spaced)
        return found[1] if found else None


class Secret(Value):
    """A word, name, number or line of an address that must not be told; `repr` does not show it.

    `forms` are the ways to write it, without gaps, `edges` where its words begin and end; `whole` is False for a
    number or postcode that is long enough to be looked for however it is broken up.
    """

    forms: tuple[str, ...]
    edges: frozenset[int]
    whole: bool

    @classmethod
    def of(cls, token: str, short: Mapping[str, str] | None = None) -> Secret:
        words = Words.of(token, short)
        broken = len(words.joined) >= LONG and any(each.isdigit() for each in words.joined)
        return cls(tuple(_numbers(words.joined)), words.edges, not broken)

    @property
    def may_be_a_date(self) -> bool:
        """Whether it is as long as a day in digits; a shorter number may stand in any time by chance."""
        return len(self.forms[0]) >= 8

    def may_be_in(self, words: Words) -> bool:
        """Whether its letters stand in the words at all, as whole words or not; a quick look before `is_in`."""
        return any(form in words.joined for form in self.forms)

    def is_in(self, words: Words) -> bool:
        """Whether the secret stands in the words as whole words."""
        return any(self._stands_in(words, form) for form in self.forms)

    def _stands_in(self, words: Words, form: str) -> bool:
        start = words.joined.find(form)
        while start >= 0:
            end = start + len(form)
            if start in words.edges and end in words.edges and self._fits(words.edges, start, end):
                return True
            start = words.joined.find(form, start + 1)
        return False

    def _fits(self, edges: frozenset[int], start: int, end: int) -> bool:
        """A number may be broken up anywhere; a name only between words or letter by letter: "as if" is no Asif."""
        if not self.whole:
            return True
        inside = {edge - start for edge in edges if start < edge < end}
        return inside <= self.edges or len(inside) == end - start - 1 > 1

    def __repr__(self) -> str:
        return "Secret()"


def _numbers(joined: str) -> Iterator[str]:
    """The ways to write a token; a telephone number also with the code of the country."""
    if joined:
        yield joined
    if joined.isdigit() and joined[0] == "0" and len(joined) >= 9:
        yield from (f"44{joined[1:]}", f"0044{joined[1:]}", f"44{joined}")
    elif joined.isdigit() and joined.startswith("44") and len(joined) >= 11:
        yield f"0{joined[2:].removeprefix('0')}"
