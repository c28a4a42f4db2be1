"""The local policy of a home: read each time it is needed, and set by an act that is signed and stands in the ledger.

    home/policy.toml      what the agency does otherwise than shipped
    home/policy.cose      the act that set it: COSE_Sign1 over { 1: org_id, 2: SHA-256 of policy.toml, 3: time }

What only makes the shipped policy stricter is honoured as it stands, whoever wrote it. What makes it looser counts
only as it was signed with the agency's own key, and only while it is the policy that the ledger has as the newest:
an old act that was put back is no act. Whatever is wrong with it, nothing is opened until it is put right.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from sharekit import cbor, cose
from sharekit.disk import files
from sharekit.errors import GateNotMet, Malformed, NotTrusted, NotVerified, Usage
from sharekit.exchange.signer import Signer
from sharekit.moments import is_seconds, seconds_of, time_of
from sharekit.policy import local
from sharekit.policy.local import RULE, SOURCE, LocalPolicy
from sharekit.record.record import Facts, Record
from sharekit.values import Value
from sharekit.vault.actions import Promise

__all__ = ["OwnPolicy"]

TYP = "application/sharekit.policy+cose"
EVENT = "policy-changed"
_HEADER = (cose.ALG, cose.KID, cose.TYP)
_AGAIN = "look at it with: sharekit policy check policy.toml; then set it with: sharekit policy set FILE --loosen"


class Act(Value):
    """A signed act: which policy, by its hash, and when it was set."""

    digest: bytes
    at: datetime


class OwnPolicy:
    """The local policy of one agency: what is in force, and the acts that set another."""

    def __init__(self, home: Path, signer: Signer, record: Record, clock: Callable[[], datetime]) -> None:
        self._policy, self._act = home / "policy.toml", home / "policy.cose"
        self._signer, self._record, self._clock = signer, record, clock

    def in_force(self, *, now: datetime | None = None) -> LocalPolicy:
        """The policy in force; without a `policy.toml` the shipped one.

        `now` is for whoever has read the clock already. Raises what `policy.local.parse` raises; NotTrusted,
        BadSignature or Malformed where it is looser than shipped and no act, or not the newest, says so.
        """
        if not self._policy.exists():
            return local.shipped()
        policy = local.parse(files.read(self._policy, limit=local.MAX_BYTES, what="policy.toml"))
        if policy.loosens:
            self._check_act(policy, now or self._clock())
        return policy

    def _signed_act(self) -> Act | None:
        """The act that stands beside the policy, if this agency signed it; None if there is none."""
        if not self._act.exists():
            return None
        own, data = self._signer.card, files.read(self._act, limit=4096, what="policy.cose")
        message = cose.parse_sign1(data, required=_HEADER)
        cose.verify_sign1(message, own.signing)
        if message.header[cose.TYP] != TYP or message.header[cose.KID] != own.kid:
            raise _no_act("the act beside the local policy is of another kind, or signed with another key")
        return _act(cbor.decode(message.payload), own.org_id)

    def set_at(self) -> datetime | None:
        """When the policy in force was set; None if it was written by hand, or is the shipped one."""
        now = self._clock()
        policy = self.in_force(now=now)
        try:
            self._check_act(policy, now)
            act = self._signed_act()
        except (NotVerified, Malformed):
            return None
        return act.at if act else None

    def tighten(self, data: bytes, *, reason: str) -> int:
        """Take the `policy.toml` in `data` into use, which is nowhere looser than shipped; the number of its entry.

        Raises Malformed, NotMinimal, FieldMissing, UnknownCode, FieldInvalid; GateNotMet if it is looser; Usage if
        nobody is named who answers for it, or no reason; WrongPassphrase, OutputUnwritable, LedgerError.
        """
        self._check_answerable()
        policy = local.parse(data)
        if policy.loosens:
            raise _looser(policy)
        return self._set(policy, data, reason)

    def loosen(self, data: bytes, *, reason: str) -> int:
        """Take the `policy.toml` in `data` into use, looser or not; the number of its entry. Errors likewise."""
        self._check_answerable()
        return self._set(local.parse(data), data, reason)

    def _check_answerable(self) -> None:
        """Return only if somebody answers for a policy, with the keys at hand."""
        if not (self._signer.person and self._signer.role):
            raise Usage("somebody answers for a policy", hint="say who: --as NAME --role ROLE")
        self._signer.check_unlocked()

    def _set(self, policy: LocalPolicy, data: bytes, reason: str) -> int:
        """Signed, then recorded, and only then in force."""
        if not reason.strip():
            raise Usage("a policy is set for a reason", hint="add --reason TEXT")
        assert policy.digest is not None  # it was parsed
        now = self._clock()
        signed = _signed(Act(policy.digest, now), self._signer)
        facts = Facts(file=policy.digest, promise=Promise(words={"reason": reason}))
        with files.replacing(self._act) as act, files.replacing(self._policy) as text:
            number = self._record.append(EVENT, facts, now=now)
            act.commit(signed)
            text.commit(data)
        return number

    def _check_act(self, policy: LocalPolicy, now: datetime) -> None:
        act = self._signed_act()
        if act is None:
            raise _no_act("the local policy is looser than the shipped one, and nobody signed that")
        if act.digest != policy.digest:
            raise _no_act("the local policy is looser than the shipped one, and was changed after it was signed")
        if self._record.standing().policy != act.digest:
            raise _no_act("the local policy is looser than the shipped one, and not the one that was set last")


def _act(payload: Any, org_id: str) -> Act:
    match payload:
        case {1: str() as org, 2: bytes() as digest, 3: int() as time, **rest}:
            if not rest and org == org_id and len(digest) == 32 and is_seconds(time):
                return Act(digest, time_of(time))
    raise Malformed("policy.cose is not an act of this agency", hint=_AGAIN)


def _signed(act: Act, signer: Signer) -> bytes:
    header = {cose.ALG: cose.ED25519, cose.KID: signer.card.kid, cose.TYP: TYP}
    payload = {1: signer.org_id, 2: act.digest, 3: seconds_of(act.at)}
    return cose.sign1(header, cbor.encode(payload), signer.keys.signing)


def _no_act(message: str) -> NotTrusted:
    return NotTrusted(message, hint=_AGAIN, rule=RULE, source=SOURCE)


def _looser(policy: LocalPolicy) -> GateNotMet:
    count = sum(change.looser for change in policy.changes)
    return GateNotMet(
        f"the policy is looser than the shipped one in {count} {'thing' if count == 1 else 'things'}",
        hint="sharekit policy check FILE lists them; add --loosen if they are meant: it is signed and recorded",
        rule=RULE,
        source=SOURCE,
    )
