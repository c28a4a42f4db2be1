"""The same value in another form is the same value: one reader of days, times, numbers, names and telephone numbers.

People write a day as 14/03/2019 and a number in groups; programs add a byte order mark and other line ends. What is
read here becomes the one form that goes into packets, is looked up and is compared. A form that cannot be read is
never guessed: two digits for a year, and the month before the day, are refused. `schemas/forms.json` has the words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sharekit import registry
from sharekit.domain import wording, workdays
from sharekit.errors import FieldInvalid

__all__ = ["canonical", "comparable", "is_placeholder", "longest_ago", "needed", "saved_text", "wanted"]

YEARS = (1900, 2099)
_SPACES = re.compile(r"[ \t\r\n\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
_BLANKS = re.compile(r"[ \t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
_BRACKETS = re.compile(r"[][(){}<>\"'.]")  # and full stops, around and in a word such as "T.B.C."
_APOSTROPHES = dict.fromkeys(map(ord, "\u02b9\u02bb\u02bc\u02bd\u02be\u02bf\ua78c"))  # that count as letters
_GAP = r"\s?[-/. ]\s?"
_YEAR_FIRST = re.compile(rf"([0-9]{{4}}){_GAP}([0-9]{{1,2}}){_GAP}([0-9]{{1,2}})\Z")
_DAY_FIRST = re.compile(rf"([0-9]{{1,2}}){_GAP}([0-9]{{1,2}}){_GAP}([0-9]{{4}})\Z")
_IN_WORDS = re.compile(
    rf"(?:([a-z]+),?\s)?([0-9]{{1,2}})(?:st|nd|rd|th)?(?:{_GAP}|)(?:of\s)?([a-z]+)[.,]?(?:{_GAP}|)([0-9]{{4}})\Z"
)
_MONTH = re.compile(rf"(?:([0-9]{{4}}){_GAP}([0-9]{{1,2}})|([0-9]{{1,2}}){_GAP}([0-9]{{4}}))\Z")
_MONTH_IN_WORDS = re.compile(r"([a-z]+)\.?\s([0-9]{4})\Z")
_MIDNIGHT = re.compile(r"(?:t|\s)00:00(?::00(?:\.0+)?)?(?:z|\+00:?00)?\Z")
_CLOCK = re.compile(
    r"(.+?)(?:t|,?\s(?:at\s)?)([0-9]{1,2})(?:(?:[:.]|(?![0-9]{2}:))([0-9]{2}))?(?::([0-9]{2}(?:\.[0-9]{1,6})?))?"
    r"\s?(am|pm|a\.m\.|p\.m\.)?\s?(z|utc|gmt|bst|[+-][0-9]{2}:?[0-9]{2})?\Z"
)
_ZONES = {"z": "Z", "utc": "Z", "gmt": "Z", "bst": "+01:00"}
_EXACT_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_EXACT_TIME = re.compile(
    r"[0-9]{4}(?:-[0-9]{2}){2}T[0-9]{2}(?::[0-9]{2}){2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})\Z"
)
_EXTENSION = re.compile(r"\s?(?:ext(?:ension|n)?\.?|x)\s?([0-9]{1,6})\Z")
_DIALLED = re.compile(r"0(?:[0-9]{9,10}|(?:800|845)[0-9]{4})\Z|\+[1-9][0-9]{6,14}\Z")  # 0800 1111 is Childline
_OTHER_WORD = re.compile(r"sha-?256|0x|\w*[^\W0-9a-f_]\w*")  # no fingerprint has its letters
_ALIKE = str.maketrans("oil", "011")  # read for the digits
_BETWEEN, _SHA256 = re.compile(r"[\W_]+"), re.compile(r"[0-9a-f]{64}\Z")


def canonical(form: str, text: str) -> Any:
    """The value that `text` writes, in the form in which it is kept; None where it cannot be read as a `form`.

    `form` is a name in the schemas' `x-form`. Check digits are not looked at here.
    """
    return _READERS[form](text)


def needed(form: str, text: str, what: str) -> Any:
    """The value that `text` writes; FieldInvalid where it cannot be read, which says how `what` is written."""
    found = canonical(form, text)
    if found is None:
        raise FieldInvalid(f"{what} cannot be read", hint=wanted(form))
    return found


def wanted(form: str) -> str | None:
    """How a value is written, with an example; None for a form that every text has."""
    found: str | None = _words()["wanted"].get(form)
    return found


def comparable(form: str, text: str) -> str | None:
    """What two ways to write one value have in common; None where the text cannot be read.

    Of a name and of any other words those are its letters and digits, without capitals, accents and spaces.
    """
    found = canonical(form, text)
    if form == "phone" and found is not None:
        return re.sub(r"[^0-9+]", "", str(found))
    if form in ("time", "day-or-time") and found is not None and "T" in found:
        return datetime.fromisoformat(found).astimezone(UTC).isoformat()
    if form not in _OF_WORDS or found is None:
        return None if found is None else str(found)
    return wording.Words.of(str(found).translate(_APOSTROPHES)).joined or str(found)


def is_placeholder(form: str, value: str, *, field: str = "") -> bool:
    """Whether a value stands where a fact is wanted and is none: a number of zeros, the year 1900, "TBC" for a name.

    `value` is in the form in which it is kept; `field` is the name of the field in which it stands.
    """
    known = _words()["placeholders"]
    if field in known["fields"]:
        words = _BRACKETS.sub("", wording.plain(value)).strip(" ?!-*")
        return not any(map(str.isalnum, value)) or words in known["words"]
    if form in ("day", "rough-day", "day-or-time"):
        return value in known["days"]
    return value in known["numbers"].get(form, ())


def longest_ago() -> int:
    """How many years ago at most something can have happened that is told as a fact."""
    return int(_words()["placeholders"]["years_ago"])


def saved_text(data: bytes) -> str:
    """The text of a file, whatever editor saved it: byte order marks and other line ends are none of it.

    UnicodeDecodeError, a ValueError, where it is not UTF-8, and not UTF-16 with its mark.
    """
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = data.decode("utf-16" if wide else "utf-8-sig")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _words() -> Mapping[str, Any]:
    found: Mapping[str, Any] = registry.document("forms")
    return found


# --- letters ---------------------------------------------------------------------------------------------------


def _plain(text: str) -> str:
    """A number or a day without what an editor or a telephone made of it: small letters, our digits, plain hyphens."""
    if text.isascii():
        return _SPACES.sub(" ", text).strip().lower()
    letters = (_letter(each) for each in _compatible(text).casefold() if unicodedata.category(each) not in ("Cf", "Mn"))
    return _SPACES.sub(" ", "".join(letters)).strip()


def _compatible(text: str) -> str:
    """The text in ordinary letters; a raised or circled digit is a footnote's mark, and no digit of a number."""
    return unicodedata.normalize("NFKC", "".join("^" if unicodedata.category(each) == "No" else each for each in text))


