"""What a dataset says without saying who it is about: a brief for somebody whose advice is sought.

What it keeps is data, in `schemas/advice-brief.json`: codes, yes and no, typed statements and other text. Whatever is
not named there is left out, so that a field nobody thought of stays out; and every name and word that was left out is
then taken out of the text that is kept.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sharekit import registry
from sharekit.advice.scrub import Needle, Pattern, Scrubber, born, pieces, words
from sharekit.domain import vocabulary, workdays
from sharekit.domain.canonical import resolved
from sharekit.domain.profile import Profile
from sharekit.domain.validation import path_name, values_at
from sharekit.errors import Malformed
from sharekit.values import Value, field, replace

__all__ = ["Brief", "Said", "brief", "rules"]


def rules() -> Mapping[str, Any]:
    """What a brief keeps: the shipped document, not to be changed."""
    found: Mapping[str, Any] = registry.document("advice", "brief")
    return found


class Said(Value):
    """One line of a brief: the name of the field that it comes from, a title, and the words."""

    place: str
    title: str
    text: str = field(repr=False)


class Brief(Value):
    """What may be read out to an adviser, and the names of the fields that were left out."""

    people: tuple[str, ...]
    said: tuple[Said, ...]
    left_out: tuple[str, ...]

    def json(self) -> dict[str, Any]:
        """The brief as one JSON object."""
        said = [{"field": each.place, "title": each.title, "text": each.text} for each in self.said]
        told = {"people": list(self.people), "said": said, "left_out": list(self.left_out)}
        return told | {"caution": rules()["caution"]}

    def text(self) -> str:
        """The brief as text, to be read out."""
        lines = [rules()["heading"], "", *self.people, ""]
        lines += [f"{each.title}: {each.text}" for each in self.said]
        return "\n".join([*lines, "", f"left out: {', '.join(self.left_out) or 'nothing'}", rules()["caution"], ""])


def brief(
    dataset: object, kind: Profile, terms: Mapping[str, Any], *, organisations: Sequence[str] = (), now: datetime
) -> Brief:
    """The brief of a dataset of one profile, which need not be whole; `terms` may be empty.

    `organisations` are the names and ids that would tell where the child is known. Raises Malformed, NotMinimal for a
    field that the profile does not have, UnknownCode or FieldInvalid.
    """
    if not isinstance(dataset, dict):
        raise Malformed("DATA is not a JSON object", hint="see docs/examples for complete data")
    kind.check_received(fields := kind.read(dataset))
    reader = _Reader(workdays.day_of(now))
    reader.read(kind.fields, fields)
    needles = [*_told_apart(reader.names), *_of_organisations(organisations), *_of_terms(terms), *reader.words]
    scrubber = Scrubber(needles, [*reader.births, *_patterns()])
    told = (replace(each, text=scrubber.scrub(each.text)) for each in (*_told_by_terms(terms), *reader.said))
    return Brief(tuple(reader.people), tuple(dict.fromkeys(told)), tuple(dict.fromkeys(reader.left_out)))


def _told_apart(names: Sequence[Needle | None]) -> Iterator[Needle]:
    """The names to look for, and whose each is; a name that several people share is given to nobody."""
    owners: dict[str, set[str]] = {}
    for each in filter(None, names):
        owners.setdefault(each.joined, set()).add(each.instead)
    for each in filter(None, names):
        yield each if len(owners[each.joined]) == 1 else replace(each, instead=rules()["labels"]["shared"])


# --- reading a dataset -----------------------------------------------------------------------------------------


class _Place(Value):
    """Where a value stands: its path and title, the flags in force there, and as whom its person is spoken of."""

    path: tuple[object, ...] = ()
    title: str = ""
    flags: frozenset[str] = frozenset()
    label: str = ""

    @property
    def name(self) -> str:
        """The name of the field, whatever its position in a list."""
        return next((part for part in reversed(self.path) if isinstance(part, str)), "")

    def inside(self, name: object, node: Mapping[str, Any]) -> _Place:
        """The place of a part of the value that stands here."""
        flags = self.flags.union(node.get("x-flags", ()))
        return replace(self, path=(*self.path, name), title=node.get("title", self.title), flags=flags)


class _Reader:
    """Reads a dataset in the order of its profile: what is kept, who is in it, and what to look for elsewhere."""

    def __init__(self, today: date) -> None:
        self._today = today
        self.people: list[str] = []
        self.said: list[Said] = []
        self.left_out: list[str] = []
        self.names: list[Needle | None] = []
        self.words: list[Needle | None] = []
        self.births: list[Pattern] = []

    def read(self, fields: Mapping[str, Any], dataset: Mapping[str, Any]) -> None:
        """Take in all fields of one object of the dataset, and of the objects in it."""
        self._object({"properties": fields}, dataset, _Place())

    def _value(self, node: Mapping[str, Any], value: Any, place: _Place) -> None:
        part = node.get("$ref", "").rsplit("/", 1)[-1]
        node = resolved(registry.document("parts"), node)
        if part in rules()["statement_parts"]:
            self._statement(node, value, place)
        elif isinstance(value, dict):
            self._object(node, value, place)
        elif isinstance(value, list):
            for position, item in enumerate(value):
                self._value(node["items"], item, place.inside(position, {}))
        elif place.name in rules()["name_fields"]:
            self._name(value, place)
        elif place.name in rules()["organisation_fields"]:
            self._leave_all_out(value, replace(place, label=rules()["labels"]["organisation"]))
        elif place.name in rules()["birth_fields"] + rules()["other_birth_fields"]:
            self._leave_out(place)
            self.births += born(date.fromisoformat(value), rules()["labels"]["birth"])
        elif part in rules()["rough_parts"]:
            self._say(place, place.title, next(_ago([value], self._today), value))
        elif _is_kept(node, part, value, place):
            self._say(place, place.title, _shown(node, value))
        else:
            self._leave_out(place, value)

    def _object(self, node: Mapping[str, Any], value: Mapping[str, Any], place: _Place) -> None:
        if place.name in rules()["others"]:
            self._leave_all_out(value, replace(place, label=rules()["others"][place.name]))
            return
        place = replace(place, label=self._label(value, place))
        for name, inner in node["properties"].items():
            if name in value:
                self._value(inner, value[name], place.inside(name, inner))

    def _label(self, value: Mapping[str, Any], place: _Place) -> str:
        """As whom an object is spoken of: somebody new where it has a name or a date of birth."""
        known = rules()["name_fields"] + rules()["birth_fields"] + rules()["unborn_fields"]
        if not any(name in value for name in known):
            return place.label
        ages = [_age(value[name], self._today) for name in rules()["birth_fields"] if name in value]
        child = _is_child(value, place, ages)
        label = f"{rules()['labels']['child' if child else 'adult']} {_letter(len(self.people))}"
        self.people.append(", ".join([label, *_about(value, ages)]))
        return label

    def _name(self, value: str, place: _Place) -> None:
        instead = place.label or rules()["labels"]["other"]
        self._leave_out(place)
        parts = words(value)
        ways = [*pieces(value, common=()), f"{parts[0]} {parts[-1]}" if parts else ""]
        self.names += [Needle.of(each, instead, common=_common()) for each in ways]

    def _statement(self, node: Mapping[str, Any], value: Mapping[str, Any], place: _Place) -> None:
        """A typed statement: its kind, how long ago, and its words; whose words they are is left out."""
        times = [value[name] for name in rules()["statement_times"] if name in value]
        kept, more = rules()["statement_fields"], ""
        for name, inner in node["properties"].items():
            if name in kept[1:] and name in value:
                shown = _shown(resolved(registry.document("parts"), inner), value[name])
                more += shown if not more else f" ({inner['title'].lower()}: {shown})"
            elif name in value and name not in kept:
                self._leave_out(place.inside(name, inner), value[name] if isinstance(value[name], str) else None)
        kind = [_shown(node["properties"][kept[0]], value[kept[0]])] if kept[0] in value else []
        about = ", ".join([*kind, *_ago(times, self._today)])
        self._say(place, f"{place.title} ({about})" if about else place.title, more)

    def _say(self, place: _Place, title: str, text: str) -> None:
        who = place.label if place.label in "".join(self.people) else ""
        title = f"{who}, {title[0].lower()}{title[1:]}" if who else title
        self.said.append(Said(path_name(place.path), title, text))

    def _leave_all_out(self, value: Any, place: _Place) -> None:
        """Leave out what is about a professional or an organisation: it would say where the child is known."""
        for name, item in value.items() if isinstance(value, dict) else ():
            self._leave_all_out(item, place.inside(name, {}))
        if isinstance(value, str):
            self._leave_out(place)
            self.names += _pieces(value, place.label)

    def _leave_out(self, place: _Place, value: object = None) -> None:
        """Leave a field out, and look for its words in what is kept, unless they name nobody and nothing."""
        self.left_out.append(path_name(part for part in place.path if isinstance(part, str)))
        if not isinstance(value, str) or set(words(value)) <= _common():
            return
        found, where = [value], value if place.name in rules()["address_fields"] or "P" in place.flags else ""
        for line in where.split(","):
            found += [each for each in pieces(line, common=_common(), least=2) if not set(words(each)) <= _common()]
        self.words += [Needle.of(each, rules()["labels"]["other"], common=_common()) for each in found]


def _is_kept(node: Mapping[str, Any], part: str, value: object, place: _Place) -> bool:
    """Whether a value may be told: it is a code, yes or no, or a text of a kind that is kept."""
    if "x-identifier" in node or place.name in rules()["drop_fields"]:
        return False
    if isinstance(value, bool) or node.keys() & {"x-codes", "enum", "x-argued"}:
        return True
    if place.name in rules()["keep_fields"]:
        return True
    return bool(part in rules()["text_parts"] and place.flags.isdisjoint(rules()["drop_flags"]))


def _shown(node: Mapping[str, Any], value: object) -> str:
    """A value in words: a code by its label."""
    name = node.get("x-codes") or node.get("x-argued")
    if isinstance(value, bool):
        return "yes" if value else "no"
    return vocabulary.load(name)[str(value)].label.lower() if name else str(value)


# --- people ----------------------------------------------------------------------------------------------------


def _is_child(value: Mapping[str, Any], place: _Place, ages: Sequence[int]) -> bool:
    if ages and not place.path:
        return ages[0] < int(rules()["adult_from"])
    among = not place.path or place.path[0] in rules()["children"]
    related = value.get("relationship") in rules()["child_relationships"]
    return bool(among or related) or any(age < rules()["adult_from"] for age in ages)


def _about(value: Mapping[str, Any], ages: Sequence[int]) -> Iterator[str]:
    """How old somebody is: a child in years and by the stage of schooling, an adult in tens."""
    if any(name in value for name in rules()["unborn_fields"]):
        yield "unborn"
    for age in ages:
        if age < rules()["adult_from"]:
            yield str(age)
            yield next(stage["label"] for stage in reversed(rules()["stages"]) if stage["from"] <= max(age, 0))
        else:
            first = age - age % rules()["adult_band"]
            yield f"{first} to {first + rules()['adult_band'] - 1}"


def _age(text: str, today: date) -> int:
    return workdays.whole_years(date.fromisoformat(text), today)


def _letter(number: int) -> str:
    """A, B ... Z, AA, AB: there are always more."""
    letters = chr(ord("A") + number % 26)
    return letters if number < 26 else _letter(number // 26 - 1) + letters


def _ago(times: Sequence[str], today: date) -> Iterator[str]:
    """How long ago the first of these times was; a date would say more than is needed."""
    for text in [each for each in times if each[:4].isdigit()][:1]:
        whole = (text + "-01-01"[len(text) - 10 :])[:10] if len(text) < 10 else text
        day = workdays.day_of(datetime.fromisoformat(whole)) if "T" in whole else date.fromisoformat(whole)
        days = (today - day).days
        if len(text) < 10 or days >= 60:
            months = round(days / 30.4)
            yield "some months ago" if len(text) == 4 and months < 24 else _long_ago(months)
        else:
            yield {0: "today", 1: "yesterday"}.get(days, f"{days} days ago")


def _long_ago(months: int) -> str:
    if months < 2:
        return "about a month ago" if months else "this month"
    return f"about {months} months ago" if months < 24 else f"about {months // 12} years ago"


# --- what stands outside the dataset ---------------------------------------------------------------------------


def _of_organisations(names: Sequence[str]) -> Iterator[Needle | None]:
    return (needle for name in names for needle in _pieces(name, rules()["labels"]["organisation"]))


def _pieces(text: str, instead: str) -> Iterator[Needle | None]:
    """A name, and every run of its words that is not common ones alone."""
    found = (each for each in pieces(text, common=_common()) if not set(words(each)) <= _common())
    return (Needle.of(each, instead, common=_common()) for each in found)


def _of_terms(terms: Mapping[str, Any]) -> Iterator[Needle | None]:
    """The names of whoever decided, and the words that the terms say must not become known."""
    labels = rules()["labels"]
    for path in rules()["terms_names"]:
        for name in _texts(terms, path):
            yield from _pieces(name, labels["somebody"])
    for path in rules()["terms_words"]:
        yield from (Needle.of(text, labels["other"], common=_common()) for text in _texts(terms, path))


def _told_by_terms(terms: Mapping[str, Any]) -> Iterator[Said]:
    """What the terms say in codes, and why."""
    for each in rules()["terms"]:
        for text in _texts(terms, each["path"]):
            known = vocabulary.load(each["vocabulary"]) if "vocabulary" in each else None
            if known is None or text in known:
                yield Said(f"terms.{each['path']}", each["title"], known[text].label.lower() if known else text)


def _texts(terms: Mapping[str, Any], path: str) -> Iterator[str]:
    return (found for found in values_at(terms, path.split(".")) if isinstance(found, str))


@functools.cache
def _patterns() -> tuple[Pattern, ...]:
    known = rules()["patterns"]
    return tuple(Pattern.of(each["pattern"], each["as"], first=each.get("first", False)) for each in known)


@functools.cache
def _common() -> frozenset[str]:
    """Words that name nobody and nothing."""
    return frozenset(rules()["plain_words"])
