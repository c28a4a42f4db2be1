"""One entry of the ledger: an event as digests and numbers, never a name, a number of a person or free text.

An entry is made only by its constructor, which lets nothing else in, and is its bytes from then on. It knows
nothing of vocabularies: what the numbers mean stands there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sharekit import cbor
from sharekit.errors import Malformed
from sharekit.values import Value, field

__all__ = ["MAX_CODES", "Entry"]

MAX_ENTRY_BYTES = 4096
MAX_CODES = 32  # in one list

_ORG_ID = r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}"


def _is_code(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**16


def _is_time(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**34


def _is_minutes(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**32


def _is_true(value: object) -> bool:
    return value is True


def _codes(value: object) -> bool:
    return type(value) is tuple and 0 < len(value) <= MAX_CODES and all(map(_is_code, value))


def _bytes(size: int) -> Callable[[object], bool]:
    return lambda value: type(value) is bytes and len(value) == size


def _text(pattern: str) -> Callable[[object], bool]:
    expression = re.compile(pattern, re.ASCII)
    return lambda value: type(value) is str and expression.fullmatch(value) is not None


def _org_ids(value: object) -> bool:
    return type(value) is tuple and 0 < len(value) <= 64 and all(map(_text(_ORG_ID), value))


def _key(label: int, fits: Callable[[object], bool], **options: Any) -> Any:
    return field(metadata={"label": label, "fits": fits}, **options)


class Entry(Value):
    """One event as codes and digests; schemas/ledger.cddl holds its CDDL. Malformed if a part is not allowed.

    Labels: 1 event, 2 time, 3 nonce, 4 packet, 5 file, 6 purpose, 7 outcome, 8 rule, 9 counterparties,
    10 subject, 11 bases, 12 art9, 13 art10, 14 gateways, 15 agreement, 16 profile, 17 detail, 18 checkpoint,
    19 origin, 20 demonstration, 21 act, 22 decision, 23 decided, 24 reasons, 25 adviser, 26 disclosed, 27 stage,
    28 action, 29 kinds, 30 because, 31 override, 32 second, 33 lapsed, 34 lag, 35 act_by, 36 acknowledge_by,
    37 rationale, 38 left_out, 39 reported, 40 undiscussed. What is None is absent.
    """

    event: int = _key(1, _is_code)
    time: int = _key(2, _is_time)
    nonce: bytes = _key(3, _bytes(16), kw_only=True)
    packet: bytes | None = _key(4, _bytes(16), default=None, kw_only=True)
    file: bytes | None = _key(5, _bytes(32), default=None, kw_only=True)
    purpose: int | None = _key(6, _is_code, default=None, kw_only=True)
    outcome: int | None = _key(7, _is_code, default=None, kw_only=True)
    rule: str | None = _key(8, _text("[A-Za-z0-9./-]{1,32}"), default=None, kw_only=True)
    counterparties: tuple[str, ...] | None = _key(9, _org_ids, default=None, kw_only=True)
    subject: bytes | None = _key(10, _bytes(32), default=None, kw_only=True)
    bases: tuple[int, ...] | None = _key(11, _codes, default=None, kw_only=True)
    art9: tuple[int, ...] | None = _key(12, _codes, default=None, kw_only=True)
    art10: tuple[int, ...] | None = _key(13, _codes, default=None, kw_only=True)
    gateways: tuple[int, ...] | None = _key(14, _codes, default=None, kw_only=True)
    agreement: tuple[int, ...] | None = _key(15, _codes, default=None, kw_only=True)
    profile: int | None = _key(16, _is_code, default=None, kw_only=True)
    detail: bytes | None = _key(17, _bytes(32), default=None, kw_only=True)
    checkpoint: bytes | None = _key(18, _bytes(32), default=None, kw_only=True)
    origin: str | None = _key(19, _text(f"sharekit/{_ORG_ID}/[0-9]{{4}}"), default=None, kw_only=True)
    demonstration: bool | None = _key(20, _is_true, default=None, kw_only=True)
    act: int | None = _key(21, _is_code, default=None, kw_only=True)
    decision: bytes | None = _key(22, _bytes(16), default=None, kw_only=True)
    decided: int | None = _key(23, _is_code, default=None, kw_only=True)
    reasons: tuple[int, ...] | None = _key(24, _codes, default=None, kw_only=True)
    adviser: int | None = _key(25, _is_code, default=None, kw_only=True)
    disclosed: bool | None = _key(26, _is_true, default=None, kw_only=True)
    stage: int | None = _key(27, _is_code, default=None, kw_only=True)
    action: int | None = _key(28, _is_code, default=None, kw_only=True)
    kinds: tuple[int, ...] | None = _key(29, _codes, default=None, kw_only=True)
    because: tuple[int, ...] | None = _key(30, _codes, default=None, kw_only=True)
    override: bool | None = _key(31, _is_true, default=None, kw_only=True)
    second: bool | None = _key(32, _is_true, default=None, kw_only=True)
    lapsed: bool | None = _key(33, _is_true, default=None, kw_only=True)
    lag: int | None = _key(34, _is_minutes, default=None, kw_only=True)
    act_by: int | None = _key(35, _is_time, default=None, kw_only=True)
    acknowledge_by: int | None = _key(36, _is_time, default=None, kw_only=True)
    rationale: bytes | None = _key(37, _bytes(16), default=None, kw_only=True)
    left_out: int | None = _key(38, _is_code, default=None, kw_only=True)
    reported: int | None = _key(39, _is_code, default=None, kw_only=True)
    undiscussed: bool | None = _key(40, _is_true, default=None, kw_only=True)
    _encoded: bytes = field(init=False)

    def __post_init__(self) -> None:
        parts: dict[int, Any] = {}
        for label, name, fits in _LABELS:
            value = getattr(self, name)
            if value is None:
                continue
            if not fits(value):  # the value itself is never quoted: it may be what somebody typed
                raise Malformed(f"{name} is not a value that the ledger takes")
            parts[label] = value
        self.__dict__["_encoded"] = cbor.encode(parts)
        if parts.keys() < {1, 2, 3} or len(self._encoded) > MAX_ENTRY_BYTES:
            raise Malformed("the entry is incomplete or too large")

    def encode(self) -> bytes:
        """The entry's one deterministic encoding."""
        return self._encoded

    @classmethod
    def decode(cls, data: bytes) -> Entry:
        """The entry that encodes to exactly `data`; Malformed if there is none."""
        parts = cbor.decode(data) if len(data) <= MAX_ENTRY_BYTES else None
        names = {label: name for label, name, _ in _LABELS}
        if type(parts) is not dict or not {1, 2, 3} <= parts.keys() <= names.keys():
            raise Malformed("the bytes are not a ledger entry")
        values: dict[str, Any] = {names[k]: tuple(v) if type(v) is list else v for k, v in parts.items()}
        entry = cls(values.pop("event"), values.pop("time"), **values)
        if entry.encode() != data:
            raise Malformed("the bytes are not a ledger entry")
        return entry

    def __repr__(self) -> str:
        return f"Entry(event={self.event}, time={self.time})"


_LABELS: list[tuple[int, str, Callable[[object], bool]]] = [
    (part.metadata["label"], name, part.metadata["fits"]) for name, part in Entry._fields.items() if part.metadata
]