def _letter(letter: str) -> str:
    if letter.isdecimal():
        return str(unicodedata.decimal(letter))
    return "-" if unicodedata.category(letter) == "Pd" or letter == "\N{MINUS SIGN}" else letter


def _line(text: str) -> str:
    """One line, composed, with single spaces; two lines stay two."""
    composed = text if text.isascii() else unicodedata.normalize("NFC", text)
    return _BLANKS.sub(" ", composed.strip(" \t\r\n")).strip(" ")


def _text(text: str) -> str:
    """A text of several lines, composed, without empty ends."""
    return unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n").strip()


def _reference(text: str) -> str:
    """A number of somebody's own, such as a case number: letters as they are, spaces and hyphens plain."""
    if text.isascii():
        return _line(text)
    kept = (each for each in _compatible(text) if unicodedata.category(each) != "Cf")
    return _line("".join(map(_letter, kept)))


def _code(text: str) -> str:
    return text.strip()


def _capitals(text: str) -> str:
    return re.sub(r"[\s-]", "", _plain(text)).upper()


# --- days and times --------------------------------------------------------------------------------------------


def _day(text: str) -> str | None:
    if _EXACT_DAY.match(text):
        return _date(text[:4], text[5:7], text[8:])
    plain = _MIDNIGHT.sub("", _plain(text))
    if found := _YEAR_FIRST.match(plain):
        return _date(*found.groups())
    if found := _DAY_FIRST.match(plain):
        return _date(found[3], found[2], found[1])
    if found := _IN_WORDS.match(plain):
        return _dated(*found.groups())
    if len(plain) == 8 and plain.isdecimal():  # no text is a day in both orders: no month is 19 or 20
        return _date(plain[:4], plain[4:6], plain[6:]) or _date(plain[4:], plain[2:4], plain[:2])
    return None


def _dated(weekday: str | None, day: str, month: str, year: str) -> str | None:
    """A day with its month in words, and the day of the week, if one is named, right."""
    number = _named("months", month)
    found = _date(year, str(number + 1), day) if number is not None else None
    if found is None or weekday is None:
        return found
    named = _words()["weekdays"][date.fromisoformat(found).weekday()]
    return found if weekday in named or weekday.removeprefix("dydd ") in named else None


def _named(kind: str, word: str) -> int | None:
    return next((at for at, names in enumerate(_words()[kind]) if word in names), None)


def _date(year: str, month: str, day: str) -> str | None:
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        return None
    return found.isoformat() if YEARS[0] <= found.year <= YEARS[1] else None


def _rough_day(text: str) -> str | None:
    plain = _plain(text)
    if plain in _words()["not_known"]:
        return "unknown"
    if len(plain) == 4 and plain.isdecimal():
        return plain if _date(plain, "1", "1") else None
    if found := _MONTH.match(plain):
        first = _date(found[1] or found[4], found[2] or found[3], "1")
        return first[:7] if first else None
    if found := _MONTH_IN_WORDS.match(plain):
        first = _dated(None, "1", found[1], found[2])
        return first[:7] if first else None
    return _day(text)


