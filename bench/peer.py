"""The peers, in an environment of their own: reads one request a line, and answers with the seconds of each call.

Everybody signs with Ed25519 and encrypts for one recipient, or for twenty: the parts are encrypted one by one, and
the hash of them all is signed. Keys are made and parsed once. This file imports nothing of sharekit, whose
environment has a cbor2 that `cwt` does not work with.

    request  { "peer", "act": "seal" or "open", "parts": [bytes of each], "recipients", "calls" }
    answer   { "times": [seconds] }, or { "error" }
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from hashlib import sha256
from importlib.metadata import version
from typing import Any

Act = Callable[[], object]


def cwt_seal(parts: Sequence[bytes]) -> Act:
    """COSE_Sign1, and COSE_Encrypt (A256GCM) with one HPKE-4-KE recipient: X25519, ChaCha20-Poly1305."""
    from cwt import COSE, COSEKey, Recipient

    signing, opening = _ed25519(), _x25519()
    signer = COSEKey.new({1: 1, 2: b"s", 3: -8, -1: 6, -2: _public(signing), -4: signing.private_bytes_raw()})
    reader = COSEKey.new({1: 1, 2: b"r", 3: 50, -1: 4, -2: _public(opening)})
    context = COSE.new(alg_auto_inclusion=True, kid_auto_inclusion=True)

    def encrypt(part: bytes) -> bytes:
        key = COSEKey.generate_symmetric_key(alg="A256GCM")
        recipient = Recipient.new(protected={1: 50}, unprotected={4: b"r"}, recipient_key=reader)
        return context.encode_and_encrypt(part, key, protected={1: 3}, recipients=[recipient])

    return lambda: context.encode_and_sign(_hashed(map(encrypt, parts)), signer)


def pycose_seal(parts: Sequence[bytes]) -> Act:
    """COSE_Sign1, and COSE_Encrypt (A256GCM) with one ECDH-ES+A256KW recipient: P-256, since it has no X25519 there."""
    from pycose.algorithms import A256GCM, EcdhEsA256KW, EdDSA
    from pycose.headers import IV, KID, Algorithm, StaticKey
    from pycose.keys import EC2Key, OKPKey
    from pycose.keys.curves import P256, Ed25519
    from pycose.messages import EncMessage, Sign1Message
    from pycose.messages.recipient import KeyAgreementWithKeyWrap

    signing, opening = OKPKey.generate_key(crv=Ed25519), EC2Key.generate_key(crv=P256)
    reader = EC2Key(crv=P256, x=opening.x, y=opening.y)

    def encrypt(part: bytes) -> bytes:
        recipient = KeyAgreementWithKeyWrap(phdr={Algorithm: EcdhEsA256KW}, uhdr={KID: b"r"})
        recipient.local_attrs = {StaticKey: reader}
        header = {"phdr": {Algorithm: A256GCM}, "uhdr": {IV: os.urandom(12)}}
        return EncMessage(**header, payload=part, recipients=[recipient]).encode()

    def act() -> bytes:
        message = Sign1Message(phdr={Algorithm: EdDSA, KID: b"s"}, payload=_hashed(map(encrypt, parts)))
        message.key = signing
        return message.encode()

    return act


def jwcrypto_seal(parts: Sequence[bytes]) -> Act:
    """JWS (EdDSA), and JWE in compact form: ECDH-ES+A256KW with X25519, A256GCM."""
    from jwcrypto import jwe, jwk, jws

    signing, opening = jwk.JWK.generate(kty="OKP", crv="Ed25519"), jwk.JWK.generate(kty="OKP", crv="X25519")
    header = json.dumps({"alg": "ECDH-ES+A256KW", "enc": "A256GCM"})

    def encrypt(part: bytes) -> bytes:
        return jwe.JWE(part, header, recipient=opening).serialize(compact=True).encode()

    def act() -> str:
        message = jws.JWS(_hashed(map(encrypt, parts)))
        message.add_signature(signing, None, '{"alg":"EdDSA"}')
        return message.serialize(compact=True)

    return act


def joserfc_seal(parts: Sequence[bytes]) -> Act:
    """JWS (Ed25519), and JWE in compact form: ECDH-ES+A256KW with X25519, A256GCM."""
    from joserfc import jwe, jws
    from joserfc.jwk import OKPKey

    signing, opening = OKPKey.generate_key("Ed25519"), OKPKey.generate_key("X25519")
    header, allowed = {"alg": "ECDH-ES+A256KW", "enc": "A256GCM"}, ["ECDH-ES+A256KW", "A256GCM"]

    def encrypt(part: bytes) -> bytes:
        return jwe.encrypt_compact(dict(header), part, opening, algorithms=allowed).encode()

    def act() -> str:
        return jws.serialize_compact({"alg": "Ed25519"}, _hashed(map(encrypt, parts)), signing, algorithms=["Ed25519"])

    return act


def age_seal(parts: Sequence[bytes], recipients: Sequence[Any] = ()) -> Act:
    """Rust age (pyrage) for one X25519 recipient, and Ed25519 of libsodium over the hash."""
    import pyrage
    from nacl.signing import SigningKey

    signing, readers = SigningKey.generate(), list(recipients) or [pyrage.x25519.Identity.generate().to_public()]
    return lambda: signing.sign(_hashed(pyrage.encrypt(part, readers) for part in parts))


def agepq_seal(parts: Sequence[bytes]) -> Act:
    """The same with age's own post-quantum recipient: ML-KEM-768 with P-256."""
    import pyrage
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    lattice = MLKEM768PrivateKey.generate().public_key().public_bytes_raw()
    point = ec.generate_private_key(ec.SECP256R1()).public_key()
    public = lattice + point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return age_seal(parts, [pyrage.tagpq.Recipient.from_str(_bech32("age1tagpq", public))])


