"""Takes out of a text whatever says who somebody is: names, numbers, addresses, dates of birth.

What is looked for is compared letter by letter and digit by digit, whatever the capitals, accents, spacing and
punctuation. It errs on the side of taking out too much. It cannot know a name that it was never told.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date

from sharekit.domain.wording import plain
from sharekit.values import Value, field

__all__ = ["Needle", "Pattern", "Scrubber", "born", "pieces", "words"]

ANYWHERE = 5  # letters and digits from which a number is found inside other words, and a name however it is spaced
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]


class Needle(Value):
    """A text to take out, as letters and digits alone, and what stands in its place; `repr` does not show it.

    `capital` is true for a common word: it is taken for a name only where it begins with a capital letter.
    """

    joined: str = field(repr=False)
    edges: frozenset[int] = field(repr=False)
    instead: str
    capital: bool = False

    @classmethod
    def of(cls, text: str, instead: str, *, common: Collection[str] = ()) -> Needle | None:
        """The needle for a text, in whose place `instead` will stand; None if the text is too short to look for."""
        parts = words(text)
        joined = "".join(parts)
        if len(joined) < 2 and joined.isascii():
            return None
        edges, length = [0], 0
        for part in parts:
            length += len(part)
            edges.append(length)
        return cls(joined, frozenset(edges), instead, joined in common)

    @property
    def anywhere(self) -> bool:
        """Whether it is found inside other words too: a number, a code, or of a script that sets no spaces."""
        code = len(self.joined) >= ANYWHERE and any(each.isdigit() for each in self.joined)
        return code or any(unicodedata.category(each) == "Lo" for each in self.joined)


class Pattern(Value):
    """A form that tells who somebody is, such as a postcode, and what stands in its place.

    `first` says that it is taken out before names are looked for.
    """

    expression: re.Pattern[str]
    instead: str
    first: bool = False

    @classmethod
    def of(cls, pattern: str, instead: str, *, first: bool = False) -> Pattern:
        """The pattern for a regular expression, in whose place `instead` will stand."""
        return cls(re.compile(pattern, re.IGNORECASE), instead, first)


class _Letters(Value):
    """The letters and digits of a text, where in it each stands, and where words begin and end."""

    joined: str
    places: Sequence[int]
    edges: frozenset[int]

    @classmethod
    def of(cls, text: str) -> _Letters:
        """The letters and digits of a text."""
        joined: list[str] = []
        places: list[int] = []
        edges = {0}
        for place, character in enumerate(text):
            for letter in plain(character):
                if letter.isalnum():
                    joined.append(letter)
                    places.append(place)
                else:
                    edges.add(len(joined))
        return cls("".join(joined), places, frozenset(edges | {len(joined)}))


class Scrubber:
    """Takes needles and patterns out of texts: the longest first, and of two alike the one that was given first."""

    def __init__(self, needles: Iterable[Needle | None], patterns: Iterable[Pattern] = ()) -> None:
        known: dict[tuple[str, bool], Needle] = {}
        for each in filter(None, needles):
            known.setdefault((each.joined, each.capital), each)
        self._needles = sorted(known.values(), key=lambda each: -len(each.joined))
        self._patterns = list(patterns)

    def scrub(self, text: str) -> str:
        """The text without anything that is looked for; "[left out]" for a text that something of it cannot be taken
        out of.
        """
        text = _visible(text)
        for _ in range(3):
            text = self._without_needles(self._without_patterns(text, first=True))
            text = self._without_patterns(text, first=False)
            if not self.finds(text):
                return text
        return "[left out]"

    def finds(self, text: str) -> bool:
        """Whether something that is looked for stands in the text."""
        shown = _visible(text)
        return bool(self._spans(shown)) or any(each.expression.search(shown) for each in self._patterns)

    def _without_patterns(self, text: str, *, first: bool) -> str:
        for each in (pattern for pattern in self._patterns if pattern.first == first):
            text = each.expression.sub(each.instead.replace("\\", r"\\"), text)  # no group is meant by it
        return text

    def _without_needles(self, text: str) -> str:
        for start, end, instead in reversed(self._spans(text)):
            text = text[:start] + instead + text[end:]
        return text

    def _spans(self, text: str) -> list[tuple[int, int, str]]:
        """Where something is to be taken out, and what stands in its place; no two overlap."""
        letters = _Letters.of(text)
        taken: list[tuple[int, int, str]] = []
        for needle in self._needles:
            for first, last in _found(needle, letters):
                start, end = letters.places[first], letters.places[last - 1] + 1
                capital = text[start].isupper() or text[start].istitle()
                if (capital or not needle.capital) and not any(a < end and start < b for a, b, _ in taken):
                    taken.append((start, end, needle.instead))
        return sorted(taken)


def _found(needle: Needle, letters: _Letters) -> Iterator[tuple[int, int]]:
    """First and last position of every place where it stands."""
    start = letters.joined.find(needle.joined)
    while start >= 0:
        end = start + len(needle.joined)
        if needle.anywhere or (start in letters.edges and _ends(needle, letters, start, end)):
            yield start, end
        start = letters.joined.find(needle.joined, start + 1)


def _ends(needle: Needle, letters: _Letters, start: int, end: int) -> bool:
    """Whether it ends where a word does, an s aside, and is not put together of other words: "as if" is no Asif."""
    plural = end < len(letters.joined) and letters.joined[end] == "s" and end + 1 in letters.edges
    if end not in letters.edges and not plural:
        return False
    inside = {edge - start for edge in letters.edges if start < edge < end}
    apart = len(inside) == len(set(letters.places[start:end])) - 1  # letter by letter
    return len(needle.joined) >= ANYWHERE or inside <= needle.edges or apart


def _visible(text: str) -> str:
    """The text in its compatible composed form, without characters that nobody sees."""
    composed = unicodedata.normalize("NFKC", text)
    shown = (each for each in composed if each in "\n\t" or unicodedata.category(each) not in ("Cf", "Cc", "Co"))
    return "".join(str(unicodedata.decimal(each)) if each.isdecimal() else each for each in shown)


# --- what to look for ------------------------------------------------------------------------------------------


def words(text: str) -> list[str]:
    """The words of a text, in their order, as small letters and digits without accents.

    Whatever is neither a letter nor a digit ends a word: O'Neil is two.
    """
    found, current = list[str](), ""
    for character in _visible(text):
        for letter in plain(character):
            if letter.isalnum():
                current += letter
            elif current:
                found.append(current)
                current = ""
    return [*found, current] if current else found


def pieces(text: str, *, common: Collection[str], least: int = 1) -> Iterator[str]:
    """The text, and every run of at least so many of its words that does not consist of common ones alone."""
    yield text
    parts = words(text)
    for start in range(len(parts)):
        for end in range(start + least, len(parts) + 1):
            if not set(parts[start:end]) <= set(common):
                yield " ".join(parts[start:end])


def born(day: date, instead: str) -> Iterator[Pattern]:
    """The ways in which people write a date of birth, with the year or, where the month is in words, without."""
    month = f"{MONTHS[day.month - 1]}[a-z]*\\.?"
    number, figure = f"0?{day.day}(?:st|nd|rd|th)?", f"0?{day.month}"
    year, gap = f"(?:{day.year}|[\u2019']?{day.year % 100:02})", r"[\s./,_\u2010-\u2015-]{0,3}"
    ways = (
        f"{number}{gap}(?:of\\s+)?{month}(?:{gap}{year})?",
        f"{month}{gap}{number}(?:{gap}{year})?",
        f"0?{day.day}{gap}{figure}{gap}{year}",
        f"{figure}{gap}0?{day.day}{gap}{year}",
        f"{day.year}{gap}{figure}{gap}0?{day.day}",
    )
    return (Pattern.of(f"(?<![^\\W_]){way}(?![^\\W_])", instead) for way in ways)
