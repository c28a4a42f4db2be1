"""One entry of the ledger: an event as digests and numbers, never a name, a number of a person or free text.

An entry is made by its constructor or from its bytes, which let nothing else in, and is its bytes from then on.

The class declares every part once: its label in the bytes, its form, the vocabulary whose numbers it holds, and the
events that carry it. SPEC.md, schemas/ledger.cddl and the record are made from this or held to it by tests; the
auditor reads the bytes in its own way. What the numbers mean stands in the vocabularies, which are only named here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sharekit import cbor
from sharekit.errors import Malformed
from sharekit.moments import is_seconds
from sharekit.proofs.checkpoint import ORG_ID, owner
from sharekit.values import Value, field, fields

__all__ = ["LABELS", "MAX_CODES", "VOCABULARIES", "Entry", "Form", "Label", "beginning", "event_and_time"]

MAX_ENTRY_BYTES = 4096
MAX_CODES, MAX_PARTIES = 32, 64  # in one list
NEEDED = {1, 2, 3}  # the labels that every entry has
# Where every entry begins: a map, its event under 1 and its time under 2, each integer in its shortest form.
_HEAD = re.compile(
    rb"(?:[\xa3-\xb7]|\xb8.)\x01(?:([\x00-\x17])|\x18(.)|\x19(..))\x02(?:\x1a(.{4})|\x1b(.{8}))", re.DOTALL
)
_BEGINNING = re.compile(_HEAD.pattern + rb"\x03\x50(.{16})(?:\x04\x50(.{16}))?", re.DOTALL)
PROFILES = "profiles"  # stands where a vocabulary's name would: every profile has a number as well


class Form(NamedTuple):
    """What may stand at a label: the name of its form in schemas/ledger.cddl, and whether a value has it."""

    name: str
    fits: Callable[[Any], bool]


class Label(NamedTuple):
    """One part of an entry: its number in the bytes, its name, and its form.

    `vocabulary` is the name of the vocabulary whose numbers it holds, None where it holds none; `events` are the codes
    of the events that may carry it, empty where every event does.
    """

    number: int
    name: str
    form: Form
    vocabulary: str | None
    events: tuple[str, ...]


def _is_code(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**16


def _are_codes(value: object) -> bool:
    return type(value) is tuple and 0 < len(value) <= MAX_CODES and all(map(_is_code, value))


def _is_minutes(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**32


def _bytes(size: int) -> Callable[[object], bool]:
    return lambda value: type(value) is bytes and len(value) == size


def _text(pattern: str) -> Callable[[object], bool]:
    expression = re.compile(pattern, re.ASCII)
    return lambda value: type(value) is str and expression.fullmatch(value) is not None


_is_org_id = _text(ORG_ID)


def _are_org_ids(value: object) -> bool:
    return type(value) is tuple and 0 < len(value) <= MAX_PARTIES and all(map(_is_org_id, value))


CODE, CODES, COUNT = Form("code", _is_code), Form("codes", _are_codes), Form("count", _is_code)
SECONDS, MINUTES = Form("seconds", is_seconds), Form("minutes", _is_minutes)
TOKEN, DIGEST = Form("bytes .size 16", _bytes(16)), Form("digest", _bytes(32))
TRUE = Form("true", lambda value: value is True)
RULE = Form("rule", _text("[A-Za-z0-9./-]{1,32}"))
PARTIES = Form("[ 1*64 org-id ]", _are_org_ids)
ORIGIN = Form("origin", lambda value: type(value) is str and owner(value) is not None)


SHARED = "sealed decided opened"  # what an entry about a share says of its terms
EXCHANGED = f"{SHARED} received verified refused receipt-in witnessed"
DECIDED = "decision-recorded"
ACTS = "sealed received opened consulted destroyed corrected combined viewed replied granted audited"


def _part(number: int, form: Form, vocabulary: str | None = None, *, on: str = "") -> Any:
    """The declaration of one part; `on` has the codes of the events that may carry it, none where every event may."""
    label = {"number": number, "form": form, "vocabulary": vocabulary, "events": tuple(on.split())}
    options: dict[str, Any] = {} if number in NEEDED else {"default": None}
    return field(metadata=label, kw_only=number > 2, **options)


class Entry(Value):
    """One event as codes and digests; what is None is absent. Malformed if a part is not allowed."""

    event: int = _part(1, CODE, "ledger-events")
    time: int = _part(2, SECONDS)
    nonce: bytes = _part(3, TOKEN)
    packet: bytes | None = _part(4, TOKEN, on=f"{EXCHANGED} destroyed {DECIDED} reviewed action-closed")
    file: bytes | None = _part(5, DIGEST, on=f"{EXCHANGED} trusted revoked reinstated policy-changed")
    purpose: int | None = _part(6, CODE, "purposes", on=f"{SHARED} refused receipt-in {DECIDED} advice-sought")
    outcome: int | None = _part(7, CODE, "outcomes")
    rule: str | None = _part(8, RULE, on="decided opened refused advice-sought")
    counterparties: tuple[str, ...] | None = _part(
        9, PARTIES, on=f"{EXCHANGED} trusted revoked reinstated {DECIDED} action-closed"
    )
    subject: bytes | None = _part(10, DIGEST, on=f"sealed opened consulted {DECIDED} advice-sought")
    bases: tuple[int, ...] | None = _part(11, CODES, "art6", on=SHARED)
    art9: tuple[int, ...] | None = _part(12, CODES, "art9", on=SHARED)
    art10: tuple[int, ...] | None = _part(13, CODES, "art10", on=SHARED)
    gateways: tuple[int, ...] | None = _part(14, CODES, "gateways", on=SHARED)
    agreement: tuple[int, ...] | None = _part(15, CODES, "agreement-status", on=f"{SHARED} {DECIDED}")
    profile: int | None = _part(16, CODE, PROFILES, on=f"{SHARED} {DECIDED} advice-sought")
    detail: bytes | None = _part(17, DIGEST)
    checkpoint: bytes | None = _part(18, DIGEST, on="genesis receipt-in witnessed")
    origin: str | None = _part(19, ORIGIN, on="genesis")
    demonstration: bool | None = _part(20, TRUE, on="genesis")
    act: int | None = _part(21, CODE, "acts", on=ACTS)
    decision: bytes | None = _part(22, TOKEN, on=f"{DECIDED} discussed escalated reviewed consulted")
    decided: int | None = _part(23, CODE, "decisions", on=f"sealed {DECIDED}")
    reasons: tuple[int, ...] | None = _part(24, CODES, "refusal-reasons", on=DECIDED)
    adviser: int | None = _part(25, CODE, "advice-roles", on="advice-sought")
    disclosed: bool | None = _part(26, TRUE, on="advice-sought")
    stage: int | None = _part(27, CODE, "dispute-stages", on="escalated")
    action: int | None = _part(28, CODE, "action-kinds", on="discussed escalated reviewed action-closed")
    kinds: tuple[int, ...] | None = _part(29, CODES, "agreement-kinds", on=SHARED)
    because: tuple[int, ...] | None = _part(30, CODES, "agreement-reasons", on="sealed")
    override: bool | None = _part(31, TRUE, on="sealed")
    second: bool | None = _part(32, TRUE, on="sealed")
    lapsed: bool | None = _part(33, TRUE, on=SHARED)
    lag: int | None = _part(34, MINUTES, on="sealed")
    act_by: int | None = _part(35, SECONDS, on="sealed")
    acknowledge_by: int | None = _part(36, SECONDS, on="sealed")
    rationale: bytes | None = _part(37, TOKEN, on=f"sealed {DECIDED}")
    left_out: int | None = _part(38, COUNT, on="sealed opened")
    reported: int | None = _part(39, CODE, "receipt-events", on="receipt-in")
    undiscussed: bool | None = _part(40, TRUE, on=DECIDED)
    _encoded: bytes = field(init=False)

    def __post_init__(self) -> None:
        values, parts = self.__dict__, dict[int, Any]()
        for label in LABELS:
            value = values[label.name]
            if value is not None:
                parts[label.number] = _fitting(label, value)
        values["_encoded"] = cbor.encode(parts)
        if not parts.keys() >= NEEDED or len(self._encoded) > MAX_ENTRY_BYTES:
            raise Malformed("the entry is incomplete or too large")

    def encode(self) -> bytes:
        """The entry's one deterministic encoding."""
        return self._encoded

    @classmethod
    def decode(cls, data: bytes) -> Entry:
        """The entry that encodes to exactly `data`; Malformed if there is none."""
        parts = cbor.decode(data) if len(data) <= MAX_ENTRY_BYTES else None  # refuses whatever is not deterministic
        if type(parts) is not dict or not parts.keys() >= NEEDED or not all(map(_is_label, parts)):
            raise Malformed("the bytes are not a ledger entry")
        entry = cls.__new__(cls)
        values = entry.__dict__
        values.update(_ABSENT)
        for number, value in parts.items():
            label = _NUMBERED[number]
            values[label.name] = _fitting(label, tuple(value) if type(value) is list else value)
        values["_encoded"] = bytes(data)
        return entry

    def __repr__(self) -> str:
        return f"Entry(event={self.event}, time={self.time})"


