"""The packet `sharekit/1`: its shape, read and written. SPEC.md sections 3 and 5.1 to 5.3.

    packet     = [ "sharekit", 1, statement : bstr, sealed : bstr ], then one bstr per attachment
    statement  = COSE_Sign1 over SHA-256(sealed); says nothing about the child
    sealed     = [ M, D, [] ]           M, D = COSE_Encrypt of the padded manifest and dataset
    manifest   = { 1 salt, 2 mode, ? 3 in-reply-to, ? 4 checkpoint note, 5 ShareTerms, 6 dataset hash, 7 [] }
                 in a receipt or checkpoint, 5 is its body and the dataset is empty
    dataset    = { 1 salt, 2 fields, 3 {} }

Types say how far a thing is trusted: bytes, `Packet` (parsed), `Statement` (verified), `Manifest` (read),
`Share` (opened for a use). No files, no clock, no database, no keys.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sharekit import cbor, cose
from sharekit.cose import Encrypt, Sign1
from sharekit.errors import FieldInvalid, Malformed
from sharekit.moments import is_seconds, time_of
from sharekit.trust.cards import ORG_ID, Card
from sharekit.trust.keys import ClassicalOpening
from sharekit.values import Value, field

__all__ = ["AUD", "EXP", "IAT", "ISS", "Control", "Packet", "Statement", "parse"]

MAGIC, VERSION = "sharekit", 1
TYP = "application/sharekit.statement+cose"
SEALED_TYPE = "application/sharekit.sealed+cbor"
MANIFEST_COMMIT, CHECKPOINT_HASH = -70001, -70002  # private use labels (RFC 9052 section 1.4)
ISS, AUD, EXP, IAT, CTI = 1, 3, 4, 6, 7  # CWT claims (RFC 8392 section 4)
CLOCK_SKEW = timedelta(minutes=5)
MAX_DAYS = 366  # for which any packet is valid: a receipt is still one when the year's ledger has been closed
MAX_BYTES = 5 * 512 * 1024  # 2.5 MiB: both parts of the largest class, 64 recipients twice, and the statement
SIZE_CLASSES = tuple(1024 << n for n in range(11))  # 1 KiB, 2 KiB ... 1 MiB
MODES = SHARE, RECEIPT, CHECKPOINT = "share", "receipt", "checkpoint"  # vocabulary-modes.json has their meaning

_AAD_CONTEXT, _DATASET_CONTEXT = b"sharekit/1 aad", b"sharekit/1 dataset-open"
_REQUIRED = (
    cose.ALG,
    cose.CRIT,
    cose.KID,
    cose.CWT_CLAIMS,
    cose.TYP,
    cose.PAYLOAD_HASH_ALG,
    cose.PREIMAGE_TYPE,
    MANIFEST_COMMIT,
)


class Packet(Value):
    """A packet whose shape is right; nothing in it is to be believed yet.

    `claims` are the statement's CWT claims by label, `sealed` the bytes that the statement is about, `manifest` and
    `dataset` the two sealed parts.
    """

    data: bytes = field(repr=False)
    statement: Sign1 = field(repr=False)
    claims: dict[int, Any] = field(repr=False)
    sealed: bytes = field(repr=False)
    manifest: Encrypt = field(repr=False)
    dataset: Encrypt = field(repr=False)

    @property
    def id(self) -> str:
        """The number of the packet, its cti, as 32 hexadecimal digits."""
        cti: bytes = self.claims[CTI]
        return cti.hex()

    @property
    def kid(self) -> bytes:
        """The thumbprint of the key that is said to have signed it."""
        kid: bytes = self.statement.header[cose.KID]
        return kid

    @property
    def signed(self) -> bytes:
        """The statement as it came: what the sender can be held to, and says nothing of the child."""
        parts = [self.statement.protected, {}, self.statement.payload, self.statement.signature]
        return cose.SIGN1_TAG + cbor.encode(parts)

    @property
    def sender(self) -> str:
        """The organisation id of the agency that it says it is from."""
        sender: str = self.claims[ISS]
        return sender

    @property
    def recipients(self) -> tuple[str, ...]:
        """The organisation ids of those whom it says it is for."""
        return tuple(self.claims[AUD])

    @property
    def issued(self) -> datetime:
        """When it says it was sealed."""
        return time_of(self.claims[IAT])

    @property
    def expires(self) -> datetime:
        """From when on it says it is not to be believed."""
        return time_of(self.claims[EXP])

    @property
    def classical(self) -> bool:
        """Whether it is sealed to classical keys, without protection from a quantum computer."""
        return cose.recipients(self.manifest)[0][0] == ClassicalOpening.alg

    @property
    def digest(self) -> bytes:
        """SHA-256 of the whole packet."""
        return sha256(self.data).digest()


class Statement(Value):
    """What the sender signed, verified: packet number, sender and recipients (organisation ids), and the two times.

    `checkpoint` is the hash of the sender's newest checkpoint note, None without a ledger; `data` the whole packet.
    `card` is the pinned card whose key signed it, `present` the newest believed card of that organisation: who they are
    and where to telephone them. `classical` says that it is sealed without post-quantum protection.
    """

    id: str
    sender: str
    recipients: tuple[str, ...]
    issued: datetime
    expires: datetime
    checkpoint: bytes | None
    data: bytes = field(repr=False)
    card: Card = field(repr=False)
    present: Card = field(repr=False)
    classical: bool

    @property
    def digest(self) -> bytes:
        """SHA-256 of the whole packet."""
        return sha256(self.data).digest()


class Control(Value):
    """What a control packet says: one between two agencies about other packets, without a dataset.

    `mode` is "receipt" or "checkpoint", or "share" for a packet that is none; `body` is its content, empty of a share,
    `note` the sender's newest checkpoint or None, `in_reply_to` the number of the packet that it is about, or None.
    """

    mode: str
    body: dict[str, Any] = field(repr=False)
    note: str | None
    in_reply_to: bytes | None


def parse(data: bytes) -> Packet:
    """The parts of a packet, untrusted: steps 5.1 to 5.3; Malformed if it is no packet of this version.

    >>> sharekit.parse(packet).claims[1]  # what it says of its sender; nobody has checked it
    'E10999001'
    """
    if len(data) > MAX_BYTES:  # 5.1
        raise Malformed("the file is too large to be a packet")
    data = bytes(data)
    match cbor.decode(data):  # 5.2
        case ["sharekit", int() as version, bytes() as statement, bytes() as sealed] if version == VERSION:
            if version is True:  # Python's true equals 1, CBOR's does not
                raise Malformed("the file is not a sharekit packet")
        case ["sharekit", int() as version, *_] if version != VERSION:
            raise Malformed("the packet is of a version this sharekit does not know", hint="install a newer sharekit")
        case _:
            raise Malformed("the file is not a sharekit packet")
    message = cose.parse_sign1(statement, required=_REQUIRED, optional=(CHECKPOINT_HASH,))  # 5.3
    claims = _checked_statement(message)
    match cbor.decode(sealed):
        case [bytes() as manifest, bytes() as dataset, []]:
            pass
        case _:
            raise Malformed("the sealed part is not in the form sharekit accepts")
    m, d = cose.parse_encrypt(manifest), cose.parse_encrypt(dataset)
    blocks = [cose.recipients(each) for each in (m, d)]
    if blocks[0] != blocks[1] or len(blocks[0]) != len(claims[AUD]):
        raise Malformed("the packet's recipients do not agree with each other")
    return Packet(data, message, claims, sealed, m, d)


def _checked_statement(message: Sign1) -> dict[int, Any]:
    """The CWT claims, if every header has the value or the shape that it must have; Malformed otherwise."""
    header = message.header
    commitments = [label for label in (MANIFEST_COMMIT, CHECKPOINT_HASH) if label in header]
    fixed = {
        cose.TYP: TYP,
        cose.PAYLOAD_HASH_ALG: cose.SHA_256,
        cose.PREIMAGE_TYPE: SEALED_TYPE,
        cose.CRIT: commitments,
    }
    hashes = [header[cose.KID], message.payload, *(header[label] for label in commitments)]
    if any(header[label] != value for label, value in fixed.items()) or not all(map(_is_hash, hashes)):
        raise Malformed("the statement is not in the form sharekit accepts")
    claims: dict[int, Any] = header[cose.CWT_CLAIMS]
    match claims:
        case {1: str() as iss, 3: list() as aud, 4: int() as exp, 6: int() as iat, 7: bytes() as cti}:
            if len(claims) == 5 and _claims_fit(iss, aud, exp, iat, cti):
                return claims
    raise Malformed("the statement is not in the form sharekit accepts")


def _claims_fit(iss: str, aud: list[Any], exp: int, iat: int, cti: bytes) -> bool:
    organisations = set(map(type, aud)) <= {str} and all(map(ORG_ID.match, [iss, *aud]))
    addressed = 1 <= len(aud) <= cose.MAX_RECIPIENTS and organisations and len(set(aud)) == len(aud)
    times = is_seconds(iat) and is_seconds(exp) and iat < exp <= iat + 86400 * MAX_DAYS
    return addressed and times and len(cti) == 16


def aad_of(protected: bytes) -> bytes:
    """A, the hash of the protected header by which both sealed parts are bound to this one statement."""
    return sha256(_AAD_CONTEXT + protected).digest()


def dataset_info(aad: bytes, manifest: bytes) -> bytes:
    """What only a reader of the manifest knows, and what the key of the dataset is sealed under."""
    return sha256(_DATASET_CONTEXT + aad + manifest).digest()


def pad(value: dict[int, Any]) -> bytes:
    """The encoded value, then 0x80 and zeros up to a size class, so that the length tells little.

    FieldInvalid above the largest class, 1 MiB, and for so many parts that no reader would decode them.
    """
    data = cbor.encode(value) + b"\x80"
    if not _is_readable(data):
        raise FieldInvalid("the share has more than 20,000 parts", hint="share less of it")
    for size in SIZE_CLASSES:
        if len(data) <= size:
            return data.ljust(size, b"\x00")
    raise FieldInvalid("the share is larger than 1 MiB", hint="share less of it, or send documents as attachments")


def _is_readable(data: bytes) -> bool:
    """Whether the bounds of reading let the item at the beginning of `data` be decoded."""
    if len(data) <= cbor.MAX_ITEMS:  # fewer bytes cannot hold as many items
        return True
    try:
        return cbor.end_of(data) > 0
    except Malformed:
        return False


def unpad(padded: bytes) -> Any:
    """The value of padded bytes; Malformed unless the padding is exactly that of `pad`."""
    data = padded.rstrip(b"\x00")
    value = cbor.decode(data[:-1]) if data.endswith(b"\x80") else None
    if value is None or len(padded) != next((s for s in SIZE_CLASSES if len(data) <= s), None):
        raise Malformed("the padding is not in the form sharekit accepts")
    return value


def _is_hash(value: object) -> bool:
    return type(value) is bytes and len(value) == 32
