"""Checkpoints: what a log promises about its first `size` entries, as a C2SP signed note.

    note = origin "\\n" size "\\n" base64(root) "\\n"  "\\n"  then one or more signature lines:
           "— " name " " base64(key id, 4 bytes || signature) "\\n"

The log's key name is its origin; lines by other keys are cosignatures, carried along and otherwise ignored
(https://c2sp.org/signed-note, https://c2sp.org/tlog-checkpoint). Extension lines are refused: nobody can
audit them.

A ledger of ours is called sharekit/ORG/YEAR: whose it is, and the year of its entries in UTC, in four digits.
"""

from __future__ import annotations

import base64
import binascii
import re
from hashlib import sha256

import nacl.bindings
import nacl.exceptions
from nacl.signing import SigningKey

from sharekit.errors import LedgerTampered, Malformed
from sharekit.values import Value

__all__ = [
    *["ORG_ID", "Checkpoint", "contradict", "is_plausible", "key_id", "only", "org_and_year", "origin", "owner"],
    *["parse", "read", "sign", "verify"],
]

MAX_BYTES = 64 * 1024
MAX_SIZE = 2**63 - 1
FIRST_YEAR = 2020  # no ledger of ours is older
ED25519 = b"\x01"  # signature type, https://c2sp.org/signed-note

ORG_ID = r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}"  # the form of an organisation's id
_ORIGIN = re.compile(rf"sharekit/({ORG_ID})/([0-9]{{4}})\Z")
_NAME = re.compile(r"[^\s+\x00-\x1f\x7f]{1,200}\Z")
_DECIMAL = re.compile(r"(0|[1-9][0-9]{0,18})\Z", re.ASCII)


class Checkpoint(Value):
    """The root (32 bytes) of the first `size` entries of the log `origin`.

    Malformed if one of the parts cannot stand in a note.
    """

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not _NAME.match(self.origin) or not 0 <= self.size <= MAX_SIZE or len(self.root) != 32:
            raise Malformed("the parts are not those of a checkpoint")

    @property
    def text(self) -> str:
        """The three lines that are signed, each with its line end."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def origin(org_id: str, year: int) -> str:
    """The origin of the ledger that an organisation keeps of a year."""
    return f"sharekit/{org_id}/{year:04}"


def org_and_year(origin: str) -> tuple[str, int] | None:
    """The organisation and the year that an origin names; None if it is not one of our ledgers'."""
    parts = _ORIGIN.match(origin)
    return (parts[1], int(parts[2])) if parts else None


def owner(origin: str) -> str | None:
    """The organisation whose ledger an origin names; None if it is not one of our ledgers'."""
    parts = org_and_year(origin)
    return parts[0] if parts else None


def is_plausible(origin: str, *, of: str, year: int) -> bool:
    """Whether an origin is that of a ledger which the organisation `of` can have, where `year` is the present one.

    From 2020 to the year after the present one: so nobody has a ledger of the year 9999 witnessed, nor one of every
    year.
    """
    parts = org_and_year(origin)
    return parts is not None and parts[0] == of and FIRST_YEAR <= parts[1] <= year + 1


def contradict(first: Checkpoint, second: Checkpoint) -> bool:
    """Whether two checkpoints cannot both be true: two roots for one size of one ledger.

    Nothing else is a fork. Of two sizes a proof that fails tells nothing: anybody can write one that fails. The caller
    has verified that the ledger's key signed both.
    """
    return (first.origin, first.size) == (second.origin, second.size) and first.root != second.root


def key_id(name: str, public: bytes) -> bytes:
    """The four bytes by which signature lines tell apart the Ed25519 keys of one name (signed-note)."""
    return sha256(name.encode() + b"\n" + ED25519 + public).digest()[:4]


def sign(checkpoint: Checkpoint, *, key: SigningKey) -> str:
    """The note of `checkpoint`, signed with `key` under the name of its origin."""
    text = checkpoint.text
    signature = key.sign(text.encode()).signature
    line = base64.b64encode(key_id(checkpoint.origin, bytes(key.verify_key)) + signature).decode()
    return f"{text}\n\N{EM DASH} {checkpoint.origin} {line}\n"


def parse(note: str | bytes) -> Checkpoint:
    """What a note says, its signatures not checked; Malformed if it is no checkpoint."""
    return read(note)[0]


def verify(note: str | bytes, *, origin: str, public: bytes) -> Checkpoint:
    """The checkpoint in `note`, if it is of `origin` and the Ed25519 key `public` (32 bytes) signed it.

    Lines of other keys are ignored; a line of this key that does not match spoils the note, whatever the others say
    (signed-note, Signatures). Raises Malformed, or LedgerTampered if the note must not be believed.
    """
    checkpoint, signatures = read(note)
    if checkpoint.origin != origin:
        raise LedgerTampered("the checkpoint is that of another ledger")
    known = key_id(origin, public)
    ours = [raw[4:] for name, raw in signatures if name == origin and raw[:4] == known]
    if not ours:
        raise LedgerTampered("the checkpoint is not signed with that ledger's key")
    for signature in ours:
        _check(signature, checkpoint.text.encode(), public)
    return checkpoint


def _check(signature: bytes, text: bytes, public: bytes) -> None:
    try:
        if len(signature) != nacl.bindings.crypto_sign_BYTES or len(public) != 32:
            raise ValueError
        nacl.bindings.crypto_sign_open(signature + text, public)
    except (nacl.exceptions.CryptoError, ValueError):
        raise LedgerTampered("the signature of the checkpoint does not match") from None


def only(note: str | bytes, *names: str) -> str:
    """The note with the signature lines of `names` alone, for strangers could write any line; Malformed."""
    text, _, lines = _decoded(note).rpartition("\n\n")
    kept = [line for line in lines.split("\n")[:-1] if _signature(line)[0] in names]
    return "".join([text, "\n\n", *(f"{line}\n" for line in kept)])


def read(note: str | bytes) -> tuple[Checkpoint, list[tuple[str, bytes]]]:
    """What a note says, and its signature lines as (name, key id || signature); nothing is checked. Malformed."""
    text, _, lines = _decoded(note).rpartition("\n\n")
    match (f"{text}\n".split("\n"), lines.split("\n")):
        case [origin, size, root, ""], [*signatures, ""] if signatures and _DECIMAL.match(size):
            checkpoint = Checkpoint(origin, int(size), _base64(root))
            return checkpoint, [_signature(line) for line in signatures]
    raise Malformed("the text is not a checkpoint")


def _decoded(note: str | bytes) -> str:
    try:
        raw = note.encode() if isinstance(note, str) else bytes(note)
        if len(raw) > MAX_BYTES:
            raise ValueError
        return raw.decode()
    except ValueError:  # too large, or not UTF-8
        raise Malformed("the text is not a checkpoint") from None


def _signature(line: str) -> tuple[str, bytes]:
    match line.split(" "):
        case ["\N{EM DASH}", name, encoded] if _NAME.match(name):
            raw = _base64(encoded)
            if len(raw) > 4:
                return name, raw
    raise Malformed("a signature line of the checkpoint is damaged")


def _base64(encoded: str) -> bytes:
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("the checkpoint has damaged base64") from None
    if base64.b64encode(raw).decode() != encoded:  # the unused bits of the last digit could carry a message
        raise Malformed("the checkpoint has damaged base64")
    return raw
