"""Cosignatures: what one agency says about the checkpoints of another's ledger, and when it may say it.

    cosignature line = "— " name " " base64(key id, 4 bytes || time, 8 bytes || Ed25519 signature)
    signed           = "cosignature/v1\\ntime " time "\\n" || the checkpoint's text

(https://c2sp.org/tlog-cosignature, https://c2sp.org/tlog-witness). A witness cosigns a checkpoint only if every one it
has cosigned before is a prefix of it. Two signed checkpoints that contradict each other are a fork, and are kept:
anybody can check them. A proof that fails is only a bad proof, and nobody is accused by it. Pure functions; what was
seen last is the caller's to keep.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

import nacl.bindings
import nacl.exceptions
from nacl.signing import SigningKey

from sharekit import merkle
from sharekit.errors import LedgerTampered, Malformed, NotVerified, Usage
from sharekit.moments import is_seconds, seconds_of, time_of
from sharekit.proofs import checkpoint
from sharekit.proofs.checkpoint import Checkpoint

__all__ = [
    "cosign",
    "cosigned_at",
    "follows",
    "key_id",
    "name_of",
    "own_ledger",
    "request",
    "request_parts",
    "two_histories",
]

COSIGNATURE_V1 = b"\x04"  # signature type, https://c2sp.org/signed-note
MAX_PROOF = 64  # hashes: more than any tree of 2^63 entries needs


def name_of(org_id: str) -> str:
    """The key name under which an agency cosigns: sharekit/ORG."""
    return f"sharekit/{org_id}"


def key_id(name: str, public: bytes) -> bytes:
    """The four bytes by which signature lines tell a cosigning key from the other keys of the same name."""
    return sha256(name.encode() + b"\n" + COSIGNATURE_V1 + public).digest()[:4]


def cosign(note: str, *, name: str, key: SigningKey, now: datetime) -> str:
    """The note with one line more: that `name` has seen this checkpoint at `now`.

    The caller has verified the note, and that it follows what it cosigned last.
    """
    seconds = seconds_of(now)
    signature = key.sign(_signed(checkpoint.parse(note), seconds)).signature
    raw = key_id(name, bytes(key.verify_key)) + seconds.to_bytes(8, "big") + signature
    return f"{note}\N{EM DASH} {name} {base64.b64encode(raw).decode()}\n"


def cosigned_at(note: str | bytes, *, name: str, public: bytes) -> datetime | None:
    """When `name` cosigned the note with the key `public`; None if no line is of that key.

    LedgerTampered if a line of that key does not match.
    """
    found, signatures = checkpoint.read(note)
    known, times = key_id(name, public), list[int]()
    for line, raw in signatures:
        if line == name and raw[:4] == known:
            times.append(_checked(found, raw[4:], public))
    return time_of(min(times)) if times else None


def follows(last: Checkpoint | None, new: Checkpoint, proof: Sequence[bytes], *, old: int) -> None:
    """Return only if whoever cosigned `last` (None: nothing yet) may cosign `new`; `proof` begins at size `old`.

    Raises LedgerTampered if the two checkpoints contradict each other. Raises Usage if this proof does not tell: one
    that begins elsewhere accuses nobody, for the last cosignature may never have arrived. Raises NotVerified if the
    proof fails, which accuses nobody either.
    """
    if last is None or last.size == 0:
        return
    if checkpoint.contradict(last, new):
        raise two_histories(last, new)
    if new.size == last.size:
        return
    if new.size < last.size:
        raise Usage("a newer checkpoint of that ledger was seen before", hint="ask for one that is newer still")
    if not proof or old != last.size:
        raise Usage(
            f"nothing shows that the checkpoint follows the one of {last.size} entries that was cosigned here",
            hint=f"ask for one made with --from {last.size}",
        )
    try:
        merkle.verify_consistency(last.size, last.root, new.size, new.root, proof)
    except LedgerTampered:
        raise NotVerified(
            f"the proof does not show that it follows the checkpoint of {last.size} entries that was cosigned here",
            hint=f"ask for one made with --from {last.size}; if that fails too, ask if their record was put back",
        ) from None


def two_histories(first: Checkpoint, second: Checkpoint) -> LedgerTampered:
    """The error of two checkpoints that contradict each other."""
    return LedgerTampered(
        f"{first.origin} promised two histories of {first.size} entries: keep both checkpoints",
        index=first.size,
        expected=first.root.hex(),
        found=second.root.hex(),
        hint="show them to the agency's auditor, and to everybody who relies on that ledger",
    )


def request(old_size: int, proof: Sequence[bytes], note: str) -> str:
    """The body that asks a witness to cosign `note`; `proof` begins at `old_size` (tlog-witness, add-checkpoint)."""
    lines = "".join(f"{base64.b64encode(node).decode()}\n" for node in proof)
    return f"old {old_size}\n{lines}\n{note}"


def request_parts(text: bytes) -> tuple[int, list[bytes], str]:
    """Old size, proof and note of such a body; Malformed if it is none."""
    try:
        head, blank, note = text.decode().partition("\n\n")
        first, *nodes = head.split("\n")
        word, size = first.split(" ")
        proof = [base64.b64decode(node, validate=True) for node in nodes]
    except ValueError:
        raise _no_request() from None
    if word != "old" or not blank or not size.isascii() or not size.isdigit() or len(size) > 19:
        raise _no_request()
    if len(proof) > MAX_PROOF or any(len(node) != 32 for node in proof):
        raise _no_request()
    return int(size), proof, note


def own_ledger() -> Usage:
    """The error of an agency that would witness its own ledger."""
    return Usage("nobody is a witness of their own ledger", hint="ask a partner, or a witness that is none")


def _no_request() -> Malformed:
    return Malformed("the file is no request to a witness", hint="make one with: sharekit ledger witness request")


def _signed(found: Checkpoint, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{found.text}".encode()


def _checked(found: Checkpoint, raw: bytes, public: bytes) -> int:
    seconds, signature = int.from_bytes(raw[:8], "big"), raw[8:]
    try:
        if len(signature) != nacl.bindings.crypto_sign_BYTES or len(public) != 32 or not is_seconds(seconds):
            raise ValueError
        nacl.bindings.crypto_sign_open(signature + _signed(found, seconds), public)
    except (nacl.exceptions.CryptoError, ValueError):
        raise LedgerTampered("a cosignature of the checkpoint does not match") from None
    return seconds
