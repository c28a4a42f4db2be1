"""Foreign text, shown so that it cannot be obeyed: one rule for terminals, log files, reports and page titles.

A text that comes from elsewhere may hold characters that nobody sees and that a screen obeys: they move the cursor,
turn the direction of writing, or hide what follows. In a long text they are kept and spelled out where it is shown;
where a name or one line is expected they have no place.
"""

from __future__ import annotations

import re

__all__ = ["is_plain_line", "json_shown", "shown", "shows_all"]

# Characters that count as letters, marks or signs and show nothing, so that `isprintable` lets them pass.
_FILLERS = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef"
_FILLER = re.compile(f"[{_FILLERS}]")
_DRAWN = "\ufe0e\ufe0f"  # they say how the sign before them is drawn: in a text they stay, in a line they may hide


def shown(text: str) -> str:
    """The text with every character spelled out that a screen would obey or not show. Lines stay lines."""
    if shows_all(text):
        return text
    return "".join(letter if letter == "\n" or _is_seen(letter) else _spelled(letter) for letter in text)


def is_plain_line(text: str) -> bool:
    """Whether a text is one line that shows all there is in it, and has a letter or a digit."""
    return shows_all(text) and any(letter.isalnum() for letter in text)


def shows_all(text: str) -> bool:
    """Whether a text is one line in which nothing is hidden, and nothing would be obeyed."""
    return text.isprintable() and (text.isascii() or not _FILLER.search(text))


def json_shown(text: str) -> str:
    """The text of a JSON document, in which such characters stand in strings alone, with every one of them escaped."""
    if text.isascii():
        return text
    return "".join(letter if letter == "\n" or _is_seen(letter) else _escaped(letter) for letter in text)


def _is_seen(letter: str) -> bool:
    return letter in _DRAWN or (letter.isprintable() and not _FILLER.match(letter))


def _spelled(letter: str) -> str:
    return " " if letter.isspace() else letter.encode("unicode_escape").decode()


def _escaped(letter: str) -> str:
    units = letter.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
