"""What an agency signed about a packet that it sealed: the one thing by which it can be held to have sent it.

    statement = COSE_Sign1 over SHA-256(sealed), with the claims 1 iss, 3 aud, 4 exp, 6 iat, 7 cti      (SPEC.md section
    3)

Whoever has the packet has its statement. It tells nothing of the child, and verifies without the rest of the packet.
It is read here by itself, with none of the code that makes or opens packets.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sharekit import cose
from sharekit.errors import BadSignature, Malformed
from sharekit.moments import is_seconds, time_of
from sharekit.proofs.checkpoint import ORG_ID
from sharekit.values import Value

__all__ = ["Signed", "read"]

TYP = "application/sharekit.statement+cose"
MANIFEST_COMMIT, CHECKPOINT_HASH = -70001, -70002
REQUIRED = (cose.ALG, cose.CRIT, cose.KID, cose.CWT_CLAIMS, cose.TYP, cose.PAYLOAD_HASH_ALG, cose.PREIMAGE_TYPE)
MAX_BYTES = 16 * 1024  # more than a statement for 64 recipients
_ORG_ID = re.compile(rf"{ORG_ID}\Z")


class Signed(Value):
    """That `sender` sealed the packet with the number `packet` (16 bytes) for `recipients`, at the time `issued`."""

    packet: bytes
    sender: str
    recipients: tuple[str, ...]
    issued: datetime


def read(data: bytes, keys: Collection[bytes]) -> Signed:
    """What a statement says, if one of the public signing keys `keys` (Ed25519, 32 bytes) signed it.

    Raises Malformed if the bytes are no statement, BadSignature if none of the keys signed it.
    """
    if len(data) > MAX_BYTES:
        raise _no_statement()
    message = cose.parse_sign1(data, required=(*REQUIRED, MANIFEST_COMMIT), optional=(CHECKPOINT_HASH,))
    if message.header[cose.TYP] != TYP:
        raise _no_statement()
    said = _said(message.header[cose.CWT_CLAIMS])
    for key in keys:
        try:
            cose.verify_sign1(message, key)
        except BadSignature:
            continue
        return said
    raise BadSignature("the statement is not signed by that agency")


def _said(claims: Any) -> Signed:
    match claims:
        case {1: str() as iss, 3: list() as aud, 4: int(), 6: int() as iat, 7: bytes() as cti} if len(claims) == 5:
            organisations = all(type(each) is str and _ORG_ID.match(each) for each in [iss, *aud])
            if organisations and is_seconds(iat) and len(cti) == 16:
                return Signed(cti, iss, tuple(aud), time_of(iat))
    raise _no_statement()


def _no_statement() -> Malformed:
    return Malformed("the bytes are no statement about a packet")