LABELS = tuple(Label(name=name, **part.metadata) for name, part in fields(Entry).items() if part.metadata)
VOCABULARIES: Mapping[str, str] = {label.name: label.vocabulary for label in LABELS if label.vocabulary}

_NUMBERED = {label.number: label for label in LABELS}
_ABSENT: Mapping[str, Any] = dict.fromkeys(label.name for label in LABELS)


def _is_label(number: object) -> bool:
    return type(number) is int and number in _NUMBERED


def _fitting(label: Label, value: Any) -> Any:
    """The value, if it has the label's form; Malformed otherwise, and without the value: somebody may have typed it."""
    if not label.form.fits(value):
        raise Malformed(f"{label.name} is not a value that the ledger takes")
    return value


def event_and_time(stored: bytes) -> tuple[int, int]:
    """The number of an entry's event and its time in seconds, without decoding the rest of its bytes.

    Malformed if no entry begins like this; whether the rest is an entry is not looked at.
    """
    head = _HEAD.match(stored)
    if head is None:
        entry = Entry.decode(stored)  # of the first days of 1970, or none
        return entry.event, entry.time
    *event, short, long = head.groups()
    return int.from_bytes(next(filter(None, event)), "big"), int.from_bytes(short or long, "big")


def beginning(stored: bytes) -> tuple[int, bytes, bytes | None]:
    """The number of an entry's event, its nonce, and its packet or None, without decoding the rest of its bytes.

    Errors as in `event_and_time`.
    """
    head = _BEGINNING.match(stored)
    if head is None:
        entry = Entry.decode(stored)
        return entry.event, entry.nonce, entry.packet
    *event, _, _, nonce, packet = head.groups()
    return int.from_bytes(next(filter(None, event)), "big"), nonce, packet
