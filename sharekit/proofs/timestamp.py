"""Time stamps: what a timestamp authority says of a checkpoint (RFC 3161), with the `timestamp` extra.

A stamp shows that the checkpoint, and so every entry before it, existed at that time: to anybody who trusts the
authority's root certificate, and without asking any partner.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from sharekit.errors import LedgerTampered, Malformed, NotTrusted, Usage

__all__ = ["check_root", "imprint", "request", "verify"]

MAX_BYTES = 64 * 1024
HINT = "ask the timestamp authority again: sharekit ledger timestamp request"


def request(note: str) -> bytes:
    """The request for a time stamp of a note: the DER of a TimeStampReq over its SHA-256 (section 2.4.1).

    It asks for the authority's certificate as well. Usage without the extra `timestamp`.
    """
    rfc3161 = _library()
    builder = rfc3161.TimestampRequestBuilder().data(note.encode()).hash_algorithm(rfc3161.HashAlgorithm.SHA256)
    made: bytes = builder.cert_request(cert_request=True).build().as_bytes()
    return made


def imprint(response: bytes) -> bytes:
    """The hash that a response is about, not checked; Malformed if it is no response, or a refusal."""
    return bytes(_parsed(response).tst_info.message_imprint.message)


def verify(note: str, response: bytes, roots: Sequence[bytes]) -> datetime:
    """When, in UTC, a timestamp authority stamped the note, as its response says (RFC 3161 section 2.4.2).

    `response` is DER; `roots` are PEM certificates, one of which must vouch for the authority. Raises Malformed if it
    is no stamp or a root is no certificate, LedgerTampered if it is the stamp of something else, NotTrusted if no root
    vouches, Usage without the extra `timestamp`.
    """
    rfc3161, parsed = _library(), _parsed(response)
    if imprint(response) != sha256(note.encode()).digest():
        raise LedgerTampered("the time stamp is not that of this checkpoint")
    for root in roots:
        verifier = rfc3161.VerifierBuilder().add_root_certificate(_certificate(root)).build()
        try:
            with _without_panic():
                verifier.verify(parsed, sha256(note.encode()).digest())
        except (rfc3161.VerificationError, ValueError):
            continue
        at: datetime = parsed.tst_info.gen_time
        return at.astimezone(UTC)
    raise NotTrusted("the time stamp is by no authority under a root that is trusted", hint="give its root with --root")


def check_root(pem: bytes) -> None:
    """Return only if the bytes are a certificate (PEM) that a time stamp can be checked with; Malformed."""
    _certificate(pem)


def _parsed(response: bytes) -> Any:
    rfc3161 = _library()
    try:
        if len(response) > MAX_BYTES:
            raise ValueError
        with _without_panic():
            parsed = rfc3161.decode_timestamp_response(response)
            if parsed.status == rfc3161.PKIStatus.GRANTED.value and parsed.tst_info:
                return parsed
    except (ValueError, TypeError):
        pass
    raise Malformed("the file is no time stamp", hint=HINT)


def _certificate(pem: bytes) -> Any:
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        with _without_panic():
            found = x509.load_pem_x509_certificate(pem)
            found.subject, found.issuer, found.extensions, found.public_key()  # each is parsed when it is asked for
            return found
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension):
        raise Malformed("the root is no certificate", hint="give the authority's root certificate as PEM") from None


@contextlib.contextmanager
def _without_panic() -> Iterator[None]:
    """ValueError where the library, which is written in Rust, panics over the bytes: that is no Exception."""
    try:
        yield
    except BaseException as problem:
        if type(problem).__name__ != "PanicException":  # it has no module that could be imported
            raise
        raise ValueError("the bytes cannot be read") from None


def _library() -> Any:
    try:
        import rfc3161_client
    except ImportError:
        raise Usage("time stamps need the timestamp extra", hint="pip install 'sharekit[timestamp]'") from None
    return rfc3161_client