def age_open(parts: Sequence[bytes], recipients: int) -> Act:
    """Check Ed25519 over the hash, and decrypt with the key of one recipient after another."""
    import pyrage
    from nacl.signing import SigningKey

    signing, identities = SigningKey.generate(), [pyrage.x25519.Identity.generate() for _ in range(recipients)]
    sealed = [pyrage.encrypt(part, [each.to_public() for each in identities]) for part in parts]
    signed = signing.sign(_hashed(sealed))
    turn = 0

    def act() -> list[bytes]:
        nonlocal turn
        turn = (turn + 1) % recipients
        if signing.verify_key.verify(signed) != _hashed(sealed):
            raise ValueError
        return [pyrage.decrypt(part, [identities[turn]]) for part in sealed]

    return act


SEALS = {
    "cwt": cwt_seal,
    "pycose": pycose_seal,
    "jwcrypto": jwcrypto_seal,
    "joserfc": joserfc_seal,
    "age": age_seal,
    "agepq": agepq_seal,
}


def _prepared(request: dict[str, Any]) -> Act:
    parts = [os.urandom(size) for size in request["parts"]]
    if request["act"] == "open":
        return age_open(parts, request["recipients"])
    return SEALS[request["peer"]](parts)


def _times(act: Act, calls: int) -> list[float]:
    times = []
    for _ in range(calls):
        before = time.perf_counter()
        act()
        times.append(time.perf_counter() - before)
    return times


def _hashed(parts: Any) -> bytes:
    digest = sha256()
    for part in parts:
        digest.update(part)
    return digest.digest()


def _ed25519() -> Any:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.generate()


def _x25519() -> Any:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    return X25519PrivateKey.generate()


def _public(key: Any) -> bytes:
    return key.public_key().public_bytes_raw()


def _bech32(prefix: str, data: bytes) -> str:
    """BIP 173 without its limit of length: how age writes a public key."""
    bits = "".join(f"{byte:08b}" for byte in data)
    fives = [int(bits[at : at + 5].ljust(5, "0"), 2) for at in range(0, len(bits), 5)]
    check = 1
    for value in [*(ord(c) >> 5 for c in prefix), 0, *(ord(c) & 31 for c in prefix), *fives, *[0] * 6]:
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> bit & 1 else 0
    ends = [(check ^ 1) >> 5 * (5 - at) & 31 for at in range(6)]
    return f"{prefix}1" + "".join("qpzry9x8gf2tvdw0s3jn54khce6mua7l"[value] for value in [*fives, *ends])


def main() -> None:
    warnings.simplefilter("ignore")  # names that a peer has deprecated are not what is measured
    acts: dict[str, Act] = {}
    names = ("cwt", "pycose", "jwcrypto", "joserfc", "pyrage", "pynacl", "cryptography")
    print(json.dumps({"versions": {name: version(name) for name in names}}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        calls = request.pop("calls")
        kind = json.dumps(request)
        try:
            if kind not in acts:
                acts[kind] = _prepared(request)
            answer: dict[str, Any] = {"times": _times(acts[kind], calls)}
        except Exception as problem:  # noqa: BLE001  # whatever it is, the row that asked says so
            answer = {"error": f"{type(problem).__name__}: {problem}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