def _time(text: str) -> str | None:
    if _EXACT_TIME.match(text):
        return text if _moment(text) else None
    found = _CLOCK.match(_plain(text))
    day = _day(found[1]) if found else None
    clock = _clock(found[2], found[3], found[4], found[5]) if found else None
    if found is None or day is None or clock is None:
        return None
    zone = found[6]
    if zone is None:
        return _here(f"{day}T{clock}")
    offset = _ZONES.get(zone) or f"{zone[:3]}:{zone[-2:]}"
    return f"{day}T{clock}{offset}" if _moment(f"{day}T{clock}{offset}") else None


def _clock(hour: str, minute: str | None, second: str | None, half: str | None) -> str | None:
    """Hours, minutes and seconds; of twelve hours where a half of the day is named, and only then without minutes."""
    number = int(hour)
    if minute is None and half is None:
        return None
    if half is not None:
        if not 1 <= number <= 12:
            return None
        number = number % 12 + (12 if half.startswith("p") else 0)
    return f"{number:02}:{minute or '00'}:{second or '00'}"


def _here(text: str) -> str | None:
    """A time on Great Britain's clocks with its offset; None within the hours that are missing or come twice."""
    shown = _moment(text)
    if shown is None:
        return None
    moments = {hours: (shown - timedelta(hours=hours)).replace(tzinfo=UTC) for hours in (0, 1)}
    fits = [hours for hours, moment in moments.items() if workdays.local(moment) == shown]
    return f"{text}{('Z', '+01:00')[fits[0]]}" if len(fits) == 1 else None


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if YEARS[0] <= found.year <= YEARS[1] else None


def _day_or_time(text: str) -> str | None:
    return _day(text) or _time(text)


# --- numbers ---------------------------------------------------------------------------------------------------


def _nhs_number(text: str) -> str | None:
    digits = re.sub(r"[\s.-]", "", re.sub(r"\Anhs(?: (?:number|num|no))?[.:]?\s?", "", _plain(text)))
    return digits if len(digits) == 10 and digits.isdecimal() else None


def _upn(text: str) -> str | None:
    found = re.sub(r"\AUPN:?", "", _capitals(text))
    return found if len(found) == 13 and found.isalnum() else None


def _phone(text: str) -> str | None:
    """A telephone number in groups: a British one without the country's code, another with it."""
    plain = re.sub(r"\A(?:tel|telephone|phone|mob|mobile)?\.?:?\s?(?=[+(0-9])", "", _plain(text))
    found = _EXTENSION.search(plain)
    extension = f" ext {found[1]}" if found else ""
    number = plain[: found.start()] if found else plain
    if not re.fullmatch(r"\(?\+?[-0-9 ()./]+", number):
        return None
    grouped = _grouped(number)
    return f"{grouped}{extension}" if _DIALLED.match(grouped.replace(" ", "")) else None


def _grouped(number: str) -> str:
    abroad = re.match(r"\(?(?:\+|00)", number)
    words = re.sub(r"[-()./ ]+", " ", number.replace("(0)", " ") if abroad else number).replace("+ ", "+").strip()
    words = f"+{words[2:].strip()}" if words.startswith("00") else words
    words = f"+{words}" if re.match(r"44 ?(?:[0-9] ?){9,10}\Z", words) else words  # a spreadsheet took the plus
    digits = words.replace(" ", "")
    if digits.startswith("+44"):
        digits = f"0{digits[3:].removeprefix('0')}"
        words = digits
    if len(digits) != 11 or not digits.startswith("0"):
        return words
    sizes = _words()["dialling"]
    first, second, *rest = next((sizes[digits[:size]] for size in (4, 3, 2) if digits[:size] in sizes), [5, 6])
    parts = [digits[:first], digits[first : first + second], digits[first + second :] if rest else ""]
    return " ".join(filter(None, parts))


def _fingerprint(text: str) -> str | None:
    """64 hexadecimal digits, in whatever groups, after a label or without one."""
    plain = _plain(text).casefold()
    for spoken in (plain, plain.translate(_ALIKE)):
        digits = _BETWEEN.sub("", _OTHER_WORD.split(spoken)[-1])
        if _SHA256.match(digits):
            return digits
    return None


def _packet(text: str) -> str:
    return re.sub(r"[\s-]", "", _plain(text))


def _number(text: str) -> int | None:
    plain = _plain(text)
    return int(plain) if re.fullmatch(r"-?[0-9]{1,10}", plain) else None


_READERS: Mapping[str, Callable[[str], Any]] = {
    "capitals": _capitals,
    "code": _code,
    "day": _day,
    "day-or-time": _day_or_time,
    "fingerprint": _fingerprint,
    "line": _line,
    "nhs-number": _nhs_number,
    "number": _number,
    "packet": _packet,
    "phone": _phone,
    "reference": _reference,
    "rough-day": _rough_day,
    "text": _text,
    "time": _time,
    "upn": _upn,
}
_OF_WORDS = ("code", "line", "text", "reference", "capitals")
